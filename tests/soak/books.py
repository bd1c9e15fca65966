"""The books of a soak: what came in and what became of it, against what must be.

Everything is counted twice, as it must be and as it is. What is missing then is lost, what is too much is doubled.
"""

import io
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage

import openpyxl

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.app import queries
from planit_mailer.domain.reports import Story
from tests.soak.letters import Letter
from tests.support import forms
from tests.support.world import FOLDERS, World

LATE = 300  # seconds from a message to its answer, whatever happens meanwhile


@dataclass(frozen=True)
class Taken:
    """A mail that the relay took: when, in which life of the daemon, and whether the relay's answer was cut off."""

    recipient: str
    mail: EmailMessage
    at: float
    life: int
    unanswered: bool

    @property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"])

    @property
    def about(self) -> str:
        """The Message-ID of what it answers; "" where it answers nothing."""
        return str(self.mail["In-Reply-To"] or "")


@dataclass
class Books:
    """What was done to the service, and what did not balance.

    `kills` has how often the daemon died of each step, and under "" how often at a random instant; `noted` has for each
    life how many replies it noted as sent, `cuts` how often its connections to the database were cut; `taken` is in the
    relay's order.
    """

    letters: list[Letter] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    noted: list[int] = field(default_factory=list)
    cuts: Counter[int] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        return not self.wrong

    @property
    def wrong(self) -> tuple[str, ...]:
        named = {"lost": self.lost, "doubled": self.doubled, "late": self.late}
        return tuple(f"{name}: {what}" for name, found in named.items() for what in found)

    def compare(self, must_be: Counter[Hashable], is_: Counter[Hashable]) -> None:
        self.lost += map(str, (must_be - is_).elements())
        self.doubled += map(str, (is_ - must_be).elements())

    def __str__(self) -> str:
        kills, instants = self.kills.total(), self.kills[""]
        how = f"{kills - instants} at a step, {instants} at a random instant"
        done = f"{len(self.letters)} messages, {kills} kills ({how}), {self.faults} faults"
        return f"{done}, {len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.late)} late"


@dataclass(frozen=True)
class Replayed:
    """What plain dicts have after all messages were applied in order: values by learner, and the mail that must go."""

    pages: Mapping[int, str]
    gone: frozenset[Letter]


def replayed(letters: Sequence[Letter]) -> Replayed:
    pages: dict[int, tuple[str, Letter]] = {}
    gone = {letter for letter in letters if letter.is_put_back}
    passed: list[Letter] = []  # what was not applied, and holds data all the same
    for letter in letters:
        if letter.applied:
            gone |= {pages[number][1] for number in letter.applied if number in pages}
            gone |= {one for one in passed if one.school == letter.school}
        pages |= {number: (value, letter) for number, value in letter.applied.items()}
        passed += [letter] * (letter.outcome in {"rejected", "ignored"})
    twice = {one.message_id for one in gone}
    gone |= {one for one in letters if one.outcome == "ignored" and one.message_id in twice}
    return Replayed({number: value for number, (value, _) in pages.items()}, frozenset(gone))


def balance(world: World, books: Books) -> None:
    """Every message has one receipt, one outcome and one folder, every form is applied once and in order.

    Every reply is delivered once, or again with the same Message-ID where nobody could know that the relay had it.
    """
    must_be = replayed(books.letters)
    by_id = {letter.message_id: letter for letter in books.letters}
    with world.store() as store, store.reading() as reading:
        stories = [story for one in by_id for ref in reading.references(one) if (story := reading.story(ref))]
        pages = [*must_be.pages, max(must_be.pages) + 1]
        shown = {n: page for n in pages if (page := queries.show(forms.upn(n), None, reading))}
    books.compare(
        Counter(("page", *page) for page in must_be.pages.items()),
        Counter(("page", number, page["fields"][0]["value"]) for number, page in shown.items()),
    )
    books.compare(
        Counter({"learners that were new": len(must_be.pages)}),
        Counter({"learners that were new": sum(upload.new for story in stories for upload in story.uploads)}),
    )
    balance_receipts(books, must_be, stories)
    balance_folders(world, books, stories)
    balance_replies(world, books, stories)
    books.doubled += repeated(books)
    books.late += late(books)


def balance_receipts(books: Books, must_be: Replayed, stories: Iterable[Story]) -> None:
    """Two of the same Message-ID and sender are told apart by what became of them alone: either may be the other."""
    books.compare(
        Counter(
            (
                one.message_id,
                one.sender,
                one.outcome,
                FOLDERS[one.outcome],
                "deleted" if one in must_be.gone else "kept",
            )
            for one in books.letters
        ),
        Counter(
            (
                story.message_id,
                story.sender.address,
                story.outcome and story.outcome.value,
                story.folder,
                "deleted" if story.mail_deleted_at else "kept",
            )
            for story in stories
        ),
    )


def balance_folders(world: World, books: Books, stories: Iterable[Story]) -> None:
    """Each message that is kept lies in its folder, and nothing else lies anywhere."""
    settings = world.settings.mailbox
    with open_mailbox(settings) as mailbox:
        lying = {folder: mailbox.message_ids(folder) for folder in (settings.folder, *FOLDERS.values())}
    books.compare(
        Counter((story.folder, story.message_id) for story in stories if not story.mail_deleted_at),
        Counter((folder, message_id) for folder, found in lying.items() for message_id in found),
    )


def balance_replies(world: World, books: Books, stories: Iterable[Story]) -> None:
    """Each message has its replies, the relay has each of them, for whom it is for, and nothing else for anybody."""
    operator = world.settings.service.operator
    replies = [(story, reply) for story in stories for reply in story.replies]
    books.compare(
        Counter(
            (letter.message_id, kind, operator if kind == "operator" else letter.sender)
            for letter in books.letters
            for kind in letter.replies.elements()
        ),
        Counter((story.message_id, reply.kind.value, reply.recipient) for story, reply in replies),
    )
    mails = {(reply.recipient, reply.message_id): story.message_id for story, reply in replies}
    books.compare(
        Counter((*mail, about if mail[0] != operator else "") for mail, about in mails.items()),
        Counter(
            {(one.recipient, one.message_id, one.about) for one in books.taken if one.recipient != operator}
            | {(operator, one.message_id, "") for one in books.taken if (operator, one.message_id) in mails}
        ),
    )
    reports = {reply.message_id for _, reply in replies if reply.kind.value == "report"}
    books.lost += [
        f"the painted workbook of {one.message_id}"
        for one in books.taken
        if one.message_id in reports and not has_painted_workbook(one.mail)
    ]


def has_painted_workbook(mail: EmailMessage) -> bool:
    for attachment in mail.iter_attachments():
        with closing(openpyxl.load_workbook(io.BytesIO(attachment.get_content()))) as book:
            if book.sheetnames[0] == "Problems":
                return True
    return False


def repeated(books: Books) -> Iterator[str]:
    """The replies that the relay got again though the daemon knew, or could know, that it had them."""
    unknown = set(unacknowledged(books))
    for number, one in enumerate(books.taken):
        if number not in unknown and comes_again(books, number):
            yield f"{one.message_id}, of which the relay had said that it has it"


def unacknowledged(books: Books) -> Iterator[int]:
    """The numbers of the mails that were taken without our knowing: those whose answer was cut off, and in each life
    at most the last one, where the daemon was killed before it noted it, and one for each time that it was cut off from
    the database. One is sent only when the last is noted.
    """
    for life, noted in enumerate(books.noted):
        taken = [number for number, one in enumerate(books.taken) if one.life == life]
        yield from (number for number in taken if books.taken[number].unanswered)
        answered = [number for number in taken if not books.taken[number].unanswered]
        unnoted = len(answered) - noted
        assert unnoted <= 1 + books.cuts[life], f"{unnoted} replies under way at once"
        if books.cuts[life]:  # which ones it was can be told only by their coming again
            answered = [number for number in answered if comes_again(books, number)]
        yield from answered[max(len(answered) - unnoted, 0) :]


def comes_again(books: Books, number: int) -> bool:
    """Whether the relay took a mail once more after this."""
    return books.taken[number].message_id in {later.message_id for later in books.taken[number + 1 :]}


def late(books: Books) -> Iterator[str]:
    answered: dict[str, float] = {}
    for one in books.taken:
        answered.setdefault(one.about, one.at)
    for letter in books.letters:
        wait = answered.get(letter.message_id, letter.sent_at) - letter.sent_at
        if wait > LATE:
            yield f"{letter.message_id}, answered after {wait:.0f} seconds"
