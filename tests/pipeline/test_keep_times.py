"""Mail goes by its age only by a clock that has gone right for a day: what a wrong one deletes is gone for good."""

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from planit_mailer.app import jobs
from planit_mailer.core import clock
from planit_mailer.pipeline import retention
from tests.support import forms
from tests.support.books import NOW
from tests.support.world import World

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("last", "since", "expected"),
    [
        (None, None, NOW),
        (NOW - timedelta(minutes=1), NOW - 9 * DAY, NOW - 9 * DAY),
        (NOW - 25 * HOUR, NOW - 9 * DAY, NOW - 9 * DAY),  # `once`, from day to day
        (NOW - 31 * DAY, NOW - 40 * DAY, NOW),  # it jumped, or nobody was here for a month
        (NOW + 31 * DAY, NOW + 31 * DAY, NOW),  # it was a month ahead, and was put right
        (NOW + HOUR, NOW - 9 * DAY, NOW - 9 * DAY),  # two machines, or a clock that was put right a little
    ],
)
def test_a_clock_goes_steadily_while_each_round_comes_soon_after_the_last(
    last: datetime | None, since: datetime | None, expected: datetime
) -> None:
    assert retention.steady_since(NOW, last, since) == expected


@pytest.fixture
def service(fakes: World) -> World:
    return fakes


def forget_after(service: World, *spans: timedelta) -> list[str]:
    """Rounds of forgetting at these times from now on; what they log."""
    with service.store() as store, capture_logs() as logged:
        for span in spans:
            jobs.forget(service.settings, store, lambda span=span: clock.now() + span)
    return [str(line["event"]) for line in logged]


def held(service: World) -> str:
    """A stranger's form, which waits for the operator; its reference."""
    sent = service.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])), sender="head@elsewhere.test")
    service.once()
    return str(service.explain(sent)["reference"])


@pytest.mark.parametrize("rounds_before", [(), (timedelta(0), DAY, 2 * DAY)])
def test_a_clock_that_is_a_month_ahead_for_some_hours_deletes_nothing(
    service: World, rounds_before: tuple[timedelta, ...]
) -> None:
    held(service)
    forget_after(service, *rounds_before)

    said = forget_after(service, 31 * DAY, 31 * DAY + HOUR, 31 * DAY + 20 * HOUR, 3 * DAY)

    assert service.post.folder("Held") == 1
    assert said == ["nothing is deleted by its age for a day"] * 2, "when it jumped, and when it was put right"


def test_what_is_past_its_keep_time_goes_a_day_after_the_service_is_back(service: World) -> None:
    held(service)
    forget_after(service, 31 * DAY, 31 * DAY + 12 * HOUR)
    assert service.post.folder("Held") == 1

    assert forget_after(service, 32 * DAY) == ["message deleted"]

    assert service.post.folder("Held") == 0


def test_what_was_refused_goes_at_once_whatever_the_clock_says(service: World) -> None:
    service.verb("refuse", held(service))
    assert "message deleted" in forget_after(service, 31 * DAY)
    assert service.post.folder("Held") == 0
