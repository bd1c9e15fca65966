"""`make soak ROUNDS=300`: so many rounds on SQLite and on PostgreSQL; exit 1 where the books do not balance."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.soak.soaking import Books, soak
from tests.support import postgres, world
from tests.support.dovecot import Dovecot
from tests.support.mailservers import behind_a_relay
from tests.support.postgres import Postgres

Database = tuple[str, Callable[[], None] | None]  # its URL, and what cuts its connections


def main() -> None:
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    programs = postgres.programs()
    if not programs:
        sys.exit("make soak needs PostgreSQL")
    server, database = Dovecot(), Postgres(programs)
    url, size = database.new_database(), (wanted.rounds, wanted.seed)
    databases: dict[str, Database] = {
        "SQLite": ("sqlite:///planit.db", None),
        "PostgreSQL": (url, partial(database.cut, url)),
    }
    try:
        told = [told_of(name, used, server, size) for name, used in databases.items()]
    finally:
        server.stop()
        database.stop()
    sys.exit(0 if all(books.balanced for books in told) else 1)


def told_of(name: str, database: Database, server: Dovecot, size: tuple[int, int]) -> Books:
    """Soak one database, and print the summary line and what did not balance."""
    url, cut = database
    with tempfile.TemporaryDirectory() as folder, behind_a_relay(server) as post:
        books = soak(world.make(Path(folder), post, url), *size, cut)
    print(f"{name}: {books}", flush=True)  # noqa: T201  what the operator of the soak reads
    for wrong in books.wrong:
        print(f"  {wrong}", flush=True)  # noqa: T201
    return books


if __name__ == "__main__":
    main()
