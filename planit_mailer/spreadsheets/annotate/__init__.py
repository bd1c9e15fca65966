"""Paints problems into a school's own workbook, part by part of its package."""
