"""The canonical spelling of mail addresses and domains, in which they can be compared.

Domains are converted by the idna package (IDNA 2008). Python's own codec implements IDNA 2003, which turns "straße"
into "strasse": the owner of one domain could then pass for the owner of the other.
"""

import re

import idna

# The local parts that we write to: RFC 5322 dot-atoms, no quoted strings, no UTF-8.
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LONGEST_LOCAL_PART = 64  # RFC 5321 section 4.5.3.1.1
LONGEST_DOMAIN = 253  # RFC 1035


def canonical(address: str) -> str:
    """Return the canonical spelling of an address: lower case, its domain in ASCII (IDNA). "" if it is invalid."""
    local, _, host = address.strip().lower().rpartition("@")
    name = domain(host)
    if not name or len(local) > LONGEST_LOCAL_PART or not LOCAL_PART.fullmatch(local):
        return ""
    return f"{local}@{name}"


def domain(text: str) -> str:
    """Return the canonical spelling of a domain: lower-case ASCII. "" if it is neither ASCII nor valid IDNA."""
    if not 0 < len(text) <= LONGEST_DOMAIN:
        return ""
    try:
        name = idna.encode(text.lower()).decode("ascii")
    except UnicodeError:
        return ""
    return "" if name.endswith(".") else name
