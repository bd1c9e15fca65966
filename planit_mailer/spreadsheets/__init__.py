"""Bytes in, cells out; pure; knows nothing of schools."""
