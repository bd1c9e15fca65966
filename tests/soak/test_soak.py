"""The short form of `make soak`: a kill at each step and one at a random instant."""

from pathlib import Path

from tests import world
from tests.mailservers import DovecotPost
from tests.postgres import Postgres
from tests.soak.soaking import STEPS, soak


def test_killed_at_each_step_on_broken_lines_the_books_balance_on_sqlite(
    tmp_path: Path, dovecot_post: DovecotPost
) -> None:
    books = soak(world.make(tmp_path, dovecot_post), len(STEPS) + 1, seed=1)
    assert books.balanced, f"{books}\n{books.lost}\n{books.doubled}\n{books.late}"


def test_killed_on_broken_lines_the_books_balance_on_postgresql(
    tmp_path: Path, dovecot_post: DovecotPost, postgresql: Postgres
) -> None:
    books = soak(world.make(tmp_path, dovecot_post, postgresql.new_database()), 2, seed=2)
    assert books.balanced, f"{books}\n{books.lost}\n{books.doubled}\n{books.late}"
