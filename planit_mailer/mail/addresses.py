"""The one way to write an address or a domain, so that two of them can be compared.

IDNA 2008 by the idna package and not by Python's own codec, which knows IDNA 2003: there "straße" is "strasse", and
whoever owns the one domain would be believed to own the other.
"""

import re

import idna

# What we are ready to write to: RFC 5322 dot-atoms, no quoted local parts, no UTF-8 before the @.
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def canonical(address: str) -> str:
    """The canonical form of an address: lower-case, its domain in ASCII (IDNA); "" if it is no address."""
    local, _, host = address.strip().lower().rpartition("@")
    name = domain(host)
    return f"{local}@{name}" if name and len(local) <= 64 and LOCAL_PART.fullmatch(local) else ""  # noqa: PLR2004  RFC 5321


def domain(text: str) -> str:
    """The canonical form of a domain: lower-case ASCII; "" if it is neither ASCII nor valid IDNA."""
    if not 0 < len(text) <= 253:  # noqa: PLR2004  RFC 1035
        return ""
    try:
        name = idna.encode(text.lower()).decode("ascii")
    except UnicodeError:
        return ""
    return "" if name.endswith(".") else name
