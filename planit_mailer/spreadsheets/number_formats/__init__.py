"""Shows a value as Excel shows it under a number format."""
