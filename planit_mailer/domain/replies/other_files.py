"""Files that came instead of a spreadsheet, and what to do about them, in a school's words."""

from collections.abc import Mapping
from types import MappingProxyType

from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.verdict import File
from planit_mailer.spreadsheets import detect

TAKE_OUT = "take the workbook out of it and attach that"
DOWNLOAD = "download the workbook and attach a copy of it"
COPY = "copy the data to the form that is attached, and send that"
# What to do about a file, by what it is.
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
    """Each thing that a message without a spreadsheet brought, with what to do about it."""
    brought = [advised(described(file), ADVICE.get(file.found, "")) for file in letter.files]
    if letter.message.forwarded:
        brought.append(advised("a forwarded email", TAKE_OUT))
    if letter.message.link:
        brought.append(catalogue.problem("link-instead-of-file", store=letter.message.link).message)
    return tuple(brought)


def described(file: File) -> str:
    """A file as the school knows it, and what it is."""
    name = catalogue.quoted(file.name) or "a file without a name"
    return f"{name} ({file.found})" if file.found else name


def advised(thing: str, advice: str) -> str:
    """Name a file, and what to do about it if that is known."""
    return f"{thing}: {advice}" if advice else thing
