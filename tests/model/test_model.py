"""A service over real sockets beside a plain model of the handbook: whatever happens, they agree after each step.

PLANIT_MODEL_EXAMPLES and PLANIT_MODEL_STEPS make it longer.
"""

import os
import signal
import tempfile
import uuid
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from imapclient import IMAPClient

from planit_mailer.app import jobs, queries
from planit_mailer.cli.demo import servers
from planit_mailer.core.errors import Refused
from tests.model.handbook import Form, Handbook, Letter
from tests.support import dying, forms, world
from tests.support.dying import Life
from tests.support.postgres import Postgres
from tests.support.world import FOLDERS, OFFICE

SCHOOLS = {"ZZ9 9ZZ": "Greenfield School", "ZZ8 8ZZ": "Hillside School", "ZZ7 7ZZ": "Millbrook School"}
GREENFIELD, HILLSIDE, MILLBROOK = SCHOOLS
TRUST = "data@trust.test"
STRANGERS = ("deputy@greenfield.test", "someone@elsewhere.test")
LEARNERS = range(1, 5)
OPERATOR = "ops@s-cool.test"
COPY = "X-Copy"
UNLIMITED, LIMITED = ("confirmation", "report"), ("help", "held", "operator")  # kinds of replies
WITHIN = timedelta(hours=48)
# What a learner sees, and what stands in the cell: a value and its number format.
SHOWN: dict[str, tuple[object, str]] = {
    "A": ("A", "General"),
    "7-6": ("7-6", "@"),
    "95.3%": (0.9532, "0.0%"),
    "007": (7, "000"),
    "0.3": (0.1 + 0.2, "General"),
    "12/01/2007": (date(2007, 1, 12), "dd/mm/yyyy"),
}
SIZE = settings(
    max_examples=int(os.environ.get("PLANIT_MODEL_EXAMPLES", "6")),
    stateful_step_count=int(os.environ.get("PLANIT_MODEL_STEPS", "14")),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink what takes seconds a step takes hours
    suppress_health_check=list(HealthCheck),
)

a_form = st.builds(
    Form,
    st.sampled_from(list(SCHOOLS)),
    st.dictionaries(st.sampled_from(LEARNERS), st.sampled_from(list(SHOWN)), min_size=1, max_size=3).map(
        lambda values: tuple(values.items())
    ),
    st.sampled_from([(), ("Your grades.",), ("Your grades.", "They are expected ones.")]),
    right=st.sampled_from([True, True, True, False]),
    renamed=st.sampled_from([False, False, False, True]),
)
some_forms = st.lists(a_form, min_size=1, max_size=2).map(tuple)


class Machine(RuleBasedStateMachine):
    """What may happen to a service, done to it and to the model alike."""

    def __init__(self, database: str) -> None:
        super().__init__()
        self.stack = ExitStack()
        post = self.stack.enter_context(servers.running("data@s-cool.test", "pw"))
        self.world = world.make(Path(self.stack.enter_context(tempfile.TemporaryDirectory())), post, database)
        self.step, self.retaken = timedelta(0), 0
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("planit_mailer.core.clock.now", self.now)
        self.register()
        self.model = Handbook({OFFICE: {GREENFIELD}, TRUST: {HILLSIDE, MILLBROOK}})
        self.serving = self.stack.enter_context(ExitStack())
        self.open()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.step

    def register(self) -> None:
        with self.world.store() as store, store.transaction() as transaction:
            for postcode in (HILLSIDE, MILLBROOK):
                transaction.allow(transaction.add_school(SCHOOLS[postcode], postcode), TRUST)

    def open(self) -> None:
        self.served = self.serving.enter_context(jobs.serving(self.world.settings))

    @rule(sender=st.sampled_from([OFFICE, TRUST, *STRANGERS]), sent=some_forms)
    def a_message_with_forms_arrives(self, sender: str, sent: tuple[Form, ...]) -> None:
        self.send(sender, sent)

    @rule(sender=st.sampled_from([OFFICE, TRUST]))
    def a_message_without_a_spreadsheet_arrives(self, sender: str) -> None:
        self.send(sender, ())

    @rule(sender=st.sampled_from([OFFICE, STRANGERS[1]]), sent=some_forms)
    def a_forgery_arrives(self, sender: str, sent: tuple[Form, ...]) -> None:
        self.send(sender, sent, forged=True)

    @precondition(lambda self: any(letter.forms for letter in self.model.letters) and not self.model.waiting())
    @rule(data=st.data(), forged=st.booleans())
    def a_message_is_delivered_twice_or_forged_with_all_that_it_has(self, data: st.DataObject, *, forged: bool) -> None:
        """What it doubles is settled: of two that wait, either may turn out to be the one that is applied."""
        first = data.draw(st.sampled_from([letter for letter in self.model.letters if letter.forms]))
        self.send(first.sender, first.forms, forged=forged or first.forged, message_id=first.message_id)
        self.a_poll()

    def send(self, sender: str, sent: tuple[Form, ...], *, forged: bool = False, message_id: str = "") -> None:
        number = len(self.model.letters)
        message_id = message_id or f"<{uuid.uuid4()}@greenfield.test>"
        self.model.letters.append(Letter(number, message_id, sender, sent, copy=number, forged=forged))
        files = [(f"{place}.xlsx", written(form, place)) for place, form in enumerate(sent)]
        headers = {"Message-ID": message_id, COPY: f"copy-{number}."}
        shown = {"From": f'"somebody@else.test" <{sender}>'} if forged else {}
        self.world.send(*files, sender=sender, **headers, **shown)

    @rule()
    def a_poll(self) -> None:
        self.served.poll()
        self.served.deliver()
        self.served.watch()
        self.served.deliver()
        self.served.forget()
        self.model.poll(self.now())
        self.compare()

    @precondition(lambda self: self.model.waiting())
    @rule(step=st.sampled_from(list(dying.STEPS)))
    def the_daemon_is_killed_and_started_again(self, step: str) -> None:
        self.serving.close()
        ended = dying.lived(self.world, Life("once", step, ahead=self.step))
        assert ended in {0, -signal.SIGKILL}, "0 where it did not come to this step"
        self.retaken += step in {"the relay took it", "noting"}
        self.open()
        self.a_poll()

    @rule(hours=st.sampled_from([-30, -6, -1, 1, 6, 20]))
    def the_clock_is_set(self, hours: int) -> None:
        self.step += timedelta(hours=hours)

    @precondition(lambda self: self.model.filed("held", "quarantined"))
    @rule(data=st.data(), postcode=st.sampled_from(list(SCHOOLS)))
    def the_operator_approves_a_message(self, data: st.DataObject, postcode: str) -> None:
        letter = data.draw(st.sampled_from(self.model.filed("held", "quarantined")))
        reference = self.reference(letter)
        with self.served.store.transaction() as transaction:
            if letter.outcome == "quarantined":
                transaction.release(reference, self.now(), self.now() + WITHIN)
                transaction.vouch(reference)
            else:
                [school] = [one.school for one in transaction.schools() if one.school.postcode == postcode]
                transaction.allow(school, letter.sender)
                transaction.release_registered(self.now(), WITHIN)
        self.model.approve(letter, postcode)

    @precondition(lambda self: self.model.judged())
    @rule(data=st.data(), accept=st.booleans())
    def the_operator_retries_a_message(self, data: st.DataObject, *, accept: bool) -> None:
        letter = data.draw(st.sampled_from(self.model.judged()))
        reference, now = self.reference(letter), self.now()
        try:
            with self.served.store.transaction() as transaction:
                transaction.release(reference, now, now + WITHIN, accept_identities=accept)
        except Refused:
            assert letter.gone, "its mail is still there"
        else:
            assert not letter.gone, "its mail is deleted"
            letter.waits, letter.identities_accepted = True, accept

    @precondition(lambda self: self.model.filed(*FOLDERS))
    @rule(data=st.data())
    def a_person_puts_a_message_back(self, data: st.DataObject) -> None:
        letter = data.draw(st.sampled_from(self.model.filed(*FOLDERS)))
        with IMAPClient("127.0.0.1", self.world.post.imap_port, ssl=False) as person:
            person.login(self.world.post.address, self.world.post.password)
            person.select_folder(FOLDERS[letter.outcome])
            [found] = person.search(["HEADER", COPY, f"copy-{letter.copy}."])
            person.move([found], "INBOX")
        self.model.put_back(letter)
        self.a_poll()

    @rule(number=st.sampled_from(LEARNERS))
    def a_learner_is_erased(self, number: int) -> None:
        with self.served.store.transaction() as transaction:
            transaction.erase_learner(forms.upn(number), self.now())
        settings = self.world.settings
        jobs.forget_mail(settings, self.served.store, jobs.keep(settings, self.now, by_age=False))
        self.model.erase(number)

    def reference(self, letter: Letter) -> str:
        """The reference of a message: those with its Message-ID are told apart by their order."""
        same = [one for one in self.model.letters if one.message_id == letter.message_id]
        with self.served.store.reading() as reading:
            references = reading.references(letter.message_id)
            stories = [story for story in map(reading.story, references) if story]
        return sorted(stories, key=lambda story: story.arrival)[same.index(letter)].reference

    def compare(self) -> None:
        """Every page, every outcome and every reply is as the handbook has it."""
        with self.served.store.reading() as reading:
            schools = {one.school.postcode: one.school for one in reading.schools()}
            shown = {
                (postcode, number): (page["fields"][0]["value"], tuple(page["introduction"]))
                for postcode, school in schools.items()
                for number in LEARNERS
                if (page := queries.show(forms.upn(number), school, reading))
            }
            status = queries.status(reading)
        assert shown == {key: (page.value, page.form.introduction) for key, page in self.model.pages.items()}
        assert self.world.post.folder("INBOX") == 0
        assert status["outbox"]["pending"] == 0
        outcomes = Counter(letter.outcome for letter in self.model.letters)
        assert {outcome: n for outcome, n in status["messages"].items() if n} == outcomes
        lying = Counter(FOLDERS[letter.outcome] for letter in self.model.letters if not letter.gone)
        assert {folder: n for folder in FOLDERS.values() if (n := self.world.post.folder(folder))} == lying
        self.compare_replies()

    def compare_replies(self) -> None:
        """Each message has the answers it must have, and each went to its sender alone.

        Of what is limited for a sender the message that is answered is the one that came first to be judged: after a
        death that is not the one that arrived first.
        """
        expected: Counter[tuple[str, str]] = Counter()
        limited: Counter[tuple[str, str]] = Counter()
        with self.served.store.reading() as reading:
            for letter in self.model.letters:
                story = reading.story(self.reference(letter))
                assert story
                assert story.outcome
                assert story.outcome.value == letter.outcome
                replies = Counter(reply.kind.value for reply in story.replies)
                assert [replies[kind] for kind in UNLIMITED] == [letter.replies[kind] for kind in UNLIMITED]
                limited.update({(letter.sender, kind): replies[kind] - letter.replies[kind] for kind in LIMITED})
                expected[letter.message_id, letter.sender] += replies.total() - replies["operator"]
        assert not any(limited.values())
        copies = Counter((str(mail["In-Reply-To"]), to, str(mail["Message-ID"])) for to, mail in self.world.replies())
        answered = Counter((about, to) for about, to, _ in copies if to != OPERATOR)
        assert answered == +expected
        assert copies.total() - len(copies) <= self.retaken

    def teardown(self) -> None:
        self.stack.close()


@cache
def written(form: Form, number: int) -> bytes:
    """A form as a flat export, the same at each time; `number` keeps two files of a message from being the same."""
    learners = [a_learner(n, value, form) for n, value in form.values]
    header = {"school": SCHOOLS[form.school], "postcode": form.school, "introduction": form.introduction}
    rows = forms.flat_rows(learners, ("Art",), **header, submitted_by=f"Office {number}")
    first = len(rows) - len(learners) + 1
    formats = {f"G{row}": SHOWN[value][1] for row, (_, value) in enumerate(form.values, first)}
    return forms.workbook(forms.cells(rows), styles=formats)


def a_learner(number: int, value: str, form: Form) -> forms.Learner:
    changes = {} if form.right else {"dob": "31/02/2011"}
    changes |= {"first_name": f"Quentin {number}", "surname": "Underhill"} if form.renamed else {}
    return forms.learner(number, values=(SHOWN[value][0],), **changes)


def test_whatever_happens_pages_and_replies_are_as_the_handbook_has_them() -> None:
    run_state_machine_as_test(lambda: Machine("sqlite:///planit.db"), settings=SIZE)


def test_on_postgresql_they_are_as_well(postgresql: Postgres) -> None:
    few = settings(SIZE, max_examples=max(1, SIZE.max_examples // 3))
    run_state_machine_as_test(lambda: Machine(postgresql.new_database()), settings=few)
