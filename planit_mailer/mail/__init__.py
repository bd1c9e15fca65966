"""Mail formats: parse messages and authenticate their senders. Pure, and without any knowledge of schools."""
