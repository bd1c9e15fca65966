"""The handbook as plain Python: what pages and answers there must be after the messages that came.

It knows nothing of mailboxes, databases or spreadsheets. A learner is a number, a school a postcode.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

A_DAY = 10  # help, held and delayed replies that one address gets, and mails to the operator about forgeries of it
DAY = timedelta(days=1)
JUDGED = ("accepted", "rejected")
KEPT = {"accepted": 14, "rejected": 14, "held": 30, "quarantined": 30, "ignored": 14}  # days


@dataclass(frozen=True)
class Form:
    """One file: learners of one school with a value each; a wrong one has a date of birth that is no date.

    `renamed`: it has other names than all other forms, so that its learners seem to be other children.
    """

    school: str
    values: tuple[tuple[int, str], ...]
    introduction: tuple[str, ...] = ()
    right: bool = True
    renamed: bool = False


@dataclass(eq=False, repr=False)
class Letter:
    """One message; `arrival` is its place in the order in which messages came.

    Two with one `copy` are the same to the last byte. `vouched`: the operator believes it, though it is `forged`.
    """

    arrival: int
    message_id: str
    sender: str
    forms: tuple[Form, ...]
    copy: int
    forged: bool = False
    vouched: bool = False
    identities_accepted: bool = False
    outcome: str = ""
    replies: Counter[str] = field(default_factory=Counter)
    waits: bool = True
    filed_at: datetime | None = None
    gone: bool = False  # its mail
    applied: tuple[Form, ...] = ()  # those of its forms that were
    doubles: "Letter | None" = None

    def __repr__(self) -> str:
        return f"letter {self.arrival}"

    @property
    def content(self) -> tuple[str, str, tuple[Form, ...]]:
        """What is the same in a message that is delivered twice."""
        return self.message_id, self.sender, self.forms

    @property
    def believed(self) -> bool:
        return self.vouched or not self.forged


@dataclass(frozen=True)
class Page:
    """What a learner sees, and by which form of which message."""

    value: str
    form: Form
    letter: Letter


@dataclass
class Handbook:
    """Who may send for which schools, what waits, and what learners see by school and number."""

    registered: dict[str, set[str]]
    letters: list[Letter] = field(default_factory=list)
    pages: dict[tuple[str, int], Page] = field(default_factory=dict)
    sent: list[tuple[str, str, datetime]] = field(default_factory=list)  # what is limited: about whom, kind, when

    def poll(self, now: datetime) -> None:
        """Everything that waits is judged and answered, as if in the order in which it arrived; old mail goes."""
        for letter in self.letters:
            if letter.waits:
                letter.waits, letter.filed_at = False, now
                self._judge(letter, now)
        self._forget_copies()
        for letter in self.letters:
            letter.gone |= letter.filed_at is not None and now - letter.filed_at >= KEPT[letter.outcome] * DAY

    def approve(self, letter: Letter, school: str) -> None:
        """Believe a quarantined message; or register a held one's sender, and all that was held of them proceeds."""
        if letter.outcome == "quarantined":
            letter.vouched = letter.waits = True
            return
        self.registered.setdefault(letter.sender, set()).add(school)
        for one in self.letters:
            one.waits |= one.sender == letter.sender and one.outcome == "held" and not one.gone

    def put_back(self, letter: Letter) -> Letter:
        """A person moves a message from its folder to the inbox: it arrives once more, and is there no longer."""
        letter.gone = True
        again = Letter(len(self.letters), letter.message_id, letter.sender, letter.forms, letter.copy, letter.forged)
        self.letters.append(again)
        return again

    def erase(self, number: int) -> None:
        """Forget a learner in every school, with the mail that may hold them; none of it is judged again."""
        for school in [school for school, n in self.pages if n == number]:
            self.pages.pop((school, number)).letter.gone = True
            self._forget_rejected(school)
        for letter in self.letters:
            letter.waits &= not letter.gone
        self._forget_copies()

    def waiting(self) -> bool:
        return any(letter.waits for letter in self.letters)

    def filed(self, *outcomes: str) -> list[Letter]:
        """The messages that lie in the folders of these outcomes."""
        return [one for one in self.letters if one.outcome in outcomes and not one.waits and not one.gone]

    def judged(self) -> list[Letter]:
        return [one for one in self.letters if one.outcome in JUDGED and not one.waits]

    def _judge(self, letter: Letter, now: datetime) -> None:
        letter.doubles = self._twin(letter)
        if not letter.believed:
            letter.outcome = "quarantined"
            if letter.sender in self.registered:
                self._send(letter, "operator", now)
        elif letter.doubles:
            letter.outcome = "ignored"
        elif letter.sender not in self.registered:
            letter.outcome = "held"
            if not letter.vouched:
                self._send(letter, "held", now)
        elif not letter.forms:
            letter.outcome = "ignored"
            self._send(letter, "help", now)
        else:
            letter.applied = tuple(form for form in letter.forms if self._applied(form, letter))
            letter.outcome = "accepted" if letter.applied == letter.forms else "rejected"
            letter.replies["confirmation" if letter.outcome == "accepted" else "report"] += 1
        if letter.outcome in {"rejected", "ignored"}:
            later = [form for one in self.letters if one.arrival > letter.arrival for form in one.applied]
            letter.gone |= not self._about(letter).isdisjoint(form.school for form in later)

    def _twin(self, letter: Letter) -> Letter | None:
        """The believed message that this one doubles: one that came earlier, or was judged while this one waited.

        What a person put back doubles none.
        """
        if any(one.copy == letter.copy and one.arrival < letter.arrival for one in self._known()):
            return None
        for other in self._known():
            first = other.arrival < letter.arrival or other.outcome in JUDGED
            is_same = other.content == letter.content and other is not letter
            if is_same and other.believed and first and other.doubles is not letter and self._speaks(other):
                return other
        return None

    def _speaks(self, letter: Letter) -> bool:
        """Whether a copy of it needs no answer: it has one, or may be approved yet."""
        return letter.outcome in JUDGED or (letter.outcome == "held" and not letter.gone) or letter.replies["help"] > 0

    def _forget_copies(self) -> None:
        """What was delivered twice goes in both copies."""
        gone = {one.content for one in self.judged() if one.gone}
        for letter in self.letters:
            letter.gone |= letter.outcome == "ignored" and letter.content in gone

    def _known(self) -> list[Letter]:
        """What is settled; quarantined messages make nothing known."""
        return [one for one in self.letters if not one.waits and one.outcome != "quarantined"]

    def _send(self, letter: Letter, kind: str, now: datetime) -> None:
        """Mails to the operator are limited a day, others all together; held ones to one in 30 days as well."""
        ours = [(what, at) for about, what, at in self.sent if about == letter.sender]
        told = [at for what, at in ours if (what == "operator") == (kind == "operator")]
        full = sum(now - at < DAY for at in told) >= A_DAY
        had = kind == "held" and any(what == "held" and now - at < 30 * DAY for what, at in ours)
        if not full and not had:
            self.sent.append((letter.sender, kind, now))
            letter.replies[kind] += 1

    def _applied(self, form: Form, letter: Letter) -> bool:
        """A right form of a school that the sender may send for replaces what its learners had, but nothing newer."""
        if not form.right or form.school not in self.registered[letter.sender] or self._is_of_others(form, letter):
            return False
        for number, value in form.values:
            old = self.pages.get((form.school, number))
            if old and old.letter.arrival > letter.arrival:
                letter.gone = True
                continue
            if old and not (old.letter is letter and old.form is form):  # another form of the message is as good
                old.letter.gone = True
            self.pages[form.school, number] = Page(value, form, letter)
        self._forget_rejected(form.school, letter.arrival)
        return True

    def _is_of_others(self, form: Form, letter: Letter) -> bool:
        """Whether a learner's number is known for another child, and nobody telephoned."""
        known = [page for number, _ in form.values if (page := self.pages.get((form.school, number)))]
        return not letter.identities_accepted and any(page.form.renamed != form.renamed for page in known)

    def _forget_rejected(self, school: str, before: int | None = None) -> None:
        for letter in self.letters:
            if before is None or (letter.arrival < before and not letter.waits):
                letter.gone |= school in self._about(letter)

    def _about(self, letter: Letter) -> set[str]:
        """The schools that rejected forms and ignored mail may be about; a form for somebody else's tells of none."""
        may = self.registered.get(letter.sender, set())
        if letter.outcome != "rejected":
            return may if letter.outcome == "ignored" else set()
        return set().union(*({form.school} & may or may for form in letter.forms if form not in letter.applied))
