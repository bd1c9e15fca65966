"""The handbook as plain Python: what pages and answers there must be after the messages that came.

It knows nothing of mailboxes, databases or spreadsheets. A learner is a number, a school a postcode.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

A_DAY = 10  # help, held and delayed replies that one address gets


@dataclass(frozen=True)
class Form:
    """One file: learners of one school with a value each; a wrong one has a date of birth that is no date."""

    school: str
    values: tuple[tuple[int, str], ...]
    right: bool = True


@dataclass
class Letter:
    """One message; `arrival` is its place in the order in which messages came."""

    arrival: int
    message_id: str
    sender: str
    forms: tuple[Form, ...]
    again: bool = False  # delivered once more by a mail server
    outcome: str = ""
    replies: Counter[str] = field(default_factory=Counter)
    superseded: bool = False
    waits: bool = True


@dataclass(frozen=True)
class Page:
    """What a learner sees, and of which message it is."""

    value: str
    letter: Letter = field(compare=False)


@dataclass
class Handbook:
    """Who may send for which schools, what waits, and what learners see by school and number."""

    registered: dict[str, set[str]]
    letters: list[Letter] = field(default_factory=list)
    pages: dict[tuple[str, int], Page] = field(default_factory=dict)
    limited: list[tuple[str, str, datetime]] = field(default_factory=list)

    def poll(self, now: datetime) -> None:
        """Everything that waits is judged and answered, as if in the order in which it arrived."""
        for letter in self.letters:
            if letter.waits:
                letter.waits = False
                self._judge(letter, now)

    def approve(self, sender: str, school: str) -> None:
        """Register a sender; all that was held of them proceeds."""
        self.registered.setdefault(sender, set()).add(school)
        for letter in self.letters:
            letter.waits |= letter.sender == sender and letter.outcome == "held"

    def erase(self, number: int) -> None:
        """Forget a learner in every school, with the mail that may hold them."""
        for school in [school for school, n in self.pages if n == number]:
            self.pages.pop((school, number)).letter.superseded = True
            self._forget_rejected(school)

    def waiting(self) -> bool:
        return any(letter.waits for letter in self.letters)

    def held(self) -> list[Letter]:
        return [letter for letter in self.letters if letter.outcome == "held"]

    def judged(self) -> list[Letter]:
        return [letter for letter in self.letters if letter.outcome in {"accepted", "rejected"} and not letter.waits]

    def _judge(self, letter: Letter, now: datetime) -> None:
        if letter.again:
            letter.outcome = "ignored"
        elif letter.sender not in self.registered:
            letter.outcome = "held"
            self._answer(letter, "held", now)
        elif not letter.forms:
            letter.outcome = "ignored"
            self._answer(letter, "help", now)
        else:
            applied = [self._applied(form, letter) for form in letter.forms]
            letter.outcome = "accepted" if all(applied) else "rejected"
            letter.replies["confirmation" if all(applied) else "report"] += 1

    def _answer(self, letter: Letter, kind: str, now: datetime) -> None:
        """Held replies once in 30 days; with help ones ten a day."""
        ours = [(what, at) for to, what, at in self.limited if to == letter.sender]
        full = sum(now - at < timedelta(days=1) for _, at in ours) >= A_DAY
        had = kind == "held" and any(what == "held" and now - at < timedelta(days=30) for what, at in ours)
        if not full and not had:
            self.limited.append((letter.sender, kind, now))
            letter.replies[kind] += 1

    def _applied(self, form: Form, letter: Letter) -> bool:
        """A right form of a school that the sender may send for replaces what its learners had, but nothing newer."""
        if not form.right or form.school not in self.registered[letter.sender]:
            return False
        for number, value in form.values:
            old = self.pages.get((form.school, number))
            if old and old.letter.arrival > letter.arrival:
                letter.superseded = True
                continue
            if old and old.letter is not letter:
                old.letter.superseded = True
            self.pages[form.school, number] = Page(value, letter)
        self._forget_rejected(form.school, letter.arrival)
        return True

    def _forget_rejected(self, school: str, before: int | None = None) -> None:
        for letter in self.letters:
            if letter.outcome == "rejected" and (before is None or letter.arrival < before):
                letter.superseded |= school in self._about(letter)

    def _about(self, letter: Letter) -> Iterable[str]:
        """The schools that a form may be about: one that the sender may not send for tells of none."""
        may = self.registered[letter.sender]
        return set().union(*({form.school} & may or may for form in letter.forms))
