"""check --annotate: the workbook with its problems painted in."""

from pathlib import Path

from planit_mailer.core.errors import Refused
from planit_mailer.domain.forms.annotate import Annotated


def save(made: Annotated, out: Path) -> str:
    """Write the painted workbook; a sentence that says where it is and what it lacks. Raises Refused."""
    if not made.data:
        return f"Nothing was written: no painted workbook with the same password could be made: {made.cause}."
    try:
        out.write_bytes(made.data)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}.") from error
    if not made.whole:
        return f"The problems are in {out}, without the workbook, which could not be painted: {made.cause}."
    opens = " It opens with the password of the workbook." if made.encrypted else ""
    lacks = f", without {' and '.join(made.lost)}" if made.lost else ""
    return f"The workbook with its problems painted in is {out}{lacks}.{opens}"
