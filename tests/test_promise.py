"""The promised time: who hears of it when, and each thing once."""

from datetime import timedelta

import pytest

from planit_mailer import promise
from planit_mailer.doors.store import Store
from planit_mailer.ledger import ReplyKind
from tests import books
from tests.books import NOW, OFFICE, TWO_DAYS
from tests.test_delivery import stationery


def an_unanswered_message(store: Store, *, registered: bool = True) -> None:
    if registered:
        school = books.a_school(store)
        with store.transaction() as transaction:
            transaction.allow(school, OFFICE)
    receipt = books.adopt(store, books.begin(store), "raw")
    with store.transaction() as transaction:
        transaction.introduce(receipt, books.account())


def told(store: Store) -> list[ReplyKind]:
    with store.reading() as reading:
        return [pending.reply.kind for pending in reading.due(NOW + timedelta(days=30), 100)]


def watch_after(store: Store, share: float) -> None:
    promise.watch(store, lambda: NOW + TWO_DAYS * share, stationery())


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.4, []),
        (0.6, []),
        (0.8, [ReplyKind.OPERATOR, ReplyKind.DELAYED]),
        (1.1, [ReplyKind.OPERATOR, ReplyKind.DELAYED]),
    ],
)
def test_at_three_quarters_the_operator_and_the_school_hear_of_it(
    store: Store, share: float, expected: list[ReplyKind]
) -> None:
    an_unanswered_message(store)
    watch_after(store, share)
    assert told(store) == expected


def test_each_warning_is_given_once(store: Store) -> None:
    an_unanswered_message(store)
    for share in (0.55, 0.6, 0.8, 0.85, 1.2, 1.3):
        watch_after(store, share)
    assert told(store) == [ReplyKind.OPERATOR, ReplyKind.DELAYED, ReplyKind.OPERATOR]


def test_an_unregistered_sender_hears_nothing_of_a_delay(store: Store) -> None:
    an_unanswered_message(store, registered=False)
    watch_after(store, 0.8)
    assert told(store) == [ReplyKind.OPERATOR]
