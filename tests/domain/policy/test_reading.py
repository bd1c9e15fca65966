"""How much of a message is read, by who wrote it."""

import math

import pytest

from planit_mailer.domain.messages import Sender
from planit_mailer.domain.policy import reading
from planit_mailer.domain.schools import School, SenderRegistration
from planit_mailer.mail import messages
from tests.support.builders import SERVICE, an_email
from tests.support.world import OFFICE

SCHOOL = SenderRegistration((School(1, "900001", "Greenfield School", "ZZ9 9ZZ"),))
STRANGER = SenderRegistration(())
DENIED = SenderRegistration(SCHOOL.schools, denied=True)
BOUNCE = (("Return-Path", "<>"), ("Content-Type", "multipart/report; report-type=delivery-status"))


def a_header(*lines: tuple[str, str], recipient: str = SERVICE) -> messages.Message:
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return messages.head(f"{head}From: {OFFICE}\r\nTo: {recipient}\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("authentic", "registration", "seconds"),
    [
        (True, SCHOOL, math.inf),
        (True, STRANGER, reading.STRANGERS),
        (True, DENIED, reading.STRANGERS),
        (False, SCHOOL, 0),
        (False, STRANGER, 0),
    ],
    ids=["a school", "a stranger", "a denied sender", "somebody in a school's name", "somebody"],
)
def test_a_school_has_all_the_time_and_others_little_or_none(
    authentic: bool,  # noqa: FBT001
    registration: SenderRegistration,
    seconds: float,
) -> None:
    sender = Sender(OFFICE, authentic, "tests")
    assert reading.seconds_to_open(a_header(), sender, registration, SERVICE) == seconds


@pytest.mark.parametrize(
    ("lines", "recipient", "opened"),
    [
        (BOUNCE, SERVICE, True),
        (BOUNCE, SERVICE.upper(), True),
        ((*BOUNCE, ("Delivered-To", SERVICE)), "undisclosed-recipients:;", True),
        (BOUNCE, "other@s-cool.test", False),
        (BOUNCE[:1], SERVICE, False),
        (BOUNCE[1:], SERVICE, False),
        ((("Return-Path", f"<{OFFICE}>"), *BOUNCE), SERVICE, False),
        (BOUNCE, ", ".join(f"{number}@elsewhere.test" for number in range(10_000)) + f", {SERVICE}", False),
    ],
)
def test_of_what_is_not_authentic_only_a_report_with_a_null_sender_to_our_address_is_opened(
    lines: tuple[tuple[str, str], ...],
    recipient: str,
    opened: bool,  # noqa: FBT001
) -> None:
    forged = Sender(OFFICE, authentic=False, why="tests")
    seconds = reading.seconds_to_open(a_header(*lines, recipient=recipient), forged, STRANGER, SERVICE)
    assert seconds == (reading.STRANGERS if opened else 0)


def test_nothing_is_opened_of_a_message_that_is_too_large_or_whose_header_cannot_be_read() -> None:
    sender = Sender(OFFICE, authentic=True, why="tests")
    large = messages.head(an_email(), whole=False)
    for message in (large, messages.unreadable("it took too long")):
        assert reading.seconds_to_open(message, sender, SCHOOL, SERVICE) == 0
