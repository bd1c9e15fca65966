"""DKIM check: verify ourselves whether a domain has signed a message, if the mailbox provider gives no verdict.

If a name server is away, nothing is proven for now. Mail in the name of a registered sender then waits in the inbox for
half of the promised time, and goes to a person after that. All other mail goes to a person at once.
"""

from planit_mailer.core.errors import Rejected
from planit_mailer.domain.messages import Fetched
from planit_mailer.mail import messages
from planit_mailer.mail.authentication_results import Opinion, Verified
from planit_mailer.mail.dkim import Keys
from planit_mailer.pipeline.ports import Dns, Verifier


def verified(fetched: Fetched, own_address: str, verifier: Verifier, dns: Dns, seconds: float) -> Verified:
    """Return a function that verifies, within so many seconds, whether a given domain has signed the message."""

    def opinion(domain: str) -> Opinion:
        if not fetched.whole:
            return Opinion(passes=False, why="it is too large for its DKIM signature to be verified")
        keys, why, unanswered = _keys(fetched, domain, own_address, verifier, dns)
        if keys:
            why = verifier.prove(fetched.raw, keys, seconds=seconds)
            if not why:
                return Opinion(passes=True, why=f"verified here: a DKIM signature of {domain}")
        return Opinion(passes=False, why=unanswered or why, undecided=bool(unanswered))

    return opinion


def _keys(fetched: Fetched, domain: str, own_address: str, verifier: Verifier, dns: Dns) -> tuple[Keys, str, str]:
    """The usable signatures of a domain with their DNS records, the last flaw found, and the last DNS failure."""
    keys = []
    why, unanswered = f"it has no DKIM signature of {domain}", ""
    for signature in verifier.signatures(messages.beginning(fetched.raw), domain, own_address):
        why = signature.flaw
        if why:
            continue
        try:
            keys.append((signature, dns.texts(signature.name)))
        except Rejected as error:
            unanswered = str(error)
    return keys, why, unanswered
