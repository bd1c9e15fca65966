"""Saves a workbook of openpyxl in memory. openpyxl itself writes each worksheet to a temporary file first.

Such a file would hold learners' data, and would stay if the process is killed. The reading process may not create files
at all.
"""

import io
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter


def saved(book: Workbook) -> bytes:
    """Return a workbook as a file. It must have no charts, images, hyperlinks or comments: they would be left out."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        _Writer(book, archive).save()
    return out.getvalue()


class _Writer(ExcelWriter):
    """Writes as openpyxl does, but each worksheet into a buffer."""

    def __init__(self, book: Workbook, archive: ZipFile) -> None:
        super().__init__(book, archive)
        self._parts = archive

    def write_worksheet(self, ws: Worksheet) -> None:
        """Write one worksheet into the archive."""
        part = io.BytesIO()
        WorksheetWriter(ws, part).write()
        self._parts.writestr(ws.path[1:], part.getvalue())
        self.manifest.append(ws)
