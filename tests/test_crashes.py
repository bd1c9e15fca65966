"""The process is killed after each step, started again, and the books are balanced."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from planit_mailer.demo.servers import Post
from tests import world
from tests.uploads import forms
from tests.world import World, text_of

# The same code as `once`, but SIGKILL comes right after (or before) one call returns.
DYING = """
import os, signal, sys
from pathlib import Path
from planit_mailer import config, service, intake
from planit_mailer.doors import mailbox, relay

def die_after(owner, name):
    step = getattr(owner, name)
    def dying(*arguments, **named):
        step(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, dying)

STEPS = {
    "fetch": (mailbox.Mailbox, "fetch"),
    "commit": (intake, "process"),
    "filing": (mailbox.Mailbox, "file"),
    "filing is noted": (intake, "file"),
    "the relay took it": (relay.Relay, "send"),
}
die_after(*STEPS[sys.argv[2]])
service.once(config.load(Path(sys.argv[1])))
"""


@pytest.fixture
def service(tmp_path: Path, post: Post) -> World:
    return world.make(tmp_path, post)


def kill_after(step: str, service: World) -> None:
    result = subprocess.run(
        [sys.executable, "-c", DYING, str(service.config_file), step], capture_output=True, text=True, check=False
    )
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.mark.parametrize("step", ["fetch", "commit", "filing", "filing is noted"])
def test_killed_after_a_step_and_started_again_there_is_one_replacement_and_one_reply(
    service: World, step: str
) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))

    kill_after(step, service)
    service.once()
    service.once()

    [(_, answer)] = service.replies()
    assert "1 new, 0 changed, 0 unchanged" in text_of(answer)
    assert balance(service) == {"accepted": 1, "sent": 1}


def test_killed_before_the_filing_is_noted_the_message_is_still_found_and_deleted_once_it_is_replaced(
    service: World,
) -> None:
    sent = service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))
    kill_after("filing", service)
    service.once()
    service.verb("retry", service.explain(sent)["reference"])
    service.once()
    assert balance(service) == {"accepted": 1, "sent": 2}

    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))
    service.once()

    assert service.post.folder("Processed") == 1


def test_killed_when_the_relay_has_the_reply_it_is_sent_again_with_the_same_message_id(service: World) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))

    kill_after("the relay took it", service)
    service.once()
    service.once()

    first, second = (answer["Message-ID"] for _, answer in service.replies())
    assert first == second
    assert balance(service) == {"accepted": 1, "sent": 1}


def test_a_message_that_kills_the_daemon_ten_times_is_put_before_a_person(service: World) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))

    for _ in range(10):
        kill_after("fetch", service)
    service.once()

    assert service.ask("status")["messages"]["quarantined"] == 1
    [(to, alert)] = service.replies()
    assert to == "ops@s-cool.test"
    assert "died" in text_of(alert)


def balance(service: World) -> dict[str, int]:
    """All that is not nought: messages by outcome, and the outbox; every message is filed."""
    status = service.ask("status")
    assert service.post.folder("INBOX") == 0
    assert service.post.folder("Processed") == 1
    return {key: n for part in ("messages", "outbox") for key, n in status[part].items() if n}
