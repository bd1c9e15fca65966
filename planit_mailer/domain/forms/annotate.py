"""Paint the problems into the school's own workbook, so that they can be put right in place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from planit_mailer.domain.forms import find, labels
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems.catalogue import CATALOGUE, Problem, Severity
from planit_mailer.spreadsheets import detect, read
from planit_mailer.spreadsheets.annotate import annotator, convert
from planit_mailer.spreadsheets.annotate.annotator import Note
from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits, Row, Unreadable
from planit_mailer.spreadsheets.references import address

NOWHERE = 0  # the number of no sheet
REWRITTEN = (detect.XLS, detect.XLSB, detect.ODS)
LOST = ("its formatting", "its formulas")


@dataclass(frozen=True, slots=True)
class Annotated:
    """An .xlsx workbook, and what the school's one has that it lacks, in a school's words.

    `whole` is False if it is the Problems sheet alone; `cause` then says why, for the log, as Unreadable does.
    `encrypted`: it opens with the password of the one that came. If it cannot be encrypted, `data` is b"": nothing goes
    back.
    """

    data: bytes
    lost: tuple[str, ...] = ()
    whole: bool = True
    cause: str = ""
    encrypted: bool = False


def annotate(data: bytes, judgement: Judgement, judging: Criteria) -> Annotated:
    """Paint the problems into a file, or return the Problems sheet alone if it cannot be painted within the limits.

    An encrypted workbook is painted and encrypted with the same password, or withheld. Runs in the reading process; if
    that is killed, unpainted() is the fallback. Raises nothing but MemoryError: a readable file may still be of a kind
    that cannot be painted.
    """
    if not judgement.encrypted:
        return _painted(data, judgement, judging.limits)
    opened = passwords.opened(data, judging.passwords)
    if opened is None:
        return _withheld("none of the passwords opens it any more")
    made = _painted(opened.data, judgement, judging.limits)
    return _encrypted(made, opened.password) if made.whole else _withheld(made.cause)


def unpainted(judgement: Judgement, cause: str = "") -> Annotated:
    """The fallback for a workbook that cannot be painted: the Problems sheet alone; nothing if it came encrypted."""
    if judgement.encrypted:
        return _withheld(cause)
    return _alone(judgement.problems, cause)


def _painted(data: bytes, judgement: Judgement, limits: Limits) -> Annotated:
    found = judgement.problems
    try:
        book, number = _xlsx(data, judgement.sheet, limits)
        places = _Places(number, () if number is not None else _headings(book, limits))
        painted = annotator.paint(book, _notes(found, places), limits)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  the libraries raise a dozen kinds for damaged parts
        return _alone(found, read.cause(error))
    lost = LOST if detect.sniff(data) in REWRITTEN else ()
    return Annotated(painted.data, (*painted.lost, *lost))


def _alone(found: Sequence[Problem], cause: str) -> Annotated:
    data = annotator.problems_only(_notes(found, _Places(NOWHERE, ())))
    return Annotated(data, whole=False, cause=cause)


def _encrypted(made: Annotated, password: Password) -> Annotated:
    try:
        return replace(made, data=passwords.locked(made.data, password), encrypted=True)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is: nothing goes back in clear
        return _withheld(read.cause(error))


def _withheld(cause: str) -> Annotated:
    return Annotated(b"", whole=False, cause=cause)


def _xlsx(data: bytes, sheet: int | None, limits: Limits) -> tuple[bytes, int | None]:
    """The file as .xlsx, and the number of the form's sheet in it. Raises Damaged if it holds no sheets."""
    if detect.sniff(data) is detect.XLSX:
        return data, sheet
    workbook = read.read(data, limits, find.likeness)
    if isinstance(workbook, Unreadable):
        raise Damaged(workbook.reason.value)
    places = {each.number: place for place, each in enumerate(workbook, 1)}
    return convert.as_xlsx(workbook), places.get(sheet) if sheet is not None else None


@dataclass(frozen=True, slots=True)
class _Places:
    """The places of problems: on the form's sheet or, if there is none, on sheets with something like a heading row.

    `headings` are those rows with the numbers of their sheets.
    """

    sheet: int | None
    headings: tuple[tuple[int, Row], ...]

    def of(self, one: Problem) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The sheets of a problem, each with those of its cells that are on it."""
        if self.sheet is not None or not one.cells:
            yield self.sheet or NOWHERE, one.cells
            return
        found = [(number, _among(one.cells, row)) for number, row in self.headings]
        most = max((len(cells) for _, cells in found), default=0)
        if one.code == "no-form-found":  # it names one row, the nearest
            yield from [place for place in found if len(place[1]) == most][:1]
            return
        for number, cells in found:
            if len(cells) == most or (len(found) > 1 and cells):
                yield number, cells


def _headings(data: bytes, limits: Limits) -> tuple[tuple[int, Row], ...]:
    """The rows that the form was looked for in, with the numbers of their sheets."""
    workbook = read.read(data, limits, find.likeness)
    if isinstance(workbook, Unreadable):
        return ()
    seen = [sheet for sheet in workbook if not sheet.hidden and not annotator.is_ours(sheet)]
    numbers = {sheet.number: labels.heading_row(labels.top(sheet)) for sheet in seen}
    return tuple((sheet.number, row) for sheet in seen for row in sheet.rows if row.number == numbers[sheet.number])


def _among(cells: Sequence[str], row: Row) -> tuple[str, ...]:
    filled = {address(row.number, column) for column, cell in enumerate(row.cells, 1) if cell}
    return tuple(cell for cell in cells if cell in filled)


def _notes(found: Sequence[Problem], places: _Places) -> list[Note]:
    """The notes about problems: errors first, each in the order of the catalogue, those with the same words as one."""
    order = {code: place for place, code in enumerate(CATALOGUE)}
    same: dict[tuple[bool, int, str], list[Problem]] = {}
    for one in found:
        same.setdefault((one.severity is not Severity.ERROR, order[one.code], one.message), []).append(one)
    ordered = sorted(same, key=lambda cause: cause[:2])
    return [note for cause in ordered for note in _told(same[cause], places)]


def _told(same: Sequence[Problem], places: _Places) -> Iterator[Note]:
    first = same[0]
    cells = tuple(dict.fromkeys(cell for one in same for cell in one.cells))
    for sheet, own in places.of(replace(first, cells=cells)):
        yield Note(sheet, own, first.severity.value, first.message, CATALOGUE[first.code].fix)
