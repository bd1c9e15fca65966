"""The register, filled from a list of schools: what is new is added, what differs is put right, nothing is removed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from planit_mailer.domain.schools import Imported, Listed
from planit_mailer.doors.store import register
from planit_mailer.doors.store.verbs import Verbs
from planit_mailer.doors.tables import schools


class Imports(Verbs):
    """The verb of an import."""

    def import_schools(self, listed: Sequence[Listed]) -> Imported:
        """Give the register each school of a list by its number, the URN.

        A school that was registered by hand, with the same name and postcode and a made-up number, gets the URN. All in
        two statements: the whole register of England has 25,000 open schools.
        """
        rows = self._connection.execute(select(schools).order_by(schools.c.id)).all()
        known = {row.number: row for row in rows}
        by_hand = {_look(row): row for row in reversed(rows) if register.is_made_up(row.number)}
        added, changed = [], []
        for school in listed:
            wanted = {"number": school.number} | register.described(school.name, school.postcode)
            there = known.get(school.number) or by_hand.pop((wanted["folded_name"], wanted["folded_postcode"]), None)
            if there is None:
                added.append(wanted)
            elif any(getattr(there, column) != value for column, value in wanted.items()):
                changed.append({f"new_{column}": value for column, value in wanted.items()} | {"which": there.id})
        self._write(added, changed)
        return Imported(len(added), len(changed), len(listed) - len(added) - len(changed))

    def _write(self, added: list[dict[str, str]], changed: list[dict[str, Any]]) -> None:
        if added:
            self._connection.execute(insert(schools), added)
        if changed:
            columns: dict[str, Any] = {column: bindparam(f"new_{column}") for column in ("number", *register.DESCRIBED)}
            self._connection.execute(update(schools).where(schools.c.id == bindparam("which")).values(columns), changed)


def _look(row: Row[Any]) -> tuple[str, str]:
    return row.folded_name, row.folded_postcode
