"""Parse the DfE register of schools: the download "Establishment fields CSV" of Get Information about Schools.

The file is encoded as on Windows. It has a hundred columns, and a line for every school that ever existed.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planit_mailer.core.errors import ConfigError
from planit_mailer.domain.forms import values
from planit_mailer.domain.schools import Listed
from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.readers import delimited

COLUMNS = URN, NAME, STATUS, POSTCODE = "URN", "EstablishmentName", "EstablishmentStatus (name)", "Postcode"
CLOSED = "closed"  # the other states are Open, Open but proposed to close, and Proposed to open
NUMBER = re.compile(r"[1-8][0-9]{5}|[1-9][0-9]{4}")  # a URN; numbers from 900000 are ours, for schools without one

Record = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Register:
    """The open schools of a file, the number of closed ones, and the mistakes in the rows that are passed over."""

    schools: tuple[Listed, ...]
    closed: int
    passed_over: int
    mistakes: tuple[str, ...]


def read(data: bytes) -> Register:
    """Return the schools of a file and its mistakes, by Excel's row numbers. Raises ConfigError for any other file."""
    schools: list[Listed] = []
    mistakes: list[str] = []
    closed = 0
    passed_over = 0
    row_of_urn: dict[str, int] = {}
    for row, record in enumerate(_records(data), 2):
        if record[STATUS].strip().casefold() == CLOSED:
            closed += 1
            continue
        found = list(_mistakes(record, row_of_urn))
        if found:
            passed_over += 1
            mistakes += [f"Row {row}: {mistake}" for mistake in found]
        else:
            schools.append(_school(record))
            row_of_urn[record[URN].strip()] = row
    return Register(tuple(schools), closed, passed_over, tuple(mistakes))


def _records(data: bytes) -> list[Record]:
    """The rows below the headings."""
    try:
        reader = csv.DictReader(io.StringIO(delimited.decoded(data), newline=""), restval="", strict=True)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        records: list[Record] = list(reader)
    except (csv.Error, Damaged) as error:
        raise ConfigError(f"it is not the DfE register's CSV: {error}.") from error
    if missing:
        raise ConfigError(f"it is not the DfE register's CSV: it has no column {', '.join(missing)}.")
    return records


def _mistakes(record: Record, row_of_urn: Mapping[str, int]) -> Iterator[str]:
    """The mistakes of a row. `row_of_urn` has the rows of the schools above it."""
    urn = record[URN].strip()
    if not NUMBER.fullmatch(urn):
        yield f"{URN} must be a number of five or six digits, like 123456."
    if urn in row_of_urn:
        yield f"{URN} {urn} stands in row {row_of_urn[urn]} already."
    if not record[NAME].strip():
        yield f"{NAME} is missing."
    if not record[POSTCODE].strip():
        yield f"{POSTCODE} is missing."
    elif values.postcode(record[POSTCODE]) is None:
        yield f"{POSTCODE} must be a full UK postcode, like LS1 4AP."


def _school(record: Record) -> Listed:
    postcode = values.postcode(record[POSTCODE])
    assert postcode is not None, "the row has no mistakes"
    return Listed(record[URN].strip(), " ".join(record[NAME].split()), postcode)
