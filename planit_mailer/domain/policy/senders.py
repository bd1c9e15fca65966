"""Who sent a message, whether that can be believed, and which of their schools a form is for."""

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

# Anybody can have an address there: as a sender, one of these would be everybody. The first line has many countries.
PUBLIC_DOMAIN = re.compile(
    r"(?:yahoo|ymail|hotmail|live|outlook|gmx|aol)\.(?:com?\.)?[a-z]{2,3}|"
    r"(?:gmail|googlemail|googlegroups|msn|passport|rocketmail|icloud|me|mac|protonmail|mail|email|zoho|zohomail)\.com|"
    r"(?:fastmail|hey|tutanota|tuta|hushmail|inbox|btinternet|btopenworld|btconnect|virginmedia|plusnet|plus|sky)\.com|"
    r"(?:talktalk|virgin|orange|vodafone|gmx)\.net|(?:tiscali|blueyonder|ntlworld|wanadoo|o2|ee)\.(?:co\.uk|com)|"
    r"(?:proton|pm)\.me|protonmail\.ch|web\.de|fastmail\.fm|zohomail\.eu|tuta\.io|(?:yandex|mail)\.ru|yandex\.com|groups\.io",
)


def not_verified(domain: str) -> Opinion:
    """The opinion of who verifies nothing."""
    return Opinion(passes=False, why=f"nobody has verified a signature of {domain}")


def believe(message: Message, trust: Trust, *, released: bool, verified: Verified = not_verified) -> Sender:
    """The author of a message, and whether their address is authentic; `verified` is asked if that is trusted.

    `released`: the operator vouches for this one message, so only the address itself can still be wrong.
    """
    if len(message.from_addresses) != 1:
        count = "several" if message.from_addresses else "no"
        return Sender("", authentic=False, why=f"the message names {count} From addresses")
    author = message.from_addresses[0]
    address = addresses.canonical(author.address)
    if not address:
        return Sender(author.address, authentic=False, why="the From address is none that can be written to")
    if released:
        before = believe(message, trust, released=False, verified=verified).why
        return Sender(address, authentic=True, why=f"released by the operator; before that: {before}")
    if _claims_another(author, address):
        return Sender(address, authentic=False, why="the display name contains a different address")
    if trust.unauthenticated == "accept":
        return Sender(address, authentic=True, why='senders.unauthenticated = "accept"')
    domain = address.rpartition("@")[2]
    opinion = verified(domain) if trust.verifies else authentication_results.opinion(message, domain, trust)
    return Sender(address, opinion.passes, opinion.why, opinion.undecided)


def school_for(postcode: str, name: str, schools: Iterable[School]) -> School | None:
    """The sender's school that a form is for: its postcode says so and, if several share it, its name."""
    near = schools_at(postcode, schools)
    if len(near) > 1:
        near = [school for school in near if identity.same_name(school.name, name)]
    return near[0] if len(near) == 1 else None


def schools_at(postcode: str, schools: Iterable[School]) -> list[School]:
    """The schools with this postcode."""
    return [school for school in schools if text.fold(school.postcode) == text.fold(postcode)]


def sender_value(entry: str) -> str:
    """A sender as the operator registers it: an address, or exactly one domain.

    Raises ConfigError if it is neither, and Refused for a domain at which anybody can have an address.
    """
    value = address_or_domain(entry)
    if PUBLIC_DOMAIN.fullmatch(value):
        raise Refused(f"Anybody can have an address at {value}. Name the school's own address there instead.")
    return value


def address_or_domain(entry: str) -> str:
    """The address or whole domain that the operator typed ("school.sch.uk" or "@school.sch.uk").

    Raises ConfigError if it is neither.
    """
    value = entry.strip().lower()
    if "@" in value.lstrip("@"):
        if address := addresses.canonical(value):
            return address
        raise ConfigError(f"{entry!r} is not a mail address. Write one such as office@greenfield.sch.uk.")
    name = addresses.domain(value.removeprefix("@"))
    if "." not in name:
        raise ConfigError(
            f"{entry!r} is neither a mail address nor a domain. "
            "Write office@greenfield.sch.uk for one person, greenfield.sch.uk for everyone with an address there.",
        )
    return name


def _claims_another(author: Address, address: str) -> bool:
    """Mail programs show the name and hide the address: "head@greenfield.sch.uk" <someone@else.example>."""
    shown = unicodedata.normalize("NFKC", author.name)  # a full-width @ looks like one, too
    return any(addresses.canonical(found.strip(".'")) != address for found in ANY_ADDRESS.findall(shown))
