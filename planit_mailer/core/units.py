"""The types of values in the configuration: durations ("48h"), sizes ("25MB"), ports and mail addresses."""

import ipaddress
import re
from datetime import timedelta
from email.utils import parseaddr
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
SIZE = re.compile(r"(\d+)\s*(B|KB|MB|GB)", re.IGNORECASE)


def duration(value: object) -> timedelta:
    """Parse a duration such as "48h". Raises ValueError if it is none, or not longer than nothing."""
    match = DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError('write a duration such as "60s", "15m", "48h" or "14d"')
    span = timedelta(seconds=float(match[1]) * UNITS[match[2]])
    if not span:
        raise ValueError("must be longer than nothing")
    return span


def _size(value: object) -> int:
    match = SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError('write a size such as "25MB"')
    size = int(match[1]) * SIZES[match[2].upper()]
    if not size:
        raise ValueError("must be larger than nothing")
    return size


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]):
        raise ValueError('write a mail address such as "data@school.example"')
    return value


def _authserv_id(value: str) -> str:
    if not re.fullmatch(r"[!-~]+", value) or set(value) & set('";=()'):
        raise ValueError('write the name with which Authentication-Results begin, such as "mx.example.org"')
    return value


Duration = Annotated[timedelta, BeforeValidator(duration)]
Size = Annotated[int, BeforeValidator(_size)]
AuthservId = Annotated[str, AfterValidator(_authserv_id)]
MailAddress = Annotated[str, BeforeValidator(_mail_address)]
Security = Literal["tls", "starttls", "none"]
Port = Annotated[int, Field(ge=1, le=65535)]


def on_loopback(host: str) -> bool:
    """True if a host is a loopback address: this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
