"""A poll over a fresh connection to the mailbox, and then another one whenever it says that mail came."""

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

LISTEN_SECONDS = 5.0  # servers forget to say that mail came: so often the inbox is looked at all the same


@dataclass(frozen=True, slots=True)
class Listener:
    """What a poll needs; what is remembered from one poll to the next: how it went, and where a server broke off."""

    settings: Config
    policy: Policy
    store: Store
    reader: Reader
    stopping: Callable[[], bool]
    trying: PollTimer = field(default_factory=PollTimer)
    failures: FailureCounts = field(default_factory=FailureCounts)

    def poll(self, clock: Clock, listen: timedelta) -> None:
        """Look at the mailbox; then, for some time, as soon as it says that mail came.

        Raises Unavailable where a server is away; Rejected, at the end, where a message could not be read or filed.
        """
        try:
            with self.trying.to_read(), open_mailbox(self.settings.mailbox) as mailbox:
                mailbox.ensure_folders(set(self.policy.folders.values()))
                self._poll_until(time.monotonic() + listen.total_seconds(), mailbox, clock)
        except Rejected:
            raise
        except Exception:  # whatever it is, also a mistake of ours: the mailbox is not read
            with suppress(Unavailable), self.store.transaction() as transaction:  # if that is not what is away
                transaction.note_poll(clock(), success=False)
            raise

    def _poll_until(self, until: float, mailbox: Mailbox, clock: Clock) -> None:
        declined, again = None, True
        while again:
            try:
                with self.trying.to_read():
                    dns = Dns(self._domains() if self.policy.trust.verifies else ())
                    adapters = Adapters(mailbox, self.reader, self.store, clock, dns, self.stopping, self.failures)
                    elsewhere = polling.poll(adapters, self.policy)
            except ConnectionLost:  # nobody listens on this connection any more
                raise
            except Rejected as error:
                declined, elsewhere = error, False
            again = self._more_comes(mailbox, until, look_again=elsewhere)
        if declined:
            raise declined

    def _domains(self) -> frozenset[str]:
        with self.store.reading() as reading:
            return reading.domains()

    def _more_comes(self, mailbox: Mailbox, until: float, *, look_again: bool) -> bool:
        """Wait for mail until a time of the monotonic clock; whether it is worth looking again before that."""
        while time.monotonic() < until and not self.stopping():
            if mailbox.idle(LISTEN_SECONDS, self.stopping) or look_again:
                return True
        return False
