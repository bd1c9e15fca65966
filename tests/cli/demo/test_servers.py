import builtins
import gc
import threading
import time
from typing import Any

import pytest

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.cli.demo import servers
from planit_mailer.core.errors import ConfigError
from tests.support.builders import SCHOOL, SERVICE, an_email
from tests.support.mailservers import a_mailbox


def test_mail_to_the_service_is_in_its_mailbox_and_all_other_mail_is_kept() -> None:
    with servers.running(SERVICE, "pw") as post:
        post.send(an_email(subject="in"), SCHOOL, SERVICE.upper())
        post.send(an_email(SERVICE, subject="out", recipient=SCHOOL), SERVICE, SCHOOL)
        assert post.folder("INBOX") == 1
        assert [recipient for recipient, _ in post.wait_for(1, 5)] == [SCHOOL]


def test_waiting_for_a_reply_ends_when_it_comes_and_says_when_it_does_not() -> None:
    with servers.running(SERVICE, "pw") as post:
        threading.Timer(0.1, post.send, (an_email(), SERVICE, SCHOOL)).start()
        assert len(post.wait_for(1, 5)) == 1
        with pytest.raises(TimeoutError, match="1 of 2"):
            post.wait_for(2, 0.05)


def test_they_start_and_stop_at_once_also_with_connections_open_and_leave_nothing() -> None:
    before = threading.active_count()
    began = time.monotonic()
    with servers.running(SERVICE, "pw") as post:
        started = time.monotonic() - began
        left_open = open_mailbox(a_mailbox(post))
        mailbox = left_open.__enter__()
        began = time.monotonic()
    assert started < 5
    assert time.monotonic() - began < 5
    mailbox.close()
    left_open.__exit__(None, None, None)
    gc.collect()  # warnings about what was left open are errors here
    assert threading.active_count() == before


def test_two_at_a_time_do_not_know_of_each_other() -> None:
    with servers.running(SERVICE, "pw") as one, servers.running(SERVICE, "pw") as other:
        one.send(an_email(), SCHOOL, SERVICE)
        assert (one.folder("INBOX"), other.folder("INBOX")) == (1, 0)


def test_without_their_packages_the_operator_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "planit_mailer.cli.demo" and "embedded" in (arguments[2] or ()):
            raise ImportError("No module named 'pymap'")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install planit-mailer\[demo\]"), servers.running(SERVICE, "pw"):
        pass
