"""A service over real sockets beside a plain model of the handbook: whatever happens, they agree after each step.

PLANIT_MODEL_EXAMPLES and PLANIT_MODEL_STEPS make it longer.
"""

import os
import signal
import tempfile
import uuid
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from planit_mailer import forgetting, questions, service
from planit_mailer.demo import servers
from planit_mailer.errors import Refused
from tests import dying, world
from tests.dying import Life
from tests.model.handbook import Form, Handbook, Letter
from tests.uploads import forms
from tests.world import OFFICE

SCHOOLS = {"ZZ9 9ZZ": "Greenfield School", "ZZ8 8ZZ": "Hillside School", "ZZ7 7ZZ": "Millbrook School"}
GREENFIELD, HILLSIDE, MILLBROOK = SCHOOLS
TRUST = "data@trust.test"
STRANGERS = ("deputy@greenfield.test", "someone@elsewhere.test")
LEARNERS = range(1, 5)
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
    st.dictionaries(st.sampled_from(LEARNERS), st.sampled_from(["A", "B", "95.3%", "007"]), min_size=1, max_size=3).map(
        lambda values: tuple(values.items())
    ),
    st.sampled_from([True, True, True, False]),
)


class Machine(RuleBasedStateMachine):
    """What may happen to a service, done to it and to the model alike."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        post = self.stack.enter_context(servers.running("data@s-cool.test", "pw"))
        self.world = world.make(Path(self.stack.enter_context(tempfile.TemporaryDirectory())), post)
        self.step, self.retaken = timedelta(0), 0
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(service, "now", self.now)
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
        self.served = self.serving.enter_context(service.serving(self.world.settings))

    @rule(sender=st.sampled_from([OFFICE, TRUST, *STRANGERS]), sent=st.lists(a_form, min_size=1, max_size=2))
    def a_message_with_forms_arrives(self, sender: str, sent: list[Form]) -> None:
        self.send(Letter(len(self.model.letters), f"<{uuid.uuid4()}@greenfield.test>", sender, tuple(sent)))

    @rule(sender=st.sampled_from([OFFICE, TRUST]))
    def a_message_without_a_spreadsheet_arrives(self, sender: str) -> None:
        self.send(Letter(len(self.model.letters), f"<{uuid.uuid4()}@greenfield.test>", sender, ()))

    @precondition(lambda self: any(letter.forms for letter in self.model.letters))
    @rule(data=st.data())
    def a_message_is_delivered_twice(self, data: st.DataObject) -> None:
        first = data.draw(st.sampled_from([letter for letter in self.model.letters if letter.forms]))
        self.send(Letter(len(self.model.letters), first.message_id, first.sender, first.forms, again=True))

    def send(self, letter: Letter) -> None:
        self.model.letters.append(letter)
        files = [(f"{number}.csv", written(form, number)) for number, form in enumerate(letter.forms)]
        headers = {"Message-ID": letter.message_id, "X-Arrival": str(letter.arrival)}
        self.world.send(*files, sender=letter.sender, **headers)

    @rule()
    def a_poll(self) -> None:
        self.served.poll()
        self.served.deliver()
        self.served.watch()
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

    @rule(hours=st.sampled_from([-6, -1, 1, 6, 20]))
    def the_clock_is_set(self, hours: int) -> None:
        self.step += timedelta(hours=hours)

    @precondition(lambda self: self.model.held())
    @rule(data=st.data(), postcode=st.sampled_from(list(SCHOOLS)))
    def the_operator_approves_a_stranger(self, data: st.DataObject, postcode: str) -> None:
        letter = data.draw(st.sampled_from(self.model.held()))
        with self.served.store.transaction() as transaction:
            [school] = [one.school for one in transaction.schools() if one.school.postcode == postcode]
            transaction.allow(school, letter.sender)
            transaction.release_registered(self.now(), timedelta(hours=48))
        self.model.approve(letter.sender, postcode)

    @precondition(lambda self: self.model.judged())
    @rule(data=st.data())
    def the_operator_retries_a_message(self, data: st.DataObject) -> None:
        letter = data.draw(st.sampled_from(self.model.judged()))
        try:
            with self.served.store.transaction() as transaction:
                transaction.release(self.reference(letter), self.now(), self.now() + timedelta(hours=48))
        except Refused:
            assert letter.superseded, "its mail is still there"
        else:
            assert not letter.superseded, "its mail is deleted"
            letter.waits = True

    @rule(number=st.sampled_from(LEARNERS))
    def a_learner_is_erased(self, number: int) -> None:
        with self.served.store.transaction() as transaction:
            transaction.erase_learner(forms.upn(number), self.now())
        forgetting.forget_mail(self.world.settings, self.served.store, self.now)
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
                (postcode, number): page["fields"][0]["value"]
                for postcode, school in schools.items()
                for number in LEARNERS
                if (page := questions.show(forms.upn(number), school, reading))
            }
            status = questions.status(reading)
        assert shown == {key: page.value for key, page in self.model.pages.items()}
        assert self.world.post.folder("INBOX") == 0
        assert status["outbox"]["pending"] == 0
        outcomes = Counter(letter.outcome for letter in self.model.letters)
        assert {outcome: n for outcome, n in status["messages"].items() if n} == outcomes
        self.compare_replies()

    def compare_replies(self) -> None:
        """Each message has the answers it must have, and each went to its sender alone."""
        expected = {(one.message_id, one.sender): 0 for one in self.model.letters}
        for letter in self.model.letters:
            expected[letter.message_id, letter.sender] += letter.replies.total()
        copies = Counter(
            (str(answer["In-Reply-To"]), to, str(answer["Message-ID"])) for to, answer in self.world.replies()
        )
        assert Counter((about, to) for about, to, _ in copies) == +Counter(expected)
        assert copies.total() - len(copies) <= self.retaken
        with self.served.store.reading() as reading:
            for letter in self.model.letters:
                story = reading.story(self.reference(letter))
                assert story
                assert story.outcome
                assert story.outcome.value == letter.outcome
                assert Counter(reply.kind.value for reply in story.replies) == letter.replies

    def teardown(self) -> None:
        self.stack.close()


def written(form: Form, number: int) -> bytes:
    """A form as a table in plain text; `number` keeps two files of one message from having the same bytes."""
    wrong = {} if form.right else {"dob": "31/02/2011"}
    learners = [forms.learner(n, values=(value,), **wrong) for n, value in form.values]
    by = f"Office {number}"
    rows = forms.flat_rows(learners, ("Art",), school=SCHOOLS[form.school], postcode=form.school, submitted_by=by)
    return "\r\n".join(",".join("" if cell is None else as_text(cell) for cell in row) for row in rows).encode()


def as_text(cell: object) -> str:
    return f"{cell:%d/%m/%Y}" if hasattr(cell, "strftime") else str(cell)


def test_whatever_happens_pages_and_replies_are_as_the_handbook_has_them() -> None:
    run_state_machine_as_test(Machine, settings=SIZE)
