"""The containers of spreadsheets: zip archives, OLE compound files, encoded text."""
