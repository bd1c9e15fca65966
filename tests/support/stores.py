"""Stores for tests: every test that asks for `store` runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from planit_mailer.adapters.sql.store import Store
from tests.support import postgres
from tests.support.mailservers import missing
from tests.support.postgres import Postgres

BOTH = ("sqlite", "postgresql")
NewDatabase = Callable[..., str]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """One PostgreSQL for all tests of this process; each test takes a database of its own."""
    folder = postgres.programs()
    if not folder:
        missing("PostgreSQL")
    assert folder
    server = Postgres(folder)
    yield server
    server.stop()


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Makes the URL of a database that nobody has used: `database()`, or `database(tables=False)` for an empty one."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql").new_database
    return lambda *, tables=True: _sqlite(tmp_path / "planit.db", tables=tables)


@pytest.fixture
def store(database: NewDatabase) -> Iterator[Store]:
    """An empty store."""
    store = Store(database())
    yield store
    store.close()


def _sqlite(path: Path, *, tables: bool) -> str:
    url = f"sqlite:///{path}"
    if tables:
        Store(url).prepare()
    return url
