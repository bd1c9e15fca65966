"""The daemon killed again and again on broken lines, on Dovecot and a real relay, and the books balanced after it.

What runs is `planit-mailer run`, only with shorter waits. In each round it lives twice, while mail comes in and, every
other time, a line breaks: once until it dies at a step's boundary, once until it is killed at a random instant.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from imapclient import IMAPClient

from planit_mailer.app import jobs
from planit_mailer.core import clock
from planit_mailer.pipeline import retention
from tests.soak import letters
from tests.soak.books import LATE, Books, Taken, balance
from tests.soak.letters import ECHOES, GREENFIELD, KINDS, Letter
from tests.support import dying
from tests.support import proxy as proxies
from tests.support.dying import STEPS, Life
from tests.support.proxy import Fault, Proxy, bye, half, nothing
from tests.support.world import FOLDERS, World, parsed

MAILBOX_FAULTS = (
    Fault(b"LOGIN", nothing, reset=True),
    Fault(b"UID SEARCH", bye),
    Fault(b"BODY.PEEK[]", half),
    Fault(b"BODY.PEEK[]", None),
    Fault(b"UID MOVE", nothing),
    Fault(b"UID MOVE", half, reset=True),
)
RELAY_FAULTS = (
    Fault(b"mail FROM", half),
    Fault(b"rcpt TO", None),
    Fault(b"\r\n.\r\n", nothing),
    Fault(b"\r\n.\r\n", nothing, reset=True),
)
# Random instants are drawn from the seconds after one of these lines, or after the process began.
LINES = (b"", b"daemon started", b"message settled", b"message settled", b"reply sent")
SPAN = 1.0
LONGEST = 10.0  # seconds that a life may last, however slow the machine is
MOST = 10  # messages that may wait when more are sent: else what is late would be late through our fault
NOTED = b'"event": "reply sent"'


def soak(world: World, rounds: int, seed: int, cut: Callable[[], None] | None = None) -> Books:
    """So many rounds on this world, drawn from a seed; the balanced or unbalanced books.

    `cut` ends all connections to the database, where it is one that has some.
    """
    with ways(world) as (mailbox, relay):
        soaking = Soaking(world, mailbox, relay, random.Random(seed), cut)
        for _ in range(rounds):
            soaking.a_round()
        soaking.settle()
        balance(world, soaking.books)
    return soaking.books


@contextmanager
def ways(world: World) -> Iterator[tuple[Proxy, Proxy]]:
    """The service's ways to its mailbox and to its relay, through proxies."""
    with proxies.before(world.post.imap_port) as mailbox, proxies.before(world.post.smtp_port) as relay:
        world.configure(f"port = {world.post.imap_port}", f"port = {mailbox.port}")
        world.configure(f"port = {world.post.smtp_port}", f"port = {relay.port}")
        yield mailbox, relay


@dataclass
class Soaking:
    """A service, its ways to break, and what was done to it so far."""

    world: World
    mailbox: Proxy
    relay: Proxy
    chance: random.Random
    cut: Callable[[], None] | None
    books: Books = field(default_factory=Books)

    def a_round(self) -> None:
        """One life that ends at a step, one that ends at a random instant."""
        self.approve_one()
        self.put_one_back()
        with self.life(Life("run", self.chance.choice(list(STEPS)), self.chance.randint(1, 2), often=True)) as daemon:
            self.await_(daemon, lambda: is_done(self.world, len(self.books.letters)))
        line = self.chance.choice(LINES)
        with self.life(Life("run", often=True)) as daemon:
            self.await_(daemon, lambda: line in self.said())
            daemon.join(self.chance.uniform(0, SPAN))

    def send_some(self) -> None:
        if self.world.post.folder("INBOX") < MOST:
            for _ in range(self.chance.randint(1, 3)):
                self.send(self.a_letter())

    def a_letter(self) -> Letter:
        """A message like no other, or now and then one that looks like an earlier one."""
        earlier = list(filter(letters.may_come_again, self.books.letters))
        if earlier and self.chance.random() < 0.2:
            return self.chance.choice(ECHOES)(self.chance.choice(earlier[-10:]))
        number = len(self.books.letters) + 1
        whom = (letters.first(number), letters.EVERYBODY)[: self.chance.randint(1, 2)]
        return self.chance.choice(KINDS)(number, dict.fromkeys(whom, str(number)))

    def send(self, letter: Letter) -> None:
        if school := letters.SCHOOLS.get(letter.domain):
            with self.world.store() as store, store.transaction() as transaction:
                transaction.allow(transaction.add_school(*school), letter.sender)
        letter.sent_at = time.monotonic()
        self.world.post.send(letter.raw, letter.sender, self.world.post.address)
        self.books.letters.append(letter)

    def approve_one(self) -> None:
        """The operator lets a held or quarantined message proceed, every other time."""
        waiting = [letter for letter in self.books.letters if letter.approvable]
        if not waiting or self.chance.random() < 0.5:
            return
        letter = self.chance.choice(waiting)
        with self.world.store() as store, store.reading() as reading:
            references = reading.references(letter.message_id)
        school = f"--school '{GREENFIELD[1]}'" if letter.outcome == "held" else ""
        if references and dying.lived(self.world, Life(f"approve {references[0]} {school}")) == 0:
            letter.approve(time.monotonic())

    def put_one_back(self) -> None:
        """A person moves a message that was filed to the inbox, every third time."""
        filed = list(filter(self.is_filed, filter(letters.may_be_put_back, self.books.letters[-20:])))
        if not filed or self.chance.random() < 2 / 3:
            return
        letter = self.chance.choice(filed)
        with IMAPClient("127.0.0.1", self.world.post.imap_port, ssl=False) as person:
            person.login(self.world.post.address, self.world.post.password)
            person.select_folder(FOLDERS[letter.outcome])
            found = person.search(["HEADER", "Message-ID", letter.message_id])
            if not found:  # deleted, and the daemon was killed before it could note that
                return
            person.move(found, "INBOX")
        again = letters.put_back(letter)
        again.sent_at = time.monotonic()
        self.books.letters.append(again)

    def is_filed(self, letter: Letter) -> bool:
        """Whether it was filed, and this is known: else nobody could tell that a person moved it."""
        with self.world.store() as store, store.reading() as reading:
            stories = [story for ref in reading.references(letter.message_id) if (story := reading.story(ref))]
        lying = [story.outcome for story in stories if story.folder and not story.mail_deleted_at]
        return letter.outcome in {outcome.value for outcome in lying if outcome}

    @contextmanager
    def life(self, life: Life) -> Iterator[ForkServerProcess]:
        """A daemon on lines that may break, killed in the end, unless its step was its death; mail comes meanwhile."""
        self.send_some()
        self.strike()
        with self.watched(life) as daemon:
            daemon.join(self.chance.uniform(0, SPAN))
            self.send_some()
            self.cut_off(daemon)
            yield daemon
            step = life.step if daemon.exitcode is not None else ""
            daemon.kill()
            daemon.join()
        assert daemon.exitcode == -signal.SIGKILL, self.said().decode()[-5000:]
        self.books.kills[step] += 1
        self.mailbox.mend()
        self.relay.mend()

    def await_(self, daemon: ForkServerProcess, is_time: Callable[[], bool]) -> None:
        """Wait until it is time, or the daemon is dead, or it has had its time. A line breaks once only."""
        end = time.monotonic() + LONGEST
        while daemon.exitcode is None and time.monotonic() < end and not is_time():
            daemon.join(0.1)
            for way in (self.mailbox, self.relay):
                if any(passage.struck for passage in way.passages if passage.era == way.era):
                    way.mend()

    def strike(self) -> None:
        """Break one of the ways, every other time."""
        if self.chance.random() < 0.5:
            way, faults = self.chance.choice(((self.mailbox, MAILBOX_FAULTS), (self.relay, RELAY_FAULTS)))
            way.fault = self.chance.choice(faults)

    def cut_off(self, daemon: ForkServerProcess) -> None:
        """Cut its connections to the database, every third time."""
        if self.cut and daemon.exitcode is None and self.chance.random() < 1 / 3:
            self.cut()
            self.books.cuts[len(self.books.noted)] += 1

    @contextmanager
    def watched(self, life: Life) -> Iterator[ForkServerProcess]:
        """A daemon, and at its end what its relay took from it, and how much of that it noted."""
        self.mailbox.era = self.relay.era = len(self.books.noted)
        self.log.write_bytes(b"")
        yield dying.started(self.world, life)
        self.books.noted.append(self.said().count(NOTED))
        struck = sum(bool(p.struck) for p in (*self.mailbox.passages, *self.relay.passages))
        self.books.faults = struck + self.books.cuts.total()
        kept = list(zip(self.world.post.came, self.world.post.delivered(), strict=False))
        for (port, at), (to, raw) in kept[len(self.books.taken) :]:
            passage = next(passage for passage in reversed(self.relay.passages) if passage.port == port)
            self.books.taken.append(Taken(to, parsed(raw), at, passage.era, unanswered=bool(passage.struck)))

    def said(self) -> bytes:
        """What the daemon has logged in this life."""
        return self.log.read_bytes()

    def settle(self) -> None:
        """Let a daemon do what is left, on whole lines; then a last message comes that replaces what many brought."""
        with self.watched(Life("run", often=True)) as daemon:
            self.wait()
            self.send(letters.right(len(self.books.letters) + 1, {letters.EVERYBODY: "the last"}))
            self.wait()
            daemon.terminate()
            daemon.join(LATE)
        assert daemon.exitcode == 0, self.said().decode()[-5000:]

    def wait(self) -> None:
        """Wait until everything is done, for as long as that may take."""
        end = time.monotonic() + LATE
        while not is_done(self.world, len(self.books.letters)):
            if time.monotonic() > end:
                self.books.late.append("not everything was done at the end")
                return
            time.sleep(0.3)

    @property
    def log(self) -> Path:
        return self.world.folder / "log"


def is_done(world: World, messages: int) -> bool:
    """Whether all these messages are settled and filed, all replies are sent, and what is to be deleted is gone."""
    with world.store() as store, store.reading() as reading:
        status = reading.status()
        if sum(status.messages.values()) < messages or status.outbox.get("pending"):
            return False
        times = jobs.keep(world.settings, clock.now)
        return not retention.due(store, times) and world.post.folder(world.settings.mailbox.folder) == 0
