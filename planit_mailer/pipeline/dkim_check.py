"""Whether a domain has signed a message, found out by ourselves: where the mailbox's provider says nothing.

A name server that is away proves nothing for now. Mail in the name of a registered sender then waits in the inbox, for
half of the time that schools were promised; after that a person looks, as at once with all other mail.
"""

from datetime import datetime, timedelta

from planit_mailer.core.errors import Rejected
from planit_mailer.domain.messages import Fetched, Receipt
from planit_mailer.mail.authentication_results import Opinion, Verified
from planit_mailer.pipeline.ports import Dns, Verifier


def verified(fetched: Fetched, own_address: str, verifier: Verifier, dns: Dns) -> Verified:
    """What says whether a domain has signed a message."""

    def opinion(domain: str) -> Opinion:
        if not fetched.whole:
            return Opinion(passes=False, why="it is too large for its DKIM signature to be verified")
        why, unanswered = f"it has no DKIM signature of {domain}", ""
        keys = []
        for signature in verifier.signatures(fetched.raw, domain, own_address):
            try:
                if not (why := signature.flaw):
                    keys.append((signature, dns.texts(signature.name)))
            except Rejected as error:
                unanswered = str(error)
        if keys and not (why := verifier.prove(fetched.raw, keys)):
            return Opinion(passes=True, why=f"verified here: a DKIM signature of {domain}")
        return Opinion(passes=False, why=unanswered or why, undecided=bool(unanswered))

    return opinion


def may_wait(receipt: Receipt, reply_within: timedelta, now: datetime) -> bool:
    """Whether there is time to find out later."""
    return now < max(receipt.received_at, receipt.first_seen_at) + reply_within / 2
