"""`make soak ROUNDS=300`: so many rounds on SQLite and on PostgreSQL; exit 1 where the books do not balance."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests import postgres, world
from tests.dovecot import Dovecot
from tests.mailservers import behind_a_relay
from tests.postgres import Postgres
from tests.soak.soaking import Books, soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    programs = postgres.programs()
    if not programs:
        sys.exit("make soak needs PostgreSQL")
    server, database = Dovecot(), Postgres(programs)
    urls = {"SQLite": "sqlite:///planit.db", "PostgreSQL": database.new_database()}
    try:
        told = [told_of(name, url, server, (wanted.rounds, wanted.seed)) for name, url in urls.items()]
    finally:
        server.stop()
        database.stop()
    sys.exit(0 if all(books.balanced for books in told) else 1)


def told_of(name: str, url: str, server: Dovecot, size: tuple[int, int]) -> Books:
    """Soak one database, and print the summary line and what did not balance."""
    with tempfile.TemporaryDirectory() as folder, behind_a_relay(server) as post:
        books = soak(world.make(Path(folder), post, url), *size)
    print(f"{name}: {books}", flush=True)  # noqa: T201  what the operator of the soak reads
    for wrong in books.wrong:
        print(f"  {wrong}", flush=True)  # noqa: T201
    return books


if __name__ == "__main__":
    main()
