"""The store as a whole: transactions, files, locks, errors."""

import os
import random
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy import text

from planit_mailer.adapters.sql import engine
from planit_mailer.adapters.sql.store import Store
from planit_mailer.core.errors import ConfigError, Unavailable
from tests.support import books
from tests.support.books import NOW
from tests.support.postgres import Postgres

LOCKING = """
import sys
from planit_mailer.adapters.sql.store import Store
with Store(sys.argv[1]).lock():
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "planit.db"


@pytest.fixture
def sqlite(path: Path) -> Store:
    store = Store(f"sqlite:///{path}")
    store.prepare()
    return store


def test_what_a_block_did_is_there_when_it_ends(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.add_school("Greenfield School", "ZZ9 9ZZ")

    with store.reading() as reading:
        assert len(reading.schools()) == 1


def test_nothing_of_a_block_that_raises_is_there(store: Store) -> None:
    def half() -> None:
        with store.transaction() as transaction:
            transaction.add_school("Greenfield School", "ZZ9 9ZZ")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        half()

    with store.reading() as reading:
        assert reading.schools() == ()


def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises((Unavailable, RuntimeError)), store.reading() as reading:
        reading.add_school("Greenfield School", "ZZ9 9ZZ")

    with store.reading() as reading:
        assert reading.schools() == ()


def test_times_come_back_in_utc(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.note_poll(NOW, success=True)

    with store.reading() as reading:
        assert reading.status().last_success == NOW
        assert str(reading.status().last_success).endswith("+00:00")


def test_a_time_without_a_zone_is_a_mistake_of_ours(store: Store) -> None:
    with pytest.raises(Exception, match="without a zone"), store.transaction() as transaction:
        transaction.note_poll(NOW.replace(tzinfo=None), success=True)


def test_what_postgresql_finds_too_large_is_a_mistake_of_ours_and_no_server_that_is_away(postgresql: Postgres) -> None:
    chance = random.Random(1)
    large = "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(3000))
    store = Store(postgresql.new_database())
    receipt = books.begin(store)

    with pytest.raises(RuntimeError, match="54000") as caught, store.transaction() as transaction:
        transaction.record_sender(receipt, books.facts(sender=large))

    assert large[:10] not in str(caught.value)
    store.close()


def test_text_that_a_database_refuses_is_kept_without_what_it_refuses(store: Store) -> None:
    school = books.a_school(store, "Green\0field \ud800School")
    learner = books.a_learner(values=("A\0B\ud800",))

    books.apply(store, school, books.an_upload(learner))

    with store.reading() as reading:
        page = reading.page("A1")
    assert page
    assert page.fields[0].value == "AB?"
    assert page.school.name == "Greenfield ?School"


def test_an_integrity_error_shows_no_value(store: Store) -> None:
    school = books.a_school(store)
    twice = books.an_upload(books.a_learner("SECRET1"), books.a_learner("SECRET1"))

    with pytest.raises(RuntimeError) as caught:
        books.apply(store, school, twice)

    assert "SECRET1" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


# ── one daemon ──


def test_a_second_daemon_is_refused(sqlite: Store) -> None:
    with sqlite.lock(), pytest.raises(Unavailable, match="another planit-mailer serves this database"), sqlite.lock():
        raise AssertionError("locked twice")

    with sqlite.lock():
        pass


def test_a_lock_file_that_cannot_be_opened_is_named(path: Path, sqlite: Store) -> None:
    lock = path.with_name(f"{path.name}.lock")
    lock.mkdir()

    with pytest.raises(Unavailable, match=f"{lock}: Is a directory"), sqlite.lock():
        raise AssertionError("there is no lock")


def test_the_lock_dies_with_its_process(path: Path, sqlite: Store) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", LOCKING, f"sqlite:///{path}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(Unavailable, match=f"process {other.pid}"), sqlite.lock():
            raise AssertionError("locked twice")
        other.kill()

    with sqlite.lock():
        assert Path(f"{path}.lock").read_text() == f"{os.getpid()}\n"


def test_two_writers_wait_for_each_other(store: Store) -> None:
    def write(number: int) -> None:
        for turn in range(10):
            with store.transaction() as transaction:
                transaction.schools()  # reads first: the case in which an upgrade of the lock would deadlock
                transaction.add_school(f"School {number} {turn}", "ZZ9 9ZZ", number=f"{number}{turn}")

    threads = [threading.Thread(target=write, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.reading() as reading:
        assert len(reading.schools()) == 20


# ── SQLite's files ──


def test_only_the_owner_can_read_the_files(path: Path, sqlite: Store) -> None:
    with sqlite.lock(), sqlite.transaction() as transaction:
        transaction.add_school("Greenfield School", "ZZ9 9ZZ")

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("planit.db", "planit.db-wal", "planit.db-shm", "planit.db.lock"), 0o600)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("foreign_keys", 1), ("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1), ("busy_timeout", 30000)],
)
def test_each_connection_is_safe(sqlite: Store, pragma: str, value: object) -> None:
    with sqlite._writing.connect() as connection:
        assert connection.scalar(text(f"PRAGMA {pragma}")) == value


def test_values_are_readable_utf8_in_the_file(path: Path, sqlite: Store) -> None:
    school = books.a_school(sqlite)

    books.apply(sqlite, school, books.an_upload(books.a_learner(values=("Zoë: «très bien»",))))

    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert "Zoë: «très bien»".encode() in files


# ── what can go wrong ──


def test_a_locked_database_is_unavailable(path: Path, sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PRAGMAS", (*engine.PRAGMAS, "PRAGMA busy_timeout=50"))
    impatient = Store(f"sqlite:///{path}")

    with sqlite.transaction(), pytest.raises(Unavailable, match="locked"), impatient.transaction():
        raise AssertionError("two writers at once")


def test_a_full_disk_is_unavailable_and_nothing_of_the_block_is_there(
    path: Path, sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = books.a_school(sqlite)
    monkeypatch.setattr(engine, "PRAGMAS", (*engine.PRAGMAS, "PRAGMA max_page_count=50"))
    small = Store(f"sqlite:///{path}")

    with pytest.raises(Unavailable, match="full"):
        books.apply(small, school, books.an_upload(books.a_learner("A1", values=("x" * 1_000_000,))))

    with sqlite.reading() as reading:
        assert reading.children(school.id) == ()


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        Store(f"sqlite:///{tmp_path}/nowhere/planit.db").prepare()


def test_a_file_that_is_no_database_is_unavailable(path: Path) -> None:
    path.write_bytes(b"A spreadsheet, perhaps. " * 100)

    with pytest.raises(Unavailable, match="not a database"):
        Store(f"sqlite:///{path}").prepare()


def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    away = Store(f"postgresql+psycopg://planit:hunter2@/planit?host={tmp_path}")

    with pytest.raises(Unavailable) as caught:
        away.prepare()
    assert "hunter2" not in str(caught.value)


def test_a_server_that_was_restarted_is_used_again(postgresql: Postgres) -> None:
    store = Store(postgresql.new_database())
    books.a_school(store)

    postgresql.run(
        "postgres", sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    )

    with store.reading() as reading:
        assert len(reading.schools()) == 1
    store.close()


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg://h"]
)
def test_a_url_that_is_none_of_ours_is_a_mistake_in_the_configuration(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Store(url)
    assert "hunter2" not in str(caught.value)
