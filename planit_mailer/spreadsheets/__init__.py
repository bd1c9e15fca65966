"""Spreadsheets: bytes in, cells out. Touches nothing outside the process, and knows nothing of schools."""
