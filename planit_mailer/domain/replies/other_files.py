"""Files that came instead of a spreadsheet, and advice about them, in words that schools use."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.verdict import File
from planit_mailer.spreadsheets import detect

LISTED = 50  # files in one mail
TAKE_OUT = "take the workbook out of it and attach that"
DOWNLOAD = "download the workbook and attach a copy of it"
COPY = "copy the data to the form that is attached, and send that"
# The advice about a file, by its kind.
ADVICE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys((archive.name for archive in detect.ARCHIVES), TAKE_OUT),
        detect.OUTLOOK.name: TAKE_OUT,
        detect.WINMAIL.name: "in Outlook, send the email as HTML or plain text, not as rich text",
        detect.LINK.name: DOWNLOAD,
        detect.PDF.name: COPY,
        detect.WORD.name: COPY,
    }
)


def arrived(letter: Letter) -> tuple[str, ...]:
    """Name everything that came in a message without a spreadsheet, with advice about it."""
    lines = shortened([advised(described(file), ADVICE.get(file.found, "")) for file in letter.files])
    if letter.message.forwarded:
        lines.append(advised("a forwarded email", TAKE_OUT))
    if letter.message.link:
        lines.append(catalogue.problem("link-instead-of-file", store=letter.message.link).message)
    return tuple(lines)


def shortened(lines: Sequence[str]) -> list[str]:
    """Lines about files, of very many the first ones and how many more there are."""
    rest = len(lines) - LISTED
    if rest <= 1:
        return [*lines]
    return [*lines[:LISTED], f"{rest:,} more files"]


def described(file: File) -> str:
    """Name a file as the school does, and say what kind of file it is."""
    name = catalogue.quoted(file.name) or "a file without a name"
    return f"{name} ({file.found})" if file.found else name


def advised(thing: str, advice: str) -> str:
    """Add advice to the name of a file, if there is any."""
    return f"{thing}: {advice}" if advice else thing
