"""Containers of spreadsheets: zip archives, OLE compound files, encoded text."""
