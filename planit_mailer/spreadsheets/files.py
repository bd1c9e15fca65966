"""What kind of file is this? Told by its bytes, never by its name: names lie, and mail loses them."""

import io
import re
import zipfile
from enum import StrEnum

from planit_mailer.spreadsheets import archives, compound

START = 4_096  # bytes in which text is told from other things


class FileKind(StrEnum):
    """A kind of file, in a school's words."""

    XLSX = "an Excel workbook"
    XLSB = "an Excel binary workbook"
    XLS = "an Excel 97-2003 workbook"
    ENCRYPTED = "a password-protected workbook"
    ODS = "an OpenDocument spreadsheet"
    XML_2003 = "an Excel 2003 XML file"
    NUMBERS = "an Apple iWork file"
    TEXT = "plain text"
    HTML = "a web page"
    PDF = "a PDF"
    PICTURE = "a picture"
    WORD = "a Word document"
    OPEN_DOCUMENT = "an OpenDocument text"
    POWERPOINT = "a PowerPoint presentation"
    ARCHIVE = "a zip archive"
    CALENDAR = "a calendar entry"
    CONTACT = "a contact card"
    OUTLOOK = "an Outlook message"
    WINMAIL = "an Outlook winmail.dat"
    RICH_TEXT = "a rich text document"
    VIDEO = "a video"
    EMPTY = "an empty file"
    UNKNOWN = ""


SPREADSHEETS = frozenset(
    {FileKind.XLSX, FileKind.XLSB, FileKind.XLS, FileKind.ENCRYPTED, FileKind.ODS, FileKind.XML_2003}
)

BEGINNINGS = (
    (rb"%PDF", FileKind.PDF),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|\xd7\xcd\xc6\x9a|\0\0\x01\0", FileKind.PICTURE),
    (rb"BM....\0\0\0\0|RIFF....WEBP|....ftyp(?:hei|hev|mif|msf|avi)", FileKind.PICTURE),
    (rb"....ftyp", FileKind.VIDEO),
    (rb"\x78\x9f\x3e\x22", FileKind.WINMAIL),
    (rb"\{\\rtf", FileKind.RICH_TEXT),
    (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x1f\x8b\x08", FileKind.ARCHIVE),
    (rb"\x09[\x00\x02\x04\x08]", FileKind.XLS),  # older than the container that .xls has had since 1997
)
PARTS = (
    (r"xl/workbook\.bin$", FileKind.XLSB),
    (r"(?:.*/)?workbook\d*\.xml$", FileKind.XLSX),
    (r"word/", FileKind.WORD),
    (r"ppt/", FileKind.POWERPOINT),
    (r"index/.*\.iwa$|index\.zip$", FileKind.NUMBERS),
)
STREAMS = (
    ("encryptedpackage", FileKind.ENCRYPTED),
    ("workbook", FileKind.XLS),
    ("book", FileKind.XLS),
    ("worddocument", FileKind.WORD),
    ("powerpoint document", FileKind.POWERPOINT),
    ("__properties_version1.0", FileKind.OUTLOOK),
)
WORDS = (
    (r"begin:vcalendar", FileKind.CALENDAR),
    (r"begin:vcard", FileKind.CONTACT),
    (r"<.*urn:schemas-microsoft-com:office:spreadsheet", FileKind.XML_2003),
    (r"(?:<\?xml.*?)?(?:<!--.*?-->|<!doctype svg[^>]*>|\s)*<svg\b", FileKind.PICTURE),
    (r"mime-version:.*multipart/related", FileKind.HTML),
    (
        r"(?:<\?xml.*?\?>|<!--.*?-->|\s)*<(?:!doctype html|html|head|meta|title|body|table|script|style|div)\b",
        FileKind.HTML,
    ),
)
UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f]")


def kind(data: bytes) -> FileKind:
    """What kind of file these bytes are; looks at no more than a beginning and a directory, and never raises."""
    if not data:
        return FileKind.EMPTY
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_archive(data)
    if data.startswith(compound.MAGIC):
        return _in_compound(data)
    for pattern, found in BEGINNINGS:
        if re.match(pattern, data, re.DOTALL):
            return found
    return _in_text(data[:START])


def _in_archive(data: bytes) -> FileKind:
    if b"opendocument.spreadsheet" in data[:200]:
        return FileKind.ODS
    if b"opendocument.text" in data[:200]:
        return FileKind.OPEN_DOCUMENT
    names = _names(data)
    for pattern, found in PARTS:
        if any(re.match(pattern, name) for name in names):
            return found
    return FileKind.ARCHIVE


def _names(data: bytes) -> list[str]:
    """The names of an archive's parts; of a damaged one, those that can still be seen."""
    try:
        if data.count(archives.DIRECTORY_ENTRY) > archives.ENTRIES:
            return []
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [archives.folded(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        seen = re.findall(rb"PK\x03\x04.{26}([ -~]{1,100})", data, re.DOTALL)
        return [archives.folded(name.decode("ascii")) for name in seen[: archives.ENTRIES]]


def _in_compound(data: bytes) -> FileKind:
    streams = compound.names(data)
    return next((found for name, found in STREAMS if name in streams), FileKind.UNKNOWN)


def _in_text(start: bytes) -> FileKind:
    text = _text(start)
    if text is None:
        return FileKind.UNKNOWN
    words = text.lstrip("\ufeff \t\r\n").lower()
    return next((found for pattern, found in WORDS if re.match(pattern, words, re.DOTALL)), FileKind.TEXT)


def _text(start: bytes) -> str | None:
    """A beginning as text, in whatever encoding; None where it is not text."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif start[1::2].count(0) > len(start) // 3:
        encoding = "utf-16-le"
    elif start[::2].count(0) > len(start) // 3:
        encoding = "utf-16-be"
    else:
        encoding = "latin-1"  # every encoding that keeps ASCII will do here
    text = start[: len(start) // 2 * 2 if encoding != "latin-1" else None].decode(encoding, "replace")
    return None if UNPRINTABLE.search(text) else text
