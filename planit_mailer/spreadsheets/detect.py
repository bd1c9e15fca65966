"""Detects the kind of a file by its bytes, never by its name: names may be wrong, and mail loses them."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from planit_mailer.spreadsheets.containers import ole, text_encoding, zip_archive

BEGINNING = 65_536  # bytes of a file that show its kind, if it is not opened
START = 4_096  # bytes of the beginning that are looked at, to see if it is text
DELIMITERS = ("\t", ";", ",", "|")
MIMETYPE = 100  # bytes; no type is longer
COLUMNS = 4  # a table has at least so many; prose has commas, too
LINES = 2


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file. `name` is for schools, and "" if the kind is unknown."""

    name: str
    is_spreadsheet: bool = False
    holds_files: bool = False

    @property
    def may_hold_a_form(self) -> bool:
        """True if a file of this kind may hold a school's form. Only opening it shows if it does."""
        return self.is_spreadsheet or self.holds_files


XLSX = FileKind("an Excel workbook", is_spreadsheet=True)
XLSB = FileKind("an Excel binary workbook", is_spreadsheet=True)
XLS = FileKind("an Excel 97-2003 workbook", is_spreadsheet=True)
ENCRYPTED = FileKind("a password-protected workbook", is_spreadsheet=True)
LABELLED = FileKind("a workbook that is protected by a sensitivity label", is_spreadsheet=True)
MANGLED = FileKind("a file whose bytes were changed on the way", is_spreadsheet=True)
ODS = FileKind("an OpenDocument spreadsheet", is_spreadsheet=True)
XML_2003 = FileKind("an Excel 2003 XML file", is_spreadsheet=True)
NUMBERS = FileKind("an Apple iWork file", is_spreadsheet=True)
FLAT_ODS = FileKind("a flat OpenDocument spreadsheet", is_spreadsheet=True)
TABLE = FileKind("a table in plain text", is_spreadsheet=True)
TEXT = FileKind("plain text")
HTML = FileKind("a web page")
PDF = FileKind("a PDF")
PICTURE = FileKind("a picture")
WORD = FileKind("a Word document")
OPEN_DOCUMENT = FileKind("an OpenDocument text")
POWERPOINT = FileKind("a PowerPoint presentation")
LINK = FileKind("a link to a file")
ZIP = FileKind("a zip archive", holds_files=True)
RAR = FileKind("a RAR archive", holds_files=True)
SEVEN_ZIP = FileKind("a 7-Zip archive", holds_files=True)
GZIP = FileKind("a gzip archive", holds_files=True)
TAR = FileKind("a tar archive", holds_files=True)
ARCHIVE = FileKind("an archive", holds_files=True)  # of another kind
CALENDAR = FileKind("a calendar entry")
CONTACT = FileKind("a contact card")
OUTLOOK = FileKind("an Outlook message")
WINMAIL = FileKind("an Outlook winmail.dat", holds_files=True)
RICH_TEXT = FileKind("a rich text document")
VIDEO = FileKind("a video")
EMPTY = FileKind("an empty file")
UNKNOWN = FileKind("")
ARCHIVES = (ZIP, RAR, SEVEN_ZIP, GZIP, TAR, ARCHIVE)
OPENED_BY_EXCEL = (HTML,)  # report tools call it .xls
PLAIN = (TABLE, TEXT)  # a spreadsheet if it holds a form, or is called one

BEGINNINGS = (
    (rb"%PDF", PDF),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|\xd7\xcd\xc6\x9a|\0\0\x01\0", PICTURE),
    (rb"BM....\0\0\0\0|RIFF....WEBP|....ftyp(?:hei|hev|mif|msf|avi)", PICTURE),
    (rb"....ftyp", VIDEO),
    (rb"\x78\x9f\x3e\x22", WINMAIL),
    (rb"\{\\rtf", RICH_TEXT),
    (rb"Rar!\x1a\x07", RAR),
    (rb"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (rb"\x1f\x8b\x08", GZIP),
    (rb".{257}ustar", TAR),
    (rb"BZh[1-9]1AY&SY|\xfd7zXZ\0|\x28\xb5\x2f\xfd|MSCF\0\0\0\0", ARCHIVE),  # bzip2, xz, Zstandard, cabinet
    (rb"\x09[\0\x02\x04\x08][\x04\x06\x08\x10]\0", XLS),  # older than the container that .xls has had since 1997
)
WORKBOOK_BEGINS = b"\x09\x08\x10\0\0\x06\x05\0"  # BOF of BIFF8, [MS-XLS] 2.4.21
PARTS = (
    (r"xl/workbook\.bin$", XLSB),
    (r"(?:.*/)?workbook\d*\.xml$", XLSX),
    (r"word/", WORD),
    (r"ppt/", POWERPOINT),
    (r"index/.*\.iwa$|index\.zip$", NUMBERS),
    (r"xl/", XLSX),  # cut off before its workbook part
)
STREAMS = (
    ("encryptedpackage", ENCRYPTED),
    ("workbook", XLS),
    ("book", XLS),
    ("worddocument", WORD),
    ("powerpoint document", POWERPOINT),
    ("__properties_version1.0", OUTLOOK),
)
WORDS = (
    (r"begin:vcalendar", CALENDAR),
    (r"begin:vcard", CONTACT),
    (r"\[internetshortcut\]|\{.*(?:docs\.google\.com|\"doc_id\")", LINK),  # .url of Windows, .gsheet of Google Drive
    (r"<office:document\b[^>]*opendocument\.spreadsheet", FLAT_ODS),
    (r"<.*urn:schemas-microsoft-com:office:spreadsheet", XML_2003),
    (r"(?:<!doctype svg[^>]*>\s*)?<svg\b", PICTURE),
    (r"mime-version:.*multipart/related", HTML),
    (
        r"<(?:!doctype html|html|head|meta|link|title|style|script|body|table|tr|div|center|p|h[1-6]|font|span|b|br)\b",
        HTML,
    ),
)
# A container whose bytes were taken for text and written again as UTF-8: every byte above 127 became a replacement
# character.
REPLACED = b"\xef\xbf\xbd"
MANY = 20  # of them in the first bytes; in a sound container each is a matter of chance
# Microsoft's rights management, which sensitivity labels use: [MS-OFFCRYPTO] 2.2.
RIGHTS = "DRMEncryptedTransform".encode("utf-16-le")
PROLOGUE = re.compile(r"<\?|<!--")
CLOSES = {"<?": "?>", "<!--": "-->"}
BLANK = "\ufeff \t\r\n"
UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f]")


def sniff(data: bytes) -> FileKind:
    """Return the kind of a file. It looks only at the beginning and at a container's directory, and never raises."""
    if not data:
        return EMPTY
    if data.startswith((b"PK\x03\x04", ole.MAGIC[:2])) and data.count(REPLACED, 0, START) > MANY:
        return MANGLED
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_archive(data)
    if data.startswith(ole.MAGIC):
        return _in_compound(data)
    for pattern, kind in BEGINNINGS:
        if re.match(pattern, data, re.DOTALL):
            return kind
    return _in_text(data[:START])


def kinds(beginnings: Iterable[bytes]) -> tuple[FileKind, ...]:
    """Return the kinds of files by their first BEGINNING bytes, or by all their bytes if they have fewer.

    A container that cannot be told without the rest counts as an archive, so that a person looks at it.
    """
    return tuple(map(_kind_by_beginning, beginnings))


def _kind_by_beginning(beginning: bytes) -> FileKind:
    kind = sniff(beginning)
    if kind is UNKNOWN and beginning.startswith(ole.MAGIC) and len(beginning) == BEGINNING:
        return ARCHIVE
    return kind


def _in_archive(data: bytes) -> FileKind:
    """Return the kind of a zip archive by the type it declares, or by the names of its parts."""
    names = _names(data)
    declared = data[:200]  # the type should be in the first part, unpacked
    if "content.xml" in names:
        declared += _declared(data)
    if b"opendocument.spreadsheet" in declared:
        return ODS
    if b"opendocument.text" in declared:
        return OPEN_DOCUMENT
    for pattern, kind in PARTS:
        if any(re.match(pattern, name) for name in names):
            return kind
    return ZIP


def _names(data: bytes) -> list[str]:
    """Return the names of an archive's parts. In a damaged archive some of them can still be found."""
    try:
        if data.count(zip_archive.DIRECTORY_ENTRY) > zip_archive.ENTRIES:
            return []
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [zip_archive.folded(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        seen = re.findall(rb"PK\x03\x04.{26}([ -~]{1,100})", data, re.DOTALL)
        return [zip_archive.folded(name.decode("ascii")) for name in seen[: zip_archive.ENTRIES]]


def _declared(data: bytes) -> bytes:
    """Return the type that an archive declares in a part of its own, or b"" if it does not, or cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("mimetype") as part:
            return part.read(MIMETYPE)
    except (KeyError, zipfile.BadZipFile, ValueError, RuntimeError, OSError, EOFError, zlib.error):
        return b""


def _in_compound(data: bytes) -> FileKind:
    """Return the kind of an OLE compound file by the names of its streams."""
    streams = ole.names(data)
    if RIGHTS in data:
        return LABELLED
    for name, kind in STREAMS:
        if name in streams:
            return kind
    is_cut_off = not streams and WORKBOOK_BEGINS in data  # before its directory
    return XLS if is_cut_off else UNKNOWN


def _in_text(start: bytes) -> FileKind:
    """Return the kind of a text by its beginning."""
    text = _decoded(start)
    if text is None:
        return UNKNOWN
    words = _without_prologue(text).lower()
    for pattern, kind in WORDS:
        if re.match(pattern, words, re.DOTALL):
            return kind
    return TABLE if _is_table(words.splitlines()) else TEXT


def _without_prologue(text: str) -> str:
    """The text without its XML declarations and comments, in one look at it: it may have nothing but openings."""
    unclosed = {mark for mark, close in CLOSES.items() if close not in text}
    if len(unclosed) == len(CLOSES):
        return text.lstrip(BLANK)
    kept: list[str] = []
    place = 0
    for opening in PROLOGUE.finditer(text):
        mark = opening[0]
        if opening.start() < place or mark in unclosed:
            continue
        closed = text.find(CLOSES[mark], opening.end())
        if closed < 0:
            unclosed.add(mark)
        else:
            kept.append(text[place : opening.start()])
            place = closed + len(CLOSES[mark])
    return "".join([*kept, text[place:]]).lstrip(BLANK)


def _decoded(start: bytes) -> str | None:
    """Return the beginning of a text in any encoding, or None if it is not text."""
    # If ASCII characters are single bytes, any encoding that keeps them will do.
    encoding = text_encoding.of(start) or "latin-1"
    text = start.decode(encoding, "replace")
    return None if UNPRINTABLE.search(text) else text


def _is_table(lines: list[str]) -> bool:
    """Return True if a delimiter divides two lines into the same number of columns. The last line may be cut off."""
    whole = lines[:-1] if len(lines) > LINES else lines
    return any(_divides(delimiter, whole) for delimiter in DELIMITERS)


def _divides(delimiter: str, lines: list[str]) -> bool:
    """Return True if two lines have the same number of this delimiter, and enough of them for a table."""
    seen = set[int]()
    for line in lines:
        count = line.count(delimiter)
        if count in seen:
            return True
        if count >= COLUMNS - 1:
            seen.add(count)
    return False
