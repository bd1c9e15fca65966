"""Text that people wrote: fold it for comparison, or make it safe to show on one line."""

import re
import unicodedata

# C0 and C1 controls, and the characters that reverse the direction of text: "fdp.slx" must not look like "xls.pdf".
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def one_line(value: str) -> str:
    """Return a header on one line: unfolded, its 8-bit bytes decoded as UTF-8, without control characters."""
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return UNSAFE.sub("", re.sub(r"[\r\n\t ]+", " ", value)).strip()


def fold(text: str) -> str:
    """Return the letters and digits of a text, without case and accents, for comparison."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(filter(str.isalnum, letters))
