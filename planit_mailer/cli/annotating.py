"""check --annotate: the workbook with its problems painted in."""

from pathlib import Path

from planit_mailer.doors.reader import Killed, Reader
from planit_mailer.errors import Refused
from planit_mailer.spreadsheets.sheets import Limits
from planit_mailer.uploads import annotated
from planit_mailer.uploads.annotated import Annotated
from planit_mailer.uploads.judging import Judgement


def annotate(data: bytes, judgement: Judgement, reader: Reader, limits: Limits) -> Annotated:
    """Paint in the reading process; where that has to be ended, the Problems sheet alone is left."""
    try:
        made: Annotated = reader.call(annotated.annotate, data, judgement.problems, judgement.sheet, limits)
    except Killed as killed:
        return annotated.alone(judgement.problems, killed.why.value)
    return made


def save(made: Annotated, out: Path) -> str:
    """Write the painted workbook; a sentence that says where it is and what it lacks. Raises Refused."""
    try:
        out.write_bytes(made.data)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}.") from error
    if not made.whole:
        return f"The problems are in {out}, without the workbook, which could not be painted: {made.cause}."
    lacks = f", without {' and '.join(made.lost)}" if made.lost else ""
    return f"The workbook with its problems painted in is {out}{lacks}."
