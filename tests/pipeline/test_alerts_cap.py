"""All alerts about messages share one number a day, whatever they are about; the daily list has the rest."""

from datetime import datetime, timedelta

import pytest

from planit_mailer.adapters.sql.store import Store
from planit_mailer.core.errors import Undeliverable
from planit_mailer.domain.messages import Outcome, Receipt
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy import rules
from planit_mailer.domain.replies.compose import ReplyContext
from planit_mailer.pipeline import alerts, delivery
from planit_mailer.pipeline.delivery import Outbox
from tests.pipeline.test_bounces import a_bounce
from tests.pipeline.test_delivery import reply_settings
from tests.pipeline.test_digest import MORNING, quarantined
from tests.support import books, forms
from tests.support.books import NOW
from tests.support.fakes import RecordingRelay
from tests.support.world import World, text_of

OPERATOR = "ops@s-cool.test"
MOST = 20


def tell(store: Store, receipt: Receipt, now: datetime = NOW) -> None:
    with store.transaction() as transaction:
        context = ReplyContext(reply_settings(), now)
        alerts.about_message(receipt.reference, "Look.", transaction, context, receipt)


def alerted(store: Store, now: datetime = NOW) -> list[str]:
    with store.transaction() as transaction:
        mails = [pending.reply for pending in transaction.due(now, 1_000)]
    return [mail.content.decode() for mail in mails if mail.kind is ReplyKind.OPERATOR]


def untold(store: Store) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with store.transaction() as transaction:
        found = transaction.untold(None, MORNING)
    return found.quarantined, found.undelivered


def test_the_last_alert_of_a_day_says_so_and_the_digest_lists_what_comes_after_it(store: Store) -> None:
    receipts = [quarantined(store) for _ in range(MOST + 2)]
    for receipt in receipts:
        tell(store, receipt)

    mails = alerted(store)
    assert len(mails) == MOST
    last = " ".join(mails[-1].split())
    assert "This is the last of 20 such mails within a day." in last
    assert not [mail for mail in mails[:-1] if "last of 20" in " ".join(mail.split())]
    assert untold(store) == (tuple(receipt.reference for receipt in receipts[MOST:]), ())

    alerts.send_digest(store, lambda: MORNING, reply_settings())
    digest = alerted(store, MORNING)[-1]
    assert "Subject: planit_mailer: 2 messages quarantined" in digest
    assert digest.count("\r\n  PM-") == 2


def test_after_a_day_there_are_alerts_again_and_those_of_a_clock_that_was_ahead_do_not_count(store: Store) -> None:
    ahead = NOW + timedelta(days=30)
    for _ in range(MOST):
        tell(store, quarantined(store), ahead)
    for _ in range(MOST + 1):
        tell(store, quarantined(store))
    assert len(alerted(store, ahead)) == 2 * MOST

    tell(store, quarantined(store), NOW + timedelta(days=1, seconds=1))

    assert len(alerted(store, ahead)) == 2 * MOST + 1


def test_mails_about_the_service_as_a_whole_do_not_count(store: Store) -> None:
    for day in range(1, 40):
        quarantined(store, NOW + timedelta(days=day - 1))
        alerts.send_digest(store, lambda day=day: NOW + timedelta(days=day), reply_settings())  # type: ignore[misc]
    with store.transaction() as transaction:
        assert transaction.alerts(NOW - timedelta(days=1), NOW + timedelta(days=50)) == 0


class RefusingRelay(RecordingRelay):
    """A relay that takes the operator's mails alone."""

    def send(self, reply: books.Reply) -> str:
        if reply.recipient != OPERATOR:
            raise Undeliverable("550 no such mailbox")
        return super().send(reply)


def test_replies_that_are_refused_share_it_and_are_listed_as_undelivered(store: Store) -> None:
    receipts = []
    for _ in range(MOST + 3):
        receipt = books.match_bytes(store, books.begin(store), f"raw {next(books._uids)}")
        receipts.append(receipt.reference)
        with store.transaction() as transaction:
            transaction.settle(receipt, books.verdict(), (), NOW)
            transaction.enqueue(books.a_reply(to=f"{receipt.arrival}@greenfield.test"), receipt, NOW)
    relay = RefusingRelay()

    for _ in range(2):
        delivery.deliver(Outbox(store, relay, lambda: NOW, reply_settings(), 500))

    assert len(relay.sent) == MOST
    assert untold(store) == ((), tuple(receipts[MOST:]))
    alerts.send_digest(store, lambda: MORNING, reply_settings())
    [digest] = alerted(store, MORNING)
    assert "Subject: planit_mailer: 3 messages without a reply" in digest
    assert all(reference in digest for reference in receipts[MOST:])


def test_what_was_erased_is_not_listed_as_undelivered(store: Store) -> None:
    receipt = books.settled(store, Outcome.ACCEPTED)
    with store.transaction() as transaction:
        transaction.enqueue(books.a_reply(), receipt, NOW)
        school = transaction.add_school("Greenfield School", "ZZ9 9ZZ")
        transaction.allow(school, books.OFFICE)
        transaction.erase_school(school, NOW)
    assert untold(store) == ((), ())


def test_spoofs_mistakes_of_ours_and_bounces_share_it(fakes: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.configure("[service]", "[limits]\nalerts_per_day = 3\n[service]")
    sent = [fakes.send((f"{n}.xlsx", forms.handbook(learners=[forms.learner(n)]))) for n in range(1, 5)]
    fakes.once()
    replies = [str(answer["Message-ID"]) for _, answer in fakes.replies()]
    with monkeypatch.context() as patch:
        patch.setattr(rules, "judge", lambda *_: 1 / 0)
        fakes.send(Message_ID="<mistake@greenfield.test>")
        for _ in range(3):
            fakes.once()
    fakes.configure('unauthenticated = "accept"', 'trusted_authserv_ids = ["mx.s-cool.test"]')
    spoof = fakes.send()
    fakes.once()
    for number, reply in enumerate(replies):
        raw = b"Return-Path: <>\r\n" + a_bounce(reply, own=str(number))
        fakes.post.send(raw, "", fakes.post.address)
    fakes.once()

    told = [text_of(mail) for to, mail in fakes.replies() if to == OPERATOR]
    assert len(told) == 3
    for text, word in zip(told, ("processing failed 3 times", "registered sender", "came back"), strict=True):
        assert word in " ".join(text.split())
    assert [fakes.explain(one)["replies"][0]["state"] for one in sent] == ["failed"] * 4
    with fakes.store() as store:
        bounces, undelivered = store_untold(store)
    assert undelivered == tuple(fakes.explain(one)["reference"] for one in sent[1:])
    assert fakes.explain(spoof)["reference"] not in bounces


def store_untold(store: Store) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with store.transaction() as transaction:
        found = transaction.untold(None, datetime.now(NOW.tzinfo) + timedelta(minutes=1))
    return found.quarantined, found.undelivered
