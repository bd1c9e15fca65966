"""What cells show is what Excel shows of them; LibreOffice is the independent judge."""

import csv
import io
from collections.abc import Sequence

import pytest
from xlsxwriter import Workbook

from tests.spreadsheets.shown import Pair, pairs
from tests.support.libreoffice import AS_SHOWN, LibreOffice

PAIRS = tuple(pairs())
HEADINGS = dict.fromkeys(pair.heading for pair in PAIRS)
WIDE = 150  # characters: a column that is too narrow for a number shows ###


@pytest.mark.parametrize("heading", HEADINGS)
def test_cells_show_what_excel_shows(heading: str) -> None:
    under = [pair for pair in PAIRS if pair.heading == heading]

    assert [(pair, pair.ours) for pair in under if pair.ours != (pair.shown, True)] == []


def test_each_pair_stands_once() -> None:
    assert len({(pair.format, repr(pair.value)) for pair in PAIRS}) == len(PAIRS)


def test_libreoffice_shows_the_same_but_where_a_reason_is_given(libreoffice: LibreOffice) -> None:
    made = libreoffice.converted({"pairs.xlsx": a_column(PAIRS)}, AS_SHOWN)["pairs"]

    lines = csv.reader(io.StringIO(made.decode(), newline=""))
    judged = {pair: line[0].strip() for pair, line in zip(PAIRS, lines, strict=True)}
    assert [(pair, said) for pair, said in judged.items() if pair.judged and said != pair.shown] == []


def a_column(column: Sequence[Pair]) -> bytes:
    """A workbook with the values one below the other, each in its format."""
    out = io.BytesIO()
    book = Workbook(out)
    page = book.add_worksheet()
    page.set_column(0, 0, WIDE)
    formats = {pair.format: book.add_format({"num_format": pair.format}) for pair in column}
    for row, pair in enumerate(column):
        write = page.write_string if isinstance(pair.value, str) else page.write_number
        write(row, 0, pair.value, formats[pair.format])
        page.write_string(row, 1, "x")  # lines of one blank cell would be left out
    book.close()
    return out.getvalue()
