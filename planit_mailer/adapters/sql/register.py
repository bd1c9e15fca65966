"""The register: schools, who may send for them, and the passwords of their workbooks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    false,
    insert,
    or_,
    select,
    update,
)

from planit_mailer.adapters.sql.base import Repository
from planit_mailer.adapters.sql.schema import denied, passwords, receipts, schools, senders
from planit_mailer.core import text
from planit_mailer.core.errors import Refused
from planit_mailer.domain.schools import Enrolled, Imported, Listed, School, SenderRegistration
from planit_mailer.spreadsheets.encryption.passwords import Password

DESCRIBED = ("name", "folded_name", "postcode", "folded_postcode")
NUMBERS_FROM = 900001  # made up where a school has no URN: those have six digits and do not reach here


class Register(Repository):
    """Queries and commands on schools, senders and passwords."""

    def add_school(self, name: str, postcode: str, number: str | None = None) -> School:
        """Register a school. If one has the same name and postcode, or the same number, return that one.

        Raises Refused if several have that name and postcode.
        """
        if found := self._same_school(name, postcode, number):
            return found
        row = {"number": number or self._made_number()} | described(name, postcode)
        return _school(self._connection.execute(insert(schools).values(row).returning(schools)).one())

    def schools(self) -> tuple[Enrolled, ...]:
        """All schools by name, each with its senders, and whether it has a password."""
        locked = set(self._connection.scalars(select(passwords.c.school_id)))
        values: dict[int, list[str]] = defaultdict(list)
        for row in self._connection.execute(select(senders).order_by(senders.c.value)):
            values[row.school_id].append(row.value)
        rows = self._connection.execute(select(schools).order_by(schools.c.name, schools.c.id))
        return tuple(Enrolled(_school(row), tuple(values[row.id]), row.id in locked) for row in rows)

    def senders(self) -> tuple[tuple[str, int], ...]:
        """All addresses and domains, each with the id of a school that it may send for."""
        rows = self._connection.execute(select(senders.c.value, senders.c.school_id).order_by(senders.c.id))
        return tuple((row.value, row.school_id) for row in rows)

    def domains(self) -> frozenset[str]:
        """The domains of all senders."""
        return frozenset(value.rpartition("@")[2] for value in self._connection.scalars(select(senders.c.value)))

    def find_schools(self, postcode_or_number: str) -> tuple[School, ...]:
        """The schools with this public id, or else at this postcode, by name."""
        rows = self._connection.execute(select(schools).where(schools.c.number == postcode_or_number.strip())).all()
        if not rows:
            at = schools.c.folded_postcode == text.fold(postcode_or_number)
            rows = self._connection.execute(select(schools).where(at).order_by(schools.c.name, schools.c.id)).all()
        return tuple(map(_school, rows))

    def allow(self, school: School, value: str) -> None:
        """Let an address, or everyone at a domain, send for a school; no longer denied, if they were."""
        sender = {"school_id": school.id, "value": value.strip().lower()}
        self._connection.execute(denied.delete().where(denied.c.value == sender["value"]))
        there = select(senders.c.id).where(senders.c.school_id == school.id, senders.c.value == sender["value"])
        if self._connection.scalar(there) is None:
            self._connection.execute(insert(senders).values(sender))

    def deny(self, value: str, now: datetime) -> None:
        """Ignore an address or a domain from now on."""
        row = {"value": value.strip().lower(), "since": now}
        if self._connection.scalar(select(denied.c.value).where(denied.c.value == row["value"])) is None:
            self._connection.execute(insert(denied).values(row))

    def denied(self) -> tuple[str, ...]:
        """The addresses and domains that are ignored."""
        return tuple(self._connection.scalars(select(denied.c.value).order_by(denied.c.value)))

    def registration(self, address: str) -> SenderRegistration:
        """The schools, by name, that an address or its domain may send for, and whether either was denied."""
        return registration(self._connection, address)

    def passwords(self, schools: Sequence[School]) -> tuple[Password, ...]:
        """The passwords that open workbooks of these schools, in the schools' order, each once."""
        among = passwords.c.school_id.in_([school.id for school in schools])
        found = {row.school_id: row.password for row in self._connection.execute(select(passwords).where(among))}
        ordered = dict.fromkeys(found[school.id] for school in schools if school.id in found)
        return tuple(map(Password, ordered))

    def set_password(self, school: School, password: Password, now: datetime) -> None:
        """Register the password that opens a school's workbooks; the one before is forgotten."""
        self.remove_password(school)
        row = {"school_id": school.id, "password": password.text, "since": now}
        self._connection.execute(insert(passwords).values(row))

    def remove_password(self, school: School) -> bool:
        """Forget a school's password. Return False if it has none."""
        removed = self._connection.execute(delete(passwords).where(passwords.c.school_id == school.id)).rowcount > 0
        self.forgets = self.forgets or removed
        return removed

    def import_schools(self, listed: Sequence[Listed]) -> Imported:
        """Give the register each school of a list by its number, the URN.

        A school that was registered by hand, with the same name and postcode and a made-up number, gets the URN. All in
        two statements: the whole register of England has 25,000 open schools.
        """
        rows = self._connection.execute(select(schools).order_by(schools.c.id)).all()
        known = {row.number: row for row in rows}
        by_hand = {_look(row): row for row in reversed(rows) if is_made_up(row.number)}
        added, changed = [], []
        for school in listed:
            wanted = {"number": school.number} | described(school.name, school.postcode)
            there = known.get(school.number) or by_hand.pop((wanted["folded_name"], wanted["folded_postcode"]), None)
            if there is None:
                added.append(wanted)
            elif any(getattr(there, column) != value for column, value in wanted.items()):
                changed.append({f"new_{column}": value for column, value in wanted.items()} | {"which": there.id})
        self._write(added, changed)
        return Imported(len(added), len(changed), len(listed) - len(added) - len(changed))

    def _same_school(self, name: str, postcode: str, number: str | None) -> School | None:
        by_name = and_(schools.c.folded_name == text.fold(name), schools.c.folded_postcode == text.fold(postcode))
        same = schools.c.number == number if number else by_name
        found = [_school(row) for row in self._connection.execute(select(schools).where(same).order_by(schools.c.id))]
        if len(found) > 1:
            raise Refused(several(found, "this name and postcode"))
        return found[0] if found else None

    def _made_number(self) -> str:
        taken = {int(number) for number in self._connection.scalars(select(schools.c.number)) if number.isdecimal()}
        return str(max({number + 1 for number in taken} | {NUMBERS_FROM}))

    def _write(self, added: list[dict[str, str]], changed: list[dict[str, Any]]) -> None:
        if added:
            self._connection.execute(insert(schools), added)
        if changed:
            columns: dict[str, Any] = {column: bindparam(f"new_{column}") for column in ("number", *DESCRIBED)}
            self._connection.execute(update(schools).where(schools.c.id == bindparam("which")).values(columns), changed)


def several(found: Sequence[School], what: str) -> str:
    """The error for the operator if a school is not named clearly enough."""
    listed = "\n".join(f"  {school.number}  {school.name}, {school.postcode}" for school in found)
    return f"Several schools have {what}; say the id of one:\n{listed}"


def registration(connection: Connection, address: str) -> SenderRegistration:
    """The registration of one address; of "", the sender of a message that was not read yet, there is none."""
    if not address:
        return SenderRegistration()
    names = values(address)
    may = exists().where(senders.c.school_id == schools.c.id, senders.c.value.in_(names))
    rows = connection.execute(select(schools).where(may).order_by(schools.c.name, schools.c.id))
    is_denied = connection.scalar(select(denied.c.value).where(denied.c.value.in_(names))) is not None
    return SenderRegistration(tuple(map(_school, rows)), is_denied)


def is_sender(connection: Connection, school: int) -> ColumnElement[bool]:
    """The condition that the From address of a receipt may send for a school."""
    allowed = connection.scalars(select(senders.c.value).where(senders.c.school_id == school)).all()
    domains = [value for value in allowed if "@" not in value]
    author = receipts.c.sender
    return author.in_(allowed) | or_(false(), *(author.endswith(f"@{domain}", autoescape=True) for domain in domains))


def described(name: str, postcode: str) -> dict[str, str]:
    """The columns that describe a school, as people write them and folded for comparison."""
    return {
        "name": name.strip(),
        "folded_name": text.fold(name),
        "postcode": postcode.strip().upper(),
        "folded_postcode": text.fold(postcode),
    }


def is_made_up(number: str) -> bool:
    """True if a school's number is one of ours, because it has no URN."""
    return number.isdecimal() and int(number) >= NUMBERS_FROM


def values(address: str) -> tuple[str, str]:
    """The values under which an address may be registered: itself, or exactly its domain."""
    return address.lower(), address.lower().rpartition("@")[2]


def _school(row: Row[Any]) -> School:
    return School(row.id, row.number, row.name, row.postcode)


def _look(row: Row[Any]) -> tuple[str, str]:
    return row.folded_name, row.folded_postcode
