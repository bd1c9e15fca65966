"""Senders: authenticate the author of a message, find the school of a form, and check senders to be registered."""

import re
import unicodedata
from collections.abc import Iterable

from planit_mailer.core import text
from planit_mailer.core.errors import ConfigError, Refused
from planit_mailer.domain.forms import identity
from planit_mailer.domain.messages import Sender
from planit_mailer.domain.schools import School
from planit_mailer.mail import addresses, authentication_results
from planit_mailer.mail.authentication_results import Opinion, Trust, Verified
from planit_mailer.mail.headers import Address
from planit_mailer.mail.messages import Message

ANY_ADDRESS = re.compile(r"[^\s@<>()\[\]\",:;\\']+@[^\s@<>()\[\]\",:;\\']+")

# Domains where anybody can have an address, so that none of them may be a sender. The first line covers all countries.
PUBLIC_DOMAIN = re.compile(
    r"(?:yahoo|ymail|hotmail|live|outlook|gmx|aol)\.(?:com?\.)?[a-z]{2,3}|"
    r"(?:gmail|googlemail|googlegroups|msn|passport|rocketmail|icloud|me|mac|protonmail|mail|email|zoho|zohomail)\.com|"
    r"(?:fastmail|hey|tutanota|tuta|hushmail|inbox|btinternet|btopenworld|btconnect|virginmedia|plusnet|plus|sky)\.com|"
    r"(?:talktalk|virgin|orange|vodafone|gmx)\.net|(?:tiscali|blueyonder|ntlworld|wanadoo|o2|ee)\.(?:co\.uk|com)|"
    r"(?:proton|pm)\.me|protonmail\.ch|web\.de|fastmail\.fm|zohomail\.eu|tuta\.io|(?:yandex|mail)\.ru|yandex\.com|groups\.io",
)


def not_verified(domain: str) -> Opinion:
    """Return the opinion of a verifier that verifies no signatures."""
    return Opinion(passes=False, why=f"nobody has verified a signature of {domain}")


def author(message: Message) -> str:
    """Return the one From address in its canonical spelling, whoever wrote it there; "" if there is none or several."""
    if len(message.from_addresses) != 1:
        return ""
    return addresses.canonical(message.from_addresses[0].address)


def authenticate(message: Message, trust: Trust, *, released: bool, verified: Verified = not_verified) -> Sender:
    """Authenticate the author of a message from its header.

    `verified` is called if signatures that are verified here are trusted. `released`: the operator vouches for this one
    message, so only the number and form of its addresses are checked.
    """
    if message.unread and not message.headers:
        return Sender("", authentic=False, why=f"its header cannot be read: {message.unread}")
    if not message.from_addresses:
        return Sender("", authentic=False, why="the message names no From addresses")
    if len(message.from_addresses) > 1:
        return Sender("", authentic=False, why="the message names several From addresses")
    address = author(message)
    if not address:
        return Sender(
            message.from_addresses[0].address, authentic=False, why="the From address is none that can be written to"
        )
    sender = _authenticated(message, address, trust, verified)
    if released:
        return Sender(address, authentic=True, why=f"released by the operator; before that: {sender.why}")
    return sender


def school_for(postcode: str, name: str, schools: Iterable[School]) -> School | None:
    """Return the school that a form is for, by its postcode and, if several schools share it, its name."""
    found = schools_at(postcode, schools)
    if len(found) > 1:
        found = [school for school in found if identity.same_name(school.name, name)]
    return found[0] if len(found) == 1 else None


def schools_at(postcode: str, schools: Iterable[School]) -> list[School]:
    """Return the schools with this postcode."""
    return [school for school in schools if text.fold(school.postcode) == text.fold(postcode)]


def sender_value(entry: str) -> str:
    """Return the canonical spelling of a sender to be registered: an address, or exactly one domain.

    Raises ConfigError if it is neither, and Refused for a domain at which anybody can have an address.
    """
    value = address_or_domain(entry)
    if PUBLIC_DOMAIN.fullmatch(value):
        raise Refused(f"Anybody can have an address at {value}. Name the school's own address there instead.")
    return value


def address_or_domain(entry: str) -> str:
    """Return the canonical spelling of an address or a domain ("school.sch.uk" or "@school.sch.uk").

    Raises ConfigError if it is neither.
    """
    value = entry.strip().lower()
    if "@" in value.lstrip("@"):
        address = addresses.canonical(value)
        if not address:
            raise ConfigError(f"{entry!r} is not a mail address. Write one such as office@greenfield.sch.uk.")
        return address
    name = addresses.domain(value.removeprefix("@"))
    if "." not in name:
        raise ConfigError(
            f"{entry!r} is neither a mail address nor a domain. "
            "Write office@greenfield.sch.uk for one person, greenfield.sch.uk for everyone with an address there.",
        )
    return name


def _authenticated(message: Message, address: str, trust: Trust, verified: Verified) -> Sender:
    """The author of a message with one valid From address, and whether the trusted servers prove it."""
    if _claims_another(message.from_addresses[0], address):
        return Sender(address, authentic=False, why="the display name contains a different address")
    if trust.unauthenticated == "accept":
        return Sender(address, authentic=True, why='senders.unauthenticated = "accept"')
    domain = address.rpartition("@")[2]
    if trust.verifies:
        opinion = verified(domain)
    else:
        opinion = authentication_results.opinion(message, domain, trust)
    return Sender(address, opinion.passes, opinion.why, opinion.undecided)


def _claims_another(named: Address, address: str) -> bool:
    """True if the display name contains another address, as in "head@greenfield.sch.uk" <someone@else.example>.

    Mail programs show the name and hide the address.
    """
    shown = unicodedata.normalize("NFKC", named.name)  # turns a full-width @ into a plain one
    return any(addresses.canonical(found.strip(".'")) != address for found in ANY_ADDRESS.findall(shown))
