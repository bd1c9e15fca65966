"""DNS: look up TXT records. Only this module imports dnspython.

The resolvers of this machine are asked, and it is their task to check signatures (DNSSEC). If they do not answer, or
report that a name server failed, the question stays open: that is not the same as a name without records.
"""

import time
from collections import defaultdict
from collections.abc import Collection

from planit_mailer.core.errors import Rejected

ONE = 5.0  # seconds for one name
ALTOGETHER = 20.0  # seconds of one budget


class Dns:
    """DNS lookups of one poll: a silent name server delays the next message, but not all of them.

    Registered and unknown domains have separate time budgets, since strangers can send as many names as they like. One
    registered domain may use half of its budget.
    """

    def __init__(self, registered: Collection[str] = (), altogether: float = ALTOGETHER) -> None:
        """`altogether`: the seconds for waiting for registered domains, and the same again for all others."""
        self._registered = registered
        self._left = {True: altogether, False: altogether}  # by "is registered"
        self._half = altogether / 2
        self._spent: dict[str, float] = defaultdict(float)

    def texts(self, name: str) -> tuple[bytes, ...]:
        """The TXT records of a name, none if it has none. Raises Rejected if no resolver answers."""
        import dns.exception  # noqa: PLC0415  few installations need it
        import dns.name  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415

        domain = name.rpartition("._domainkey.")[2].removesuffix(".")
        registered = domain in self._registered
        left = min(ONE, self._left[registered], self._half - self._spent[domain])
        if left <= 0:
            raise Rejected(f"DNS was not asked for {name}: it kept us waiting too long for others")
        began = time.monotonic()
        try:
            answer = dns.resolver.resolve(name, "TXT", lifetime=left, search=False, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN, dns.name.NameTooLong):
            return ()
        except dns.exception.DNSException as error:
            raise Rejected(f"DNS gives no answer for {name}: {type(error).__name__}") from error
        finally:
            waited = time.monotonic() - began
            self._left[registered] -= waited
            self._spent[domain] += waited
        return tuple(b"".join(record.strings) for record in answer.rrset or ())
