"""The listener: polls on a new connection to the mailbox, and again whenever the server reports new mail."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from planit_mailer.adapters.dns import Dns
from planit_mailer.adapters.imap.mailbox import Mailbox, open_mailbox
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sql.store import Store
from planit_mailer.core.config import Config
from planit_mailer.core.errors import ConnectionLost, Rejected, Unavailable
from planit_mailer.domain.messages import FailureCounts
from planit_mailer.pipeline import polling
from planit_mailer.pipeline.alerts import PollTimer
from planit_mailer.pipeline.intake import Policy
from planit_mailer.pipeline.ports import Adapters, Clock

LISTEN_SECONDS = 5.0  # servers forget to report new mail, so the inbox is looked at this often all the same


@dataclass(frozen=True, slots=True)
class Listener:
    """Polls the mailbox. It remembers from one poll to the next how it went, and which messages failed."""

    settings: Config
    policy: Policy
    store: Store
    reader: Reader
    stopping: Callable[[], bool]
    trying: PollTimer = field(default_factory=PollTimer)
    failures: FailureCounts = field(default_factory=FailureCounts)

    def poll(self, clock: Clock, listen: timedelta) -> None:
        """Look at the mailbox; then, for this time, again whenever the server reports new mail.

        Raises Unavailable if a server is away, or Rejected, at the end, if a message could not be read or filed.
        """
        try:
            with self.trying.timed(), open_mailbox(self.settings.mailbox) as mailbox:
                mailbox.ensure_folders(set(self.policy.folders.values()))
                self._poll_until(time.monotonic() + listen.total_seconds(), mailbox, clock)
        except Rejected:
            raise
        except Exception:  # a mistake of ours too means that the mailbox is not being read
            with suppress(Unavailable), self.store.transaction() as transaction:  # the store may be what is away
                transaction.note_poll(clock(), success=False)
            raise

    def _poll_until(self, until: float, mailbox: Mailbox, clock: Clock) -> None:
        """Poll, and poll again on new mail, until a time of the monotonic clock."""
        rejected = None
        again = True
        while again:
            try:
                elsewhere = self._poll_once(mailbox, clock)
            except ConnectionLost:  # this connection is of no more use
                raise
            except Rejected as error:
                rejected, elsewhere = error, False
            again = self._wait_for_mail(mailbox, until, look_again=elsewhere)
        if rejected:
            raise rejected

    def _poll_once(self, mailbox: Mailbox, clock: Clock) -> bool:
        with self.trying.timed():
            dns = Dns(self._domains() if self.policy.trust.verifies else ())
            adapters = Adapters(mailbox, self.reader, self.store, clock, dns, self.stopping, self.failures)
            return polling.poll(adapters, self.policy)

    def _domains(self) -> frozenset[str]:
        with self.store.reading() as reading:
            return reading.domains()

    def _wait_for_mail(self, mailbox: Mailbox, until: float, *, look_again: bool) -> bool:
        """Wait for mail until a time of the monotonic clock. Return True if it is worth looking before that."""
        while time.monotonic() < until and not self.stopping():
            if mailbox.idle(LISTEN_SECONDS, self.stopping) or look_again:
                return True
        return False
