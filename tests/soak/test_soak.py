"""The short form of `make soak`: a round on each database, which kills the daemon at a step and at a random instant."""

from functools import partial
from pathlib import Path

from tests.soak.soaking import soak
from tests.support import world
from tests.support.mailservers import DovecotPost
from tests.support.postgres import Postgres


def test_killed_on_broken_lines_the_books_balance_on_sqlite(tmp_path: Path, dovecot_post: DovecotPost) -> None:
    books = soak(world.make(tmp_path, dovecot_post), 1, seed=1)
    assert books.balanced, "\n".join((str(books), *books.wrong))


def test_killed_on_broken_lines_the_books_balance_on_postgresql(
    tmp_path: Path, dovecot_post: DovecotPost, postgresql: Postgres
) -> None:
    url = postgresql.new_database()
    books = soak(world.make(tmp_path, dovecot_post, url), 1, seed=2, cut=partial(postgresql.cut, url))
    assert books.balanced, "\n".join((str(books), *books.wrong))
