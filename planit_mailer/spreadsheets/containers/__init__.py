"""What spreadsheets come in: zip archives, OLE compound files, encoded text."""
