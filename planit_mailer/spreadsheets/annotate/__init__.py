"""Paints problems into the school's own workbook, part by part of its package."""
