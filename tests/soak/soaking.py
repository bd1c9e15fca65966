"""The daemon killed again and again on broken lines, and the books balanced after it.

What runs is `planit-mailer run`, on Dovecot and a real relay behind proxies that break connections. A round sends some
messages, kills the daemon (SIGKILL) at a step's boundary or at a random instant, and starts it again.
"""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests import proxy as proxies
from tests.proxy import Fault, Proxy, bye, half, nothing
from tests.test_crashes import DYING
from tests.uploads import forms
from tests.world import World

# The same code as `run`, but SIGKILL comes when a step returns.
DAEMON = (
    DYING.replace("service.once(config.load(Path(sys.argv[1])))", "")
    + """
from planit_mailer import daemon, logs
logs.set_up()
daemon.run(lambda: config.load(Path(sys.argv[1])))
"""
)
STEPS = ("fetch", "commit", "filing", "filing is noted", "the relay took it")
FAULTS = (
    (True, Fault(b"LOGIN", nothing, reset=True)),
    (True, Fault(b"BODY.PEEK[]", half)),
    (True, Fault(b"UID SEARCH", bye)),
    (True, Fault(b"UID MOVE", nothing)),
    (False, Fault(b"mail FROM", half)),
    (False, Fault(b"\r\n.\r\n", nothing)),
)
EVERYBODY = 0  # the learner whom every form is about
LATE = 90  # seconds from the last kill to the last answer


@dataclass
class Books:
    """What was done to the service, and what did not balance."""

    sent: list[str] = field(default_factory=list)
    kills: int = 0
    faults: int = 0
    retaken: int = 0  # replies that the relay may have taken without our knowing
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        return not (self.lost or self.doubled or self.late)

    def __str__(self) -> str:
        counts = {"messages": len(self.sent), "kills": self.kills, "faults": self.faults}
        wrong = {"lost": len(self.lost), "doubled": len(self.doubled), "late": len(self.late)}
        return ", ".join(f"{number} {what}" for what, number in (counts | wrong).items())


def soak(world: World, rounds: int, seed: int) -> Books:
    """So many kills of the daemon on this world, drawn from a seed; the balanced or unbalanced books."""
    chance, books = random.Random(seed), Books()
    with ways(world) as (mailbox, relay):
        for number in range(rounds):
            send(world, books)
            strike(mailbox, relay, chance, books)
            kill_one(world, (*STEPS, "")[number % (len(STEPS) + 1)], chance, books)
            mailbox.mend()
            relay.mend()
        settle(world, books)
    balance(world, books)
    return books


@contextmanager
def ways(world: World) -> Iterator[tuple[Proxy, Proxy]]:
    """The service's ways to its mailbox and to its relay, through proxies."""
    with proxies.before(world.post.imap_port) as mailbox, proxies.before(world.post.smtp_port) as relay:
        world.configure(f"port = {world.post.imap_port}", f"port = {mailbox.port}")
        world.configure(f"port = {world.post.smtp_port}", f"port = {relay.port}")
        yield mailbox, relay


def send(world: World, books: Books) -> None:
    """One message about a learner of its own and about one whom all are about."""
    number = len(books.sent) + 1
    rows = [forms.learner(n, values=(str(number),)) for n in (EVERYBODY, number)]
    books.sent.append(world.send((f"{number}.xlsx", forms.handbook(learners=rows, headings=("Art",)))))


def strike(mailbox: Proxy, relay: Proxy, chance: random.Random, books: Books) -> None:
    """Break one of the ways, every other time."""
    if chance.random() < 0.5:
        return
    of_mailbox, fault = chance.choice(FAULTS)
    (mailbox if of_mailbox else relay).fault = fault
    books.faults += 1
    books.retaken += fault.at == b"\r\n.\r\n"


def kill_one(world: World, step: str, chance: random.Random, books: Books) -> None:
    """Run the daemon until it kills itself at a step, or until a random instant."""
    daemon = started(world, step)
    try:
        daemon.wait(chance.uniform(0.2, 3) if not step else 3)
    except subprocess.TimeoutExpired:
        daemon.kill()
    assert daemon.wait() == -signal.SIGKILL, (world.folder / "log").read_text()
    books.kills += 1
    books.retaken += 1  # at a random instant the relay's answer may be lost as well


def started(world: World, step: str) -> subprocess.Popen[bytes]:
    own = [sys.executable, "-m", "planit_mailer", "--config", str(world.config_file), "run"]
    dying = [sys.executable, "-c", DAEMON, str(world.config_file), step]
    with (world.folder / "log").open("ab") as log:
        return subprocess.Popen(dying if step else own, stdout=log, stderr=log)


def settle(world: World, books: Books) -> None:
    """Let a daemon do what is left, on whole lines, for as long as that takes and no longer."""
    daemon = started(world, "")
    end = time.monotonic() + LATE
    while time.monotonic() < end and not is_done(world, books):
        time.sleep(0.5)
    if not is_done(world, books):
        books.late.append("answers were owed at the end")
    daemon.terminate()
    assert daemon.wait(30) == 0, (world.folder / "log").read_text()


def is_done(world: World, books: Books) -> bool:
    answered = {str(answer["In-Reply-To"]) for _, answer in world.replies()}
    return answered >= set(books.sent) and world.post.folder("INBOX") == 0 and nothing_pending(world)


def nothing_pending(world: World) -> bool:
    with world.store() as store, store.reading() as reading:
        return reading.status().outbox.get("pending", 0) == 0


def balance(world: World, books: Books) -> None:
    """Every message has one receipt, outcome, folder and reply; every upload is applied once and in order."""
    copies = Counter((str(answer["In-Reply-To"]), str(answer["Message-ID"])) for _, answer in world.replies())
    replies = Counter(about for about, _ in copies)
    for number, message_id in enumerate(books.sent, 1):
        with world.store() as store, store.reading() as reading:
            references = reading.references(message_id)
        if not references or world.explain(message_id)["outcome"] != "accepted" or not replies[message_id]:
            books.lost.append(message_id)
        if len(references) > 1 or replies[message_id] > 1:
            books.doubled.append(message_id)
        if world.shown(forms.upn(number)) != {"Art": str(number)}:
            books.lost.append(f"the page of {message_id}")
    if world.shown(forms.upn(EVERYBODY)) != {"Art": str(len(books.sent))}:
        books.doubled.append("applied out of order")
    if copies.total() - len(copies) > books.retaken:
        books.doubled.append("replies that the relay had acknowledged")
    # Mail goes as soon as a learner on it is replaced: all but the last one's.
    if world.post.folder("INBOX") or world.post.folder("Quarantine") or world.post.folder("Rejected"):
        books.lost.append("messages in the wrong folder")
