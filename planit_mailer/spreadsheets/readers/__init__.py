"""Readers, one module for each kind of file: bytes in, sheets of cells out."""
