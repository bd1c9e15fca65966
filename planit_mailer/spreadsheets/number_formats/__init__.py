"""Shows values as Excel shows them under their number formats."""
