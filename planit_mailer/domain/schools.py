"""Registered schools, and the senders that may send for them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class School:
    """A registered school. `number` is its public id: its URN if it was imported from the DfE register."""

    id: int
    number: str
    name: str
    postcode: str


@dataclass(frozen=True, slots=True)
class SenderRegistration:
    """The registration of one address: the schools that it may send for, and whether it was denied."""

    schools: tuple[School, ...] = ()
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A registered school, the addresses and domains that may send for it, and whether it has a password."""

    school: School
    senders: tuple[str, ...]
    has_password: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A school in the DfE register. `number` is its URN. `postcode` is spelled as the Royal Mail does, "LS1 4AP"."""

    number: str
    name: str
    postcode: str


@dataclass(frozen=True, slots=True)
class Imported:
    """The numbers of schools that an import added, updated, and found unchanged."""

    added: int
    updated: int
    unchanged: int
