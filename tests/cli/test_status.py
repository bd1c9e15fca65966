"""`status --within`, for health checks."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from planit_mailer.cli.demo import servers
from planit_mailer.core import clock
from tests.support import world
from tests.support.world import World


@pytest.fixture
def service(tmp_path: Path) -> Iterator[World]:
    with servers.running("data@s-cool.test", "pw") as post:
        yield world.make(tmp_path, post)


@pytest.mark.parametrize(
    ("ago", "code"),
    [
        (timedelta(minutes=14), 0),
        (timedelta(minutes=16), 1),
        (-timedelta(seconds=5), 0),
        (-timedelta(days=30), 1),  # the clock was ahead: nothing is known of later polls
    ],
)
def test_a_daemon_is_well_that_has_read_the_mailbox_within_a_time(service: World, ago: timedelta, code: int) -> None:
    with service.store() as store, store.transaction() as transaction:
        transaction.note_poll(clock.now() - ago, success=True)
    service.verb("status", "--within", "15m", expect=code)
