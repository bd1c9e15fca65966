"""Messages in, replies out; pure."""
