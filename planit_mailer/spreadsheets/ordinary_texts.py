"""Reads the table of texts that cells share, where it is written as nearly every program writes it."""

import re
from collections.abc import Callable, Iterator

from planit_mailer.spreadsheets import ordinary
from planit_mailer.spreadsheets.ordinary import NotOrdinary, Shape

TABLE = Shape(re.compile(ordinary.START % b"sst"), re.compile(rb"<sst\s[^<>]*>"), b"</si>")
ITEM = re.compile(rb'\s*<si><t(?: xml:space="preserve")?>(%s)</t>' % ordinary.TEXT)


def left(chunks: Iterator[bytes], keep: Callable[[str], object]) -> Iterator[bytes]:
    """The chunks of the table without the texts that were kept: the parser gets all below the last of those."""

    def take(piece: bytes) -> None:
        found = ITEM.fullmatch(piece)
        if found is None:
            raise NotOrdinary
        keep(ordinary.text(found[1]))

    return ordinary.left(TABLE, chunks, take)
