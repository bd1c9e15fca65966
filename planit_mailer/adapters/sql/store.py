"""The SQL store: what is known of schools, messages and learners. With tables.py the only importer of sqlalchemy.

`with store.transaction() as t:` is the commit; there is no other. The verbs of `t` stand in the modules of this
package, by purpose. Every verb raises Unavailable where the database is away, locked or full.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from planit_mailer.adapters.sql import engine, locks, migrations
from planit_mailer.adapters.sql.deadlines import Deadlines
from planit_mailer.adapters.sql.duplicates import Duplicates
from planit_mailer.adapters.sql.engine import speaking
from planit_mailer.adapters.sql.erasure import Erasing
from planit_mailer.adapters.sql.learners import Learners
from planit_mailer.adapters.sql.outbox import OutboxRows
from planit_mailer.adapters.sql.polls import Polls
from planit_mailer.adapters.sql.queries import Queries
from planit_mailer.adapters.sql.receipts import Receipts
from planit_mailer.adapters.sql.register import Register
from planit_mailer.adapters.sql.release import Releases
from planit_mailer.adapters.sql.retention import Retention
from planit_mailer.core.errors import Unavailable


class Transaction(
    Receipts, Duplicates, Learners, OutboxRows, Register, Releases, Deadlines, Retention, Polls, Erasing, Queries
):
    """One commit: all of it or nothing."""


class Store:
    """One database. Nothing is opened before the first question."""

    def __init__(self, url: str) -> None:
        """`url` is `sqlite:///` with an absolute path, or `postgresql+psycopg://…`. Raises ConfigError."""
        self._url: Final = engine.parse(url)
        self._forgotten = False  # the last process may have died between its commit and forgetting

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One commit at the end of the block; none where it raises."""
        with speaking(), self._writing.begin() as connection:
            transaction = Transaction(connection)
            yield transaction
        if transaction.forgets or not self._forgotten:
            self._forgotten = False
            with suppress(Unavailable):  # what was to be done is done; the next transaction tries this again
                self.forget_pages()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One consistent view of the database, through a connection that cannot change it."""
        with speaking(), self._reading.begin() as connection:
            yield Transaction(connection)

    def forget_pages(self) -> None:
        """Leave no old value in SQLite's write-ahead log; its free pages were overwritten when they became free.

        PostgreSQL forgets with `rewrite`. Where a reader keeps SQLite from it, the next transaction does it.
        """
        self._forgotten = engine.checkpoint(self._writing) if self._on_sqlite else True

    @property
    def name(self) -> str:
        """The database's URL without its password."""
        return self._url.render_as_string(hide_password=True)

    def rewrite(self) -> None:
        """Leave no old value in PostgreSQL's files, where plain VACUUM leaves some; SQLite has none left."""
        if not self._on_sqlite:
            engine.rewrite(self._writing)

    def prepare(self) -> str:
        """Make sure of the tables: SQLite's are made or brought up to date, elsewhere that is `migrate`'s.

        Gives the name of their revision. Raises ConfigError where `planit-mailer migrate` is to be run, or where the
        database is newer than the program.
        """
        return migrations.prepare(self._url)

    def migrate(self) -> str:
        """Bring the tables to the newest revision, under a lock; its name. Raises ConfigError, Unavailable."""
        return migrations.migrate(self._url)

    def lock(self) -> AbstractContextManager[None]:
        """That no other daemon serves an SQLite database; ends with the process. Raises Rejected where one does."""
        return locks.file_lock(Path(f"{self._url.database}.lock")) if self._on_sqlite else nullcontext()

    def claim(self, work: str) -> AbstractContextManager[bool]:
        """Whether some work is ours for the length of a `with` block, and no other daemon's; on SQLite there is none.

        A claim ends with its process, or with its connection: what is done under it looks again before it commits.
        """
        return nullcontext(True) if self._on_sqlite else locks.claim(self._writing, work)

    def close(self) -> None:
        """Close all connections; the next question opens new ones."""
        for opened in (self._writing, self._reading):
            opened.dispose()

    @property
    def _on_sqlite(self) -> bool:
        return self._url.drivername == "sqlite"

    @cached_property
    def _writing(self) -> Engine:
        return engine.connect(self._url)

    @cached_property
    def _reading(self) -> Engine:
        return engine.connect(self._url, reading=True)
