"""What schools, strangers and forgers send, and what must become of it.

Everybody writes from an address of their own, because help and alerts are limited a day for each. All rightly filled
forms are for one school: they give values to learners of their own, and some to one whom many forms are about.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.support import forms
from tests.support.builders import an_email

EVERYBODY = 0  # the learner whom many forms are about
GREENFIELD, HILLSIDE = ("Greenfield School", "ZZ9 9ZZ"), ("Hillside School", "ZZ8 8ZZ")
SCHOOLS = {"greenfield.test": GREENFIELD, "hillside.test": HILLSIDE}  # by the domain of those who may send for them
ANSWERS = {
    "accepted": "confirmation",
    "rejected": "report",
    "held": "held",
    "quarantined": "operator",
    "ignored": "help",
}
NO_DATE = "31/02/2011"
PICTURE = ("photo.jpg", b"\xff\xd8\xff\xe0 a picture of the school")

Files = tuple[tuple[str, bytes], ...]
Values = Mapping[int, str]  # what learners see, by their number


@dataclass(eq=False)
class Letter:
    """One message: what it gives to learners once it is applied, and what becomes of it as things stand."""

    sender: str
    message_id: str
    files: Files
    raw: bytes
    outcome: str
    replies: Counter[str]
    values: Values = field(default_factory=dict)
    is_forged: bool = False
    sent_at: float = 0  # by the monotonic clock
    approvable: bool = False
    is_put_back: bool = False

    @property
    def applied(self) -> Values:
        """What it gives to learners as things stand: nothing while it waits for the operator."""
        return self.values if self.outcome in {"accepted", "rejected"} else {}

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]

    @property
    def school(self) -> tuple[str, str]:
        """Whom its forms are for: strangers' are for Greenfield, too."""
        return SCHOOLS.get(self.domain, GREENFIELD)

    def approve(self, now: float) -> None:
        """The operator lets it proceed, and the time within which it must be answered begins."""
        self.outcome, self.approvable, self.sent_at = "accepted", False, now
        self.replies[ANSWERS["accepted"]] += 1


def put_back(letter: Letter) -> Letter:
    """A message that a person has moved from its folder to the inbox: it arrives as a new one, and is there no more."""
    letter.is_put_back = True
    return replace(letter, replies=Counter({ANSWERS[letter.outcome]: 1}), is_put_back=False)


def right(number: int, values: Values) -> Letter:
    return _letter(f"{number}@greenfield.test", "accepted", (a_form(values),), values)


def two_right(number: int, values: Values) -> Letter:
    more = {second(number): f"{number} too"}
    return _letter(f"{number}@greenfield.test", "accepted", (a_form(values), a_form(more)), {**values, **more})


def right_and_wrong(number: int, values: Values) -> Letter:
    files = (a_form(values), a_form({second(number): "wrong"}, dob=NO_DATE))
    return _letter(f"{number}@greenfield.test", "rejected", files, values)


def wrong(number: int, values: Values) -> Letter:
    return _letter(f"{number}@greenfield.test", "rejected", (a_form(values, dob=NO_DATE),), {})


def wrong_elsewhere(number: int, values: Values) -> Letter:
    """Of a school that never gets it right: nothing takes the place of its rejected forms."""
    return _letter(f"{number}@hillside.test", "rejected", (a_form(values, HILLSIDE, dob=NO_DATE),), {})


def no_spreadsheet(number: int, _values: Values) -> Letter:
    return _letter(f"{number}@greenfield.test", "ignored", (PICTURE,), {})


def of_a_stranger(number: int, values: Values) -> Letter:
    return replace(_letter(f"{number}@elsewhere.test", "held", (a_form(values),), values), approvable=True)


def forged(number: int, values: Values) -> Letter:
    letter = _letter(f"{number}@greenfield.test", "quarantined", (a_form(values),), values)
    return replace(letter, raw=disguised(letter), is_forged=True, approvable=True)


def again(letter: Letter) -> Letter:
    """What a mail server delivered once more, the same to the last byte of what was sent."""
    return replace(letter, outcome="ignored", replies=Counter(), values={}, is_put_back=False)


def forged_after(letter: Letter) -> Letter:
    """A forgery that has everything of a real message, its Message-ID too, but for who shows as its author."""
    alarm = Counter({ANSWERS["quarantined"]: 1})
    spoof = replace(letter, raw=disguised(letter), outcome="quarantined", replies=alarm, values={}, is_forged=True)
    return replace(spoof, is_put_back=False)


KINDS: tuple[Callable[[int, Values], Letter], ...] = (
    right,
    right,
    right,
    two_right,
    right_and_wrong,
    wrong,
    wrong_elsewhere,
    no_spreadsheet,
    of_a_stranger,
    forged,
)
ECHOES: tuple[Callable[[Letter], Letter], ...] = (again, forged_after)


def may_come_again(letter: Letter) -> bool:
    """Whether there may be a message like it: one of a registered sender, with a form."""
    return letter.outcome in {"accepted", "rejected"} and not letter.is_forged


def may_be_put_back(letter: Letter) -> bool:
    """Whether it may come back itself, and be judged as before."""
    return may_come_again(letter) and not letter.is_put_back


def disguised(letter: Letter) -> bytes:
    return written(letter.sender, letter.message_id, letter.files, shown=f'"someone@elsewhere.test" <{letter.sender}>')


def first(number: int) -> int:
    """The learner of whom a message is the first to tell."""
    return 2 * number


def second(number: int) -> int:
    """Another such learner."""
    return 2 * number + 1


def a_form(values: Values, school: tuple[str, str] = GREENFIELD, **wrong: str) -> tuple[str, bytes]:
    name, postcode = school
    rows = [forms.learner(n, values=(value,), surname=f"Quill {n}", **wrong) for n, value in values.items()]
    return "form.xlsx", forms.handbook(learners=rows, headings=("Art",), school=name, postcode=postcode)


def written(sender: str, message_id: str, files: Files, shown: str = "") -> bytes:
    return an_email(shown or sender, attachments=files, headers=(("Message-ID", message_id),))


def _letter(sender: str, outcome: str, files: Files, values: Values) -> Letter:
    message_id = f"<soak.{sender}>"
    raw, replies = written(sender, message_id, files), Counter({ANSWERS[outcome]: 1})
    return Letter(sender, message_id, files, raw, outcome, replies, values)
