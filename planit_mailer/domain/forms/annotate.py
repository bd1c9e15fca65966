"""Paint the problems into the school's own workbook, so that they can be put right in place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from planit_mailer.core import errors
from planit_mailer.domain.forms import find, labels
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.header_block import Required
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems.catalogue import CATALOGUE, Problem, Severity
from planit_mailer.spreadsheets import detect, read, references
from planit_mailer.spreadsheets.annotate import annotator, convert
from planit_mailer.spreadsheets.annotate.annotator import Note
from planit_mailer.spreadsheets.annotate.front_sheet import Entries
from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits, Range, Row, Unreadable

OnSheet = tuple[int, tuple[Range, ...]]  # the number of a sheet, and cells on it
NOWHERE = 0  # the number of no sheet
REWRITTEN = (detect.XLS, detect.XLSB, detect.ODS)
LOST = ("its formatting", "its formulas")


@dataclass(frozen=True, slots=True)
class Annotated:
    """An annotated .xlsx workbook. `lost` names, in a school's words, the things of the original that it lacks.

    `whole` is False if it is the Problems sheet alone; `cause` then gives the reason for the log, as in Unreadable.
    `encrypted` is True if it opens with the original's password. `data` is b"" if it had to be encrypted and could not
    be: then no workbook is sent back.
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
        return _painted(data, judgement, judging)
    opened = passwords.opened(data, judging.passwords)
    if opened is None:
        return _withheld("none of the passwords opens it any more")
    painted = _painted(opened.data, judgement, judging)
    if not painted.whole:
        return _withheld(painted.cause)
    return _encrypted(painted, opened.password)


def unpainted(judgement: Judgement, cause: str = "") -> Annotated:
    """Return the fallback for a workbook that cannot be painted: the Problems sheet alone, or nothing if encrypted."""
    if judgement.encrypted:
        return _withheld(cause)
    return _problems_sheet_alone(judgement.problems, cause)


def _painted(data: bytes, judgement: Judgement, judging: Criteria) -> Annotated:
    problems, limits = judgement.problems, judging.limits
    try:
        workbook, numbers = _as_xlsx(data, limits)
        places = _places(judgement, workbook, numbers, limits)
        notes = _notes(problems, places)
        painted = annotator.paint(workbook, notes, limits, _front(problems, judging))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  the libraries raise a dozen kinds for damaged parts
        return _problems_sheet_alone(problems, errors.cause(error))
    lost = LOST if detect.sniff(data) in REWRITTEN else ()
    return Annotated(painted.data, (*painted.lost, *lost))


def _front(problems: Sequence[Problem], judging: Criteria) -> Entries:
    """The required information, filled in as far as it is known, if a workbook has none of it at all."""
    if all(problem.code != "header-missing" for problem in problems):
        return ()
    known = judging.known
    return (
        (Required.SCHOOL_NAME.value, known.school_name),
        (Required.POSTCODE.value, known.postcode),
        (Required.SUBMITTED_BY.value, known.submitted_by),
        (Required.DATE.value, f"{judging.today:%d/%m/%Y}"),
    )


def _problems_sheet_alone(problems: Sequence[Problem], cause: str) -> Annotated:
    data = annotator.problems_only(_notes(problems, _Places(NOWHERE)))
    return Annotated(data, whole=False, cause=cause)


def _encrypted(painted: Annotated, password: Password) -> Annotated:
    """Encrypt a workbook, or withhold it if that fails."""
    try:
        return replace(painted, data=passwords.locked(painted.data, password), encrypted=True)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is: nothing goes back in clear
        return _withheld(errors.cause(error))


def _withheld(cause: str) -> Annotated:
    return Annotated(b"", whole=False, cause=cause)


def _as_xlsx(data: bytes, limits: Limits) -> tuple[bytes, Mapping[int, int]]:
    """Convert a file to .xlsx, with the number that each sheet then has. Raises Damaged if it holds no sheets.

    Without any numbers, sheets keep those that they had.
    """
    if detect.sniff(data) is detect.XLSX:
        return data, {}
    workbook = read.read(data, limits, find.likeness)
    if isinstance(workbook, Unreadable):
        raise Damaged(workbook.reason.value)
    return convert.as_xlsx(workbook), {original.number: number for number, original in enumerate(workbook, 1)}


def _places(judgement: Judgement, workbook: bytes, numbers: Mapping[int, int], limits: Limits) -> "_Places":
    """The places of a judgement's problems in a workbook whose sheets may have other numbers now."""
    if judgement.sheet is None:
        return _Places(None, headings=_heading_rows(workbook, limits))
    names = {name: numbers.get(number, number) for name, number in judgement.sheets}
    return _Places(numbers.get(judgement.sheet, judgement.sheet), names)


def _heading_rows(data: bytes, limits: Limits) -> tuple[tuple[int, Row], ...]:
    """The rows that the form was looked for in, with the numbers of their sheets."""
    workbook = read.read(data, limits, find.likeness)
    if isinstance(workbook, Unreadable):
        return ()
    found: list[tuple[int, Row]] = []
    for sheet in workbook:
        if sheet.hidden or annotator.is_ours(sheet):
            continue
        heading_row = labels.heading_row(labels.top(sheet))
        found += [(sheet.number, row) for row in sheet.rows if row.number == heading_row]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Places:
    """The places of problems: on the forms' sheets or, if there is none, on sheets with something like a heading row.

    `sheet` is the number of the first form's sheet, `numbers` those of sheets by their names. `headings` are the rows
    like heading rows, with the numbers of their sheets.
    """

    sheet: int | None
    numbers: Mapping[str, int] = field(default_factory=dict)
    headings: tuple[tuple[int, Row], ...] = ()

    def of(self, problem: Problem) -> Iterator[OnSheet]:
        """The sheets of a problem, each with the problem's cells on it."""
        if not problem.cells:
            yield self.sheet or NOWHERE, ()
        elif self.sheet is not None:
            yield from self._by_sheet(problem.cells)
        elif problem.code == "no-form-found":  # it names one row, the nearest
            yield from self._best(problem.cells)[:1]
        else:
            yield from self._likely(problem.cells)

    def _by_sheet(self, cells: Sequence[Range]) -> Iterator[OnSheet]:
        """The sheets of these cells, each with its own."""
        by_number: dict[int, list[Range]] = {}
        for block in cells:
            number = self.numbers.get(block.sheet, self.sheet or NOWHERE)
            by_number.setdefault(number, []).append(replace(block, sheet=""))
        for number, own in by_number.items():
            yield number, tuple(own)

    def _best(self, cells: Sequence[Range]) -> list[OnSheet]:
        """The sheets whose heading row has most of these cells filled."""
        found = self._filled(cells)
        most = max((len(filled) for _, filled in found), default=0)
        return [(number, filled) for number, filled in found if len(filled) == most]

    def _likely(self, cells: Sequence[Range]) -> list[OnSheet]:
        """All sheets whose heading row has any of these cells filled; all sheets if none has."""
        found = self._filled(cells)
        with_cells = [(number, filled) for number, filled in found if filled]
        return with_cells or found

    def _filled(self, cells: Sequence[Range]) -> list[OnSheet]:
        """The sheets, each with those of these cells that are filled in its heading row."""
        return [(number, _filled_in(row, cells)) for number, row in self.headings]


def _filled_in(row: Row, cells: Sequence[Range]) -> tuple[Range, ...]:
    """Those of these cells that are filled in a row."""
    places = references.places(cells)
    return tuple(references.ranges(place for place in places if place[0] == row.number and row.cell(place[1])))


def _notes(problems: Sequence[Problem], places: _Places) -> list[Note]:
    """The notes about problems, errors first, each in the order of the catalogue. Equal messages become one note."""
    notes: list[Note] = []
    for same in _by_message(problems):
        notes.extend(_notes_of(same, places))
    return notes


def _by_message(problems: Sequence[Problem]) -> list[list[Problem]]:
    """The problems in groups with the same severity, code and message, sorted by severity and code."""
    groups: dict[tuple[Severity, str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.severity, problem.code, problem.message), []).append(problem)
    order = {code: place for place, code in enumerate(CATALOGUE)}
    return sorted(groups.values(), key=lambda same: _rank(same[0], order))


def _rank(problem: Problem, order: Mapping[str, int]) -> tuple[bool, int]:
    return problem.severity is not Severity.ERROR, order[problem.code]


def _notes_of(same: Sequence[Problem], places: _Places) -> Iterator[Note]:
    """The notes about problems with one message: one for each sheet that they concern."""
    first = same[0]
    cells: list[Range] = []
    for problem in same:
        cells.extend(problem.cells)
    together = replace(first, cells=tuple(dict.fromkeys(cells)))
    for sheet, own_cells in places.of(together):
        yield Note(sheet, own_cells, first.severity.value, first.message, CATALOGUE[first.code].fix)
