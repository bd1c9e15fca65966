"""The SQL store: schools, messages, learners. The only package that imports sqlalchemy.

`with store.transaction() as t:` is the commit; there is no other. The methods of `t` are in the modules of this
package, by subject. Every method raises Unavailable if the database is away, locked or full.
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
    """One database. Nothing is opened before the first query."""

    def __init__(self, url: str) -> None:
        """`url` is `sqlite:///` with an absolute path, or `postgresql+psycopg://…`. Raises ConfigError."""
        self._url: Final = engine.parse(url)
        self._forgotten = False  # the last process may have crashed between its commit and forgetting

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit at the end of the block, or not at all if it raises."""
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
        """Leave no old value in SQLite's write-ahead log; free pages were overwritten when they became free.

        PostgreSQL forgets with `rewrite`. If a reader prevents it on SQLite, the next transaction does it.
        """
        self._forgotten = engine.checkpoint(self._writing) if self._on_sqlite else True

    @property
    def name(self) -> str:
        """The database's URL without its password."""
        return self._url.render_as_string(hide_password=True)

    def rewrite(self) -> None:
        """Leave no old value in PostgreSQL's files, where a plain VACUUM leaves some. SQLite has none left."""
        if not self._on_sqlite:
            engine.rewrite(self._writing)

    def prepare(self) -> str:
        """Make sure that the tables are up to date: SQLite's are migrated, elsewhere only `migrate` does that.

        Return the name of their revision. Raises ConfigError if `planit-mailer migrate` has to be run, or if the
        database is newer than the program.
        """
        return migrations.prepare(self._url)

    def migrate(self) -> str:
        """Migrate the tables to the newest revision, under a lock. Return its name. Raises ConfigError, Unavailable."""
        return migrations.migrate(self._url)

    def lock(self) -> AbstractContextManager[None]:
        """Lock an SQLite database against other daemons until the process ends. Raises Rejected if one serves it."""
        return locks.file_lock(Path(f"{self._url.database}.lock")) if self._on_sqlite else nullcontext()

    def claim(self, work: str) -> AbstractContextManager[bool]:
        """Claim some work for a `with` block; yields False if another daemon has it. On SQLite there is no other.

        A claim ends with its process or connection, so each commit reads again what it changes.
        """
        return nullcontext(True) if self._on_sqlite else locks.claim(self._writing, work)

    def close(self) -> None:
        """Close all connections; the next query opens new ones."""
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
