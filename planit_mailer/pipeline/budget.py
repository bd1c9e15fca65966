"""The budget of a message: all its jobs in the reading process share one time, so that others get theirs."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf

from planit_mailer.domain.forms import annotate
from planit_mailer.domain.forms import judge as forms
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Criteria, Judgement
from planit_mailer.domain.policy import reading
from planit_mailer.mail import messages
from planit_mailer.mail.dkim import Keys, Signature
from planit_mailer.mail.messages import Message
from planit_mailer.pipeline.ports import Reader
from planit_mailer.spreadsheets.detect import FileKind

PAINTING = 0.5  # seconds; with less, no painting is started
NO_TIME = "there was no time left for it"


class BudgetedReader:
    """The reading process for one message. Its jobs take `seconds` together, waiting for the process included.

    A job for which no time is left does not start: the message is unread, a file left over, a workbook unpainted. Only
    the look at the beginnings of files is always taken, for at most two seconds.
    """

    def __init__(self, reader: Reader, seconds: float) -> None:
        self._reader = reader
        self._left = seconds

    def header(self, head: bytes, *, whole: bool) -> Message:
        """See ports.Reader."""
        with self._spending():
            return self._reader.header(head, whole=whole)

    def message(self, raw: bytes, *, seconds: float = inf) -> Message:
        """See ports.Reader."""
        if self._left <= 0:
            return messages.unreadable(NO_TIME)
        with self._spending():
            return self._reader.message(raw, seconds=min(seconds, self._left))

    def sniff(self, beginnings: Sequence[bytes], *, seconds: float = inf) -> Sequence[FileKind]:
        """See ports.Reader."""
        with self._spending():
            return self._reader.sniff(beginnings, seconds=min(seconds, reading.STRANGERS))

    def judge(self, data: bytes, judging: Criteria, *, seconds: float = inf) -> Judgement:
        """See ports.Reader."""
        if self._left <= 0:
            return forms.left_over()
        with self._spending():
            return self._reader.judge(data, judging, seconds=min(seconds, self._left))

    def annotate(self, data: bytes, judgement: Judgement, judging: Criteria, *, seconds: float = inf) -> Annotated:
        """See ports.Reader."""
        if self._left < PAINTING:
            return annotate.unpainted(judgement, NO_TIME)
        with self._spending():
            return self._reader.annotate(data, judgement, judging, seconds=min(seconds, self._left))

    def signatures(self, head: bytes, domain: str, own_address: str) -> Sequence[Signature]:
        """See ports.Verifier."""
        with self._spending():
            return self._reader.signatures(head, domain, own_address)

    def prove(self, raw: bytes, keys: Keys, *, seconds: float = inf) -> str:
        """See ports.Verifier."""
        with self._spending():
            return self._reader.prove(raw, keys, seconds=min(seconds, self._left))

    @contextmanager
    def _spending(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._left -= time.monotonic() - began
