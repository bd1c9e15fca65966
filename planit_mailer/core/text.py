"""Text that people wrote: folded for comparison, or made safe to stand on one line."""

import re
import unicodedata

# C0 and C1 controls, and the characters that turn the direction of text: "fdp.slx" must not look like "xls.pdf".
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def one_line(value: str) -> str:
    """A header in one line: unfolded, its 8-bit bytes read as UTF-8, without controls."""
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return UNSAFE.sub("", re.sub(r"[\r\n\t ]+", " ", value)).strip()


def fold(text: str) -> str:
    """A heading for comparing: its letters and digits alone, without case and accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(filter(str.isalnum, letters))
