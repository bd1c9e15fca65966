"""How much of a message is read. Only registered senders may take our time; all others are cheap."""

import math

from planit_mailer.domain.messages import Sender
from planit_mailer.domain.schools import SenderRegistration
from planit_mailer.mail import auto_submitted
from planit_mailer.mail.messages import Message

STRANGERS = 2.0  # seconds for one job of the reading process about a message that names no registered sender


def seconds(registration: SenderRegistration) -> float:
    """The seconds that one job about a message with this From address may take, whoever wrote it."""
    if registration.schools and not registration.denied:
        return math.inf
    return STRANGERS


def seconds_to_open(message: Message, sender: Sender, registration: SenderRegistration, own_address: str) -> float:
    """The seconds that it may take to parse the MIME parts of a message; 0 if they are not to be parsed.

    Of what is not authentic only a bounce of our own mail is of interest.
    """
    if not message.whole or message.unread:
        return 0
    if sender.authentic:
        return seconds(registration)
    return STRANGERS if auto_submitted.is_report_to_us(message, own_address) else 0
