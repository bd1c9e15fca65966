"""The tables: what Alembic compares the migrations with, and the types that make both databases behave alike.

Learner data stands in `learners` and, until a reply is sent, in `outbox.content`; nowhere else. A receipt holds no
subject, no file name and no body.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Words(TypeDecorator[str]):
    """Text without what PostgreSQL refuses: NUL characters and halves of surrogate pairs."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Python → database."""
        return None if value is None else clean(value)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, aware in Python; SQLite, which has no such type, keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Python → database. Raises ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Database → Python."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def clean(text: str) -> str:
    """Text as both databases keep it; "?" stands for half a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


metadata = MetaData(naming_convention=NAMES)

# SQLite numbers rows by itself only where the column is called INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


def _words(name: str, default: str | None = None) -> Column[str]:
    return Column(name, Words, nullable=False, default=default)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, default=0, server_default="0")


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=False, server_default=false())


def _moment(name: str, *, always: bool = False) -> Column[datetime]:
    return Column(name, Moment, nullable=not always)


def _json(name: str) -> Column[Any]:
    return Column(name, JSON, nullable=False)


schools = Table(
    "schools",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", Words, nullable=False, unique=True),  # the URN where it was imported
    _words("name"),
    _words("folded_name"),
    _words("postcode"),
    Column("folded_postcode", Words, nullable=False, index=True),
)

passwords = Table(
    "passwords",
    metadata,
    Column("school_id", ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True),  # one for each school
    _words("password"),  # readable, as it has to be used; the learners that it protects stand in clear beside it
    _moment("since", always=True),
)

senders = Table(
    "senders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("school_id", ForeignKey("schools.id", ondelete="CASCADE"), nullable=False),
    Column("value", Words, nullable=False, index=True),  # a whole address, or exactly one domain
    UniqueConstraint("school_id", "value"),
)

denied = Table("denied", metadata, Column("value", Words, primary_key=True), _moment("since", always=True))

receipts = Table(
    "receipts",
    metadata,
    Column("id", Id, primary_key=True),  # the arrival number: given in order, never again
    Column("reference", Words, nullable=False, unique=True),
    Column("uidvalidity", BigInteger),
    Column("uid", BigInteger),
    Column("digest", Words, nullable=False, default="", index=True),  # SHA-256 of the raw bytes
    Column("size", BigInteger, nullable=False),
    _moment("received_at", always=True),
    _moment("first_seen_at", always=True),
    _moment("clock_from", always=True),
    _moment("due_at"),  # none: no answer is owed
    _moment("answered_at"),
    _count("attempts"),
    _count("deaths"),
    _flag("in_hand"),
    Column("outcome", Words, index=True),
    _words("reason", ""),
    Column("sender", Words, nullable=False, default="", index=True),
    _flag("authentic"),
    _words("authentic_why", ""),
    _words("date", ""),
    Column("message_id", Words, nullable=False, default="", index=True),
    _words("attachments_digest", ""),
    _flag("released"),
    _flag("accept_identities"),
    _flag("to_bring_back"),
    _moment("settled_at"),
    _words("folder", ""),
    _moment("filed_at"),
    Column("filed_after", BigInteger),  # the last message that was seen before it was filed, whatever the clock says
    _flag("superseded"),  # its mail must be deleted, or the relay's copies of its answers
    Column("mail_deleted_at", Moment, index=True),
    _words("unanswered", ""),
    _count("warned"),
    Column("brings_back", BigInteger),  # the message whose answer a bounce brings back, and with it its learners' data
    UniqueConstraint("uidvalidity", "uid"),
    sqlite_autoincrement=True,
)
Index("ix_receipts_answered_at_due_at", receipts.c.answered_at, receipts.c.due_at)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Id, primary_key=True),
    Column("receipt_id", ForeignKey("receipts.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("school_id", ForeignKey("schools.id", ondelete="SET NULL")),
    _words("outcome"),
    Column("sheet", Integer),
    Column("heading_row", Integer),
    *(_count(name) for name in ("learners", "new", "changed", "unchanged", "passed_over", "absent")),
    _json("problems"),  # [[code, severity, ["D14:D20", …]], …]
    UniqueConstraint("receipt_id", "number"),
)

learners = Table(
    "learners",
    metadata,
    Column("id", Id, primary_key=True),
    Column("school_id", ForeignKey("schools.id", ondelete="CASCADE"), nullable=False),
    Column("upin", Words, nullable=False, index=True),
    _words("sims_no"),
    _words("first_name"),
    _words("surname"),
    Column("dob", Date, nullable=False),
    _words("year"),
    _json("fields"),  # [[heading, value], …]: one document a learner is 15 times as fast as one row a field
    _json("introduction"),
    Column("arrival", Id, nullable=False),  # no foreign key: it outlives the receipt
    _words("reference"),
    _moment("received_at", always=True),
    UniqueConstraint("school_id", "upin"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("receipt_id", ForeignKey("receipts.id", ondelete="CASCADE"), index=True),
    _words("kind"),
    Column("recipient", Words, nullable=False, index=True),
    Column("message_id", Words, nullable=False, index=True),
    Column("content", LargeBinary),  # deleted in the commit that notes it sent, or failed for good
    _moment("queued_at", always=True),
    _moment("due_at", always=True),
    _count("attempts"),
    Column("state", Words, nullable=False, default="pending", index=True),
    _moment("final_at"),
    _words("relay_answer", ""),
    sqlite_autoincrement=True,
)

alert_log = Table("told", metadata, Column("topic", Words, primary_key=True), _moment("at", always=True))

state = Table("state", metadata, Column("key", Words, primary_key=True), _moment("at", always=True))
