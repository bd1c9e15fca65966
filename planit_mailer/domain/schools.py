"""Registered schools and the senders that may write for them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class School:
    """A registered school; `number` is its public id, the URN if it was imported."""

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
    """A school of the register, the addresses and domains that may send for it, and whether it has a password."""

    school: School
    senders: tuple[str, ...]
    has_password: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A school as the DfE register lists it: `number` is its URN, `postcode` written as the Royal Mail does."""

    number: str
    name: str
    postcode: str


@dataclass(frozen=True, slots=True)
class Imported:
    """The numbers of listed schools that were added to the register, updated, and there already unchanged."""

    added: int
    updated: int
    unchanged: int
