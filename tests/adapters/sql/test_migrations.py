"""The tables' revisions, on both databases."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from planit_mailer.adapters.sql import engine as engines
from planit_mailer.adapters.sql import migrations, schema
from planit_mailer.adapters.sql.store import Store
from planit_mailer.core.errors import ConfigError
from tests.support import books
from tests.support.stores import NewDatabase

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def url(database: NewDatabase) -> str:
    return database(tables=False)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = engines.connect(engines.parse(url))
    yield engine
    engine.dispose()


def go(connection: Connection, to: str) -> None:
    steps = command.downgrade if to == "base" else command.upgrade
    steps(migrations.configuration(connection), to)


def names(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(migrations.configuration()).get_heads()) == 1


def test_an_empty_database_gets_all_tables_and_they_are_those_of_the_program(url: str, engine: Engine) -> None:
    assert Store(url).migrate() == migrations.head()

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, schema.metadata) == []
    assert names(engine) == set(schema.metadata.tables)


def test_down_and_up_again(url: str, engine: Engine) -> None:
    Store(url).migrate()

    with engine.begin() as connection:
        go(connection, "base")
    assert names(engine) == set()

    with engine.begin() as connection:
        go(connection, "head")
    assert names(engine) == set(schema.metadata.tables)


def test_to_migrate_what_is_migrated_changes_nothing(url: str) -> None:
    store = Store(url)
    store.migrate()
    books.a_school(store)

    assert store.migrate() == migrations.head()

    with store.reading() as reading:
        assert len(reading.schools()) == 1
    store.close()


def test_arrival_numbers_are_never_given_again(url: str) -> None:
    store = Store(url)
    store.migrate()
    first = books.begin(store)

    with store.transaction() as transaction:
        transaction.drop(first)

    assert books.begin(store).arrival == first.arrival + 1
    store.close()


def test_the_first_use_makes_the_tables_on_sqlite_and_asks_for_migrate_elsewhere(url: str) -> None:
    store = Store(url)

    if "postgresql" in url:
        with pytest.raises(ConfigError, match="without tables: run planit-mailer migrate"):
            store.prepare()
        store.migrate()
    store.prepare()

    with store.reading() as reading:
        assert reading.schools() == ()
    store.close()


def test_a_database_newer_than_the_program_is_left_alone(url: str, engine: Engine) -> None:
    store = Store(url)
    store.migrate()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for step in (store.prepare, store.migrate):
        with pytest.raises(ConfigError, match="revision 9999, newer than this version"):
            step()


def test_a_database_of_something_else_is_left_alone(url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER)"))

    for step in (Store(url).prepare, Store(url).migrate):
        with pytest.raises(ConfigError, match="belongs to something else"):
            step()

    assert names(engine) == {"invoices"}


def test_a_migration_that_fails_half_way_leaves_nothing(url: str, engine: Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        go(connection, "head")
        transaction.rollback()

    assert names(engine) == set()


def test_alembic_on_a_command_line_finds_everything_in_pyproject(url: str) -> None:
    environment = {**os.environ, "PLANIT_DATABASE_URL": url}
    for verb in (["upgrade", "head"], ["check"]):
        result = subprocess.run(
            [sys.executable, "-m", "alembic", *verb],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr


def test_revisions_are_numbered_in_order() -> None:
    found = [s.revision for s in ScriptDirectory.from_config(migrations.configuration()).walk_revisions()]
    assert all(re.fullmatch(r"\d{4}", revision) for revision in found)
    assert found[::-1] == list(migrations.known()), "what is known without Alembic is what Alembic knows"
