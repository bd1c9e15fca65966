"""Several daemons on one PostgreSQL: what one has in hand, no other takes, and nobody's death leaves it lying."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from planit_mailer.adapters.sql import engine
from planit_mailer.adapters.sql.store import Store
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.messages import Outcome
from tests.support import books
from tests.support.books import NOW, TWO_DAYS, a_learner, a_reply, an_upload, begin, settled, verdict, waiting
from tests.support.postgres import Postgres

CLAIMING = """
import sys
from planit_mailer.adapters.sql.store import Store
with Store(sys.argv[1]).claim("message 1 1") as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def url(postgresql: Postgres) -> str:
    return postgresql.new_database()


@pytest.fixture
def daemons(url: str) -> Iterator[tuple[Store, Store]]:
    stores = Store(url), Store(url)
    yield stores
    for store in stores:
        store.close()


# ── claims ──


def test_work_that_one_has_in_hand_is_not_the_others(daemons: tuple[Store, Store]) -> None:
    one, other = daemons
    with one.claim("message 1 1") as ours, other.claim("message 1 1") as theirs, other.claim("message 1 2") as another:
        assert (ours, theirs, another) == (True, False, True)
    with other.claim("message 1 1") as theirs:
        assert theirs


def test_of_an_error_in_the_middle_nothing_stays_claimed(daemons: tuple[Store, Store]) -> None:
    one, other = daemons
    with pytest.raises(ValueError, match="in the middle"), one.claim("message 1 1"):
        raise ValueError("in the middle")
    with other.claim("message 1 1") as theirs:
        assert theirs


def test_a_claim_dies_with_its_process(url: str, daemons: tuple[Store, Store]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLAIMING, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "True\n"
        with daemons[0].claim("message 1 1") as ours:
            assert not ours
        other.kill()
        other.wait()
    assert comes_free(daemons[0], "message 1 1")


def test_a_claim_whose_connection_is_cut_is_free_and_its_daemon_goes_on(
    postgresql: Postgres, url: str, daemons: tuple[Store, Store]
) -> None:
    one, other = daemons
    with one.claim("message 1 1") as ours:
        assert ours
        postgresql.cut(url)
        assert comes_free(other, "message 1 1")
    with one.claim("message 1 1") as ours:
        assert ours


def test_on_sqlite_with_its_one_daemon_all_work_is_ours(tmp_path: object) -> None:
    store = Store(f"sqlite:///{tmp_path}/planit.db")
    store.prepare()
    with store.claim("message 1 1") as ours:
        assert ours


def comes_free(store: Store, work: str) -> bool:
    """Whether work can be claimed within a few seconds: the server has to notice that somebody is gone."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with store.claim(work) as ours:
            if ours:
                return True
        time.sleep(0.02)
    return False


# ── writers ──


def test_a_writer_waits_for_another_and_not_for_ever(
    url: str, daemons: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY", 1)
    with daemons[0].transaction():
        with pytest.raises(Unavailable, match="lock timeout"), daemons[1].transaction():
            raise AssertionError("two writers at once")
        with daemons[1].reading() as reading:
            assert reading.schools() == (), "readers wait for nobody"


def test_a_daemon_that_falls_silent_in_a_transaction_loses_it(
    url: str, daemons: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STALLED", 1)
    silent, other = daemons

    def fall_silent() -> None:
        with silent.transaction() as transaction:
            transaction.add_school("Greenfield School", "ZZ9 9ZZ")
            time.sleep(1.5)
            with other.transaction() as theirs:
                assert theirs.schools() == ()

    with pytest.raises(Unavailable, match="idle-in-transaction"):
        fall_silent()


# ── what was decided meanwhile ──


def test_messages_are_numbered_as_they_lie_in_the_inbox_whoever_takes_them_up(store: Store) -> None:
    first, second, third = (waiting() for _ in range(3))
    begin(store, first)
    with store.transaction() as transaction:
        for _ in range(2):
            assert transaction.number((first, second, third), NOW, TWO_DAYS) == {first.key}, "it was taken up before"
    arrivals = {message: begin(store, message).arrival for message in (third, second, first)}
    assert arrivals[first] < arrivals[second] < arrivals[third]
    with store.reading() as reading:
        assert len(reading.unanswered()) == 3
        assert reading.unanswered()[2].due_at == NOW + TWO_DAYS


def test_what_arrives_while_others_wait_is_numbered_behind_them_and_they_keep_their_receipts(store: Store) -> None:
    first, second, third = (waiting() for _ in range(3))
    with store.transaction() as transaction:
        transaction.number((first, second), NOW, TWO_DAYS)
        references = [one.reference for one in transaction.unanswered()]
        transaction.number((third,), NOW + timedelta(hours=1), TWO_DAYS)
        assert [one.reference for one in transaction.unanswered()][:2] == references
    arrivals = [begin(store, message).arrival for message in (first, second, third)]
    assert arrivals == sorted(arrivals)


def test_what_somebody_took_out_of_the_inbox_before_it_was_taken_up_leaves_no_receipt(store: Store) -> None:
    stays, goes, taken_up = (waiting() for _ in range(3))
    reference = begin(store, taken_up).reference
    with store.transaction() as transaction:
        transaction.number((stays, goes, taken_up), NOW, TWO_DAYS)
        transaction.drop_unread((stays,), NOW + timedelta(minutes=1))
        assert len(transaction.unanswered()) == 3, "another daemon may have looked before it came"
        transaction.drop_unread((stays,), NOW + timedelta(minutes=11))
        assert len(transaction.unanswered()) == 2
        transaction.drop_unread((), NOW + timedelta(minutes=11))
        assert [one.reference for one in transaction.unanswered()] == [reference]


def test_a_receipt_is_seen_as_another_daemon_has_left_it(store: Store) -> None:
    receipt = begin(store)
    with store.transaction() as transaction:
        assert transaction.current(receipt) == receipt
        transaction.settle(receipt, verdict(), (), NOW)
        assert transaction.current(receipt).outcome is Outcome.ACCEPTED


def test_a_settled_message_that_is_gone_from_the_inbox_stays_settled(store: Store) -> None:
    receipt = settled(store)
    with store.transaction() as transaction:
        transaction.drop(receipt)
        assert transaction.current(receipt).outcome is Outcome.ACCEPTED


def test_a_reply_that_another_daemon_has_sent_is_not_due(store: Store) -> None:
    receipt = begin(store)
    with store.transaction() as transaction:
        transaction.enqueue(a_reply(), receipt, NOW)
        [pending] = transaction.due(NOW, 1)
        transaction.note_sent(pending, "250 OK", NOW)
        assert not transaction.begin_sending(pending, NOW, NOW)


def test_a_reply_that_was_postponed_by_a_clock_that_was_ahead_is_due(store: Store) -> None:
    receipt = begin(store)
    with store.transaction() as transaction:
        transaction.enqueue(a_reply(), receipt, NOW)
        [pending] = transaction.due(NOW, 1)
        transaction.postpone(pending, NOW + timedelta(hours=1), "later")
        assert transaction.due(NOW, 1) == ()
        transaction.postpone(pending, NOW + timedelta(days=30), "later, by a wrong clock")
        assert transaction.begin_sending(pending, NOW, NOW)


def test_two_messages_of_one_school_at_the_same_time_leave_what_the_later_says(daemons: tuple[Store, Store]) -> None:
    one, other = daemons
    school = books.a_school(one)
    earlier, later = (books.match_bytes(one, begin(one), raw) for raw in ("earlier", "later"))
    books.apply(other, school, an_upload(a_learner("A1", values=("later",))), receipt=later)
    [changes] = books.apply(one, school, an_upload(a_learner("A1", values=("earlier",))), receipt=earlier)
    assert changes.passed_over == 1
    with one.reading() as reading:
        page = reading.page("A1")
    assert page
    assert page.fields[0].value == "later"
