"""A school that sends a thousand forms at once delays no other: the daemon as an operator runs it, on Dovecot."""

import os
import time
from pathlib import Path

from tests.support import forms, world
from tests.support.builders import an_email
from tests.support.daemons import Daemon, running
from tests.support.mailservers import DovecotPost
from tests.support.world import OFFICE, World

RIVERSIDE = "office@riverside.test"
WITHIN = 15  # seconds: generous, for the machine may be busy; what counts is how many were taken before


def test_while_a_thousand_bad_forms_of_one_school_wait_another_has_its_answer_within_seconds(
    dovecot_post: DovecotPost, tmp_path: Path
) -> None:
    service = world.make(tmp_path, dovecot_post)
    with service.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.add_school("Riverside Academy", "ZZ8 8ZZ"), RIVERSIDE)
    flood(dovecot_post, 1_000)
    with running(service) as daemon:
        daemon.wait_for("message settled", 60)
        form = forms.handbook(learners=[forms.learner(1)], school="Riverside Academy", postcode="ZZ8 8ZZ")
        sent = service.send(("1.xlsx", form), sender=RIVERSIDE)
        settled_before = len(settled(daemon))
        wait_for_answer(service, RIVERSIDE)
        daemon.stop()

    told = service.explain(sent)
    assert told["outcome"] == "accepted"
    assert settled(daemon).index(told["reference"]) <= settled_before + 2, "one in hand, one whose turn it was"
    assert service.post.folder("INBOX") > 500, "the others still wait"


def flood(post: DovecotPost, messages: int) -> None:
    """Put so many bad forms of Greenfield into the mailbox, as files: to deliver each would take a minute."""
    bad = ("1.xlsx", forms.handbook(learners=[forms.learner(1, upin="X1")]))
    raw = an_email(OFFICE, attachments=[bad], headers=[("Message-ID", "<0@greenfield.test>")])
    post.server.deliver(raw, OFFICE, post.address)
    [first] = post.server.folder(post.address).glob("new/*")
    owner = first.stat()
    for number in range(1, messages):
        path = first.with_name(f"{1_700_000_000 + number}.M{number}.greenfield")
        path.write_bytes(raw.replace(b"<0@", b"<%d@" % number))
        os.chown(path, owner.st_uid, owner.st_gid)


def settled(daemon: Daemon) -> list[object]:
    """The references of the messages that were settled, in this order."""
    return [line["reference"] for line in daemon.events() if line["event"] == "message settled"]


def wait_for_answer(service: World, address: str) -> None:
    end = time.monotonic() + WITHIN
    while address not in [to for to, _ in service.post.delivered()]:
        assert time.monotonic() < end, f"no answer within {WITHIN} seconds"
        time.sleep(0.1)
