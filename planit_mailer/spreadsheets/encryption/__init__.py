"""Opens and locks workbooks with passwords."""
