"""Connecting to the IMAP server, encrypted and logged in as configured. With imap.py, alone in importing imapclient."""

import imaplib
import time
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, LoginError
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS

from planit_mailer.adapters import tls
from planit_mailer.adapters.imap.commands import FOREIGN, Connection, cut, words
from planit_mailer.adapters.oauth import tokens
from planit_mailer.adapters.oauth.sasl import Bearer
from planit_mailer.core import config
from planit_mailer.core.errors import LoginRefused, Unavailable

TIMEOUT = SocketTimeout(connect=15, read=60)  # seconds; without one a silent server holds us for ever
# Seconds for the whole of one answer: a time-out begins anew with every byte, and a server may only ever say that it is
# still there. A line that takes longer for a mebibyte, the most that is asked for at once, is too slow for mail.
ANSWER = 300
PIECE = 2**12  # bytes


def connect(settings: config.Mailbox) -> Connection:
    """Connect and log in. Raises LoginRefused in the server's words, Unavailable."""
    bearer = tokens.bearer(settings)
    where = f"{settings.host}:{settings.port}"
    context = tls.context() if settings.security == "tls" else None
    try:
        client = _Client(settings.host, settings.port, ssl=context is not None, ssl_context=context, timeout=TIMEOUT)
    except FOREIGN as error:
        raise Unavailable(f"the mailbox at {where} is away: {words(error)}") from error
    try:
        client.normalise_times = False  # else times lose their zone and become this machine's
        if settings.security == "starttls":
            client.starttls(tls.context())
        _log_in(client, settings, bearer)
    except LoginRefused:
        cut(client)
        raise
    except FOREIGN as error:
        cut(client)
        raise Unavailable(f"the mailbox at {where} is away: {words(error)}") from error
    return client


class _Impatient(imaplib.IMAP4):
    """Gives a server so much time for its greeting, and for its answer to each thing that we say."""

    def open(self, *arguments: Any, **named: Any) -> None:
        """Connect."""
        self._begin()
        super().open(*arguments, **named)

    def send(self, data: Any) -> None:
        """Say something."""
        self._begin()
        super().send(data)

    def readline(self) -> bytes:
        """A line of what the server says. Raises TimeoutError."""
        self._go_on()
        return super().readline()

    def read(self, size: int) -> bytes:
        """So many bytes of what the server says. Raises TimeoutError."""
        data = bytearray()
        while len(data) < size:
            self._go_on()
            piece = super().read(min(PIECE, size - len(data)))
            if not piece:
                break
            data += piece
        return bytes(data)

    def _begin(self) -> None:
        self._until = time.monotonic() + ANSWER

    def _go_on(self) -> None:
        if time.monotonic() > self._until:
            raise TimeoutError(f"its answer had no end within {ANSWER} seconds")


class _Plain(_Impatient, IMAP4WithTimeout):  # type: ignore[misc]
    pass


class _Tls(_Impatient, IMAP4_TLS):  # type: ignore[misc]
    pass


class _Client(IMAPClient):  # type: ignore[misc]
    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  imapclient's name
        if self.ssl:
            return _Tls(self.host, self.port, self.ssl_context, TIMEOUT.connect)  # type: ignore[call-arg]
        return _Plain(self.host, self.port, TIMEOUT.connect)


def _log_in(client: Connection, settings: config.Mailbox, bearer: Bearer | None) -> None:
    try:
        if bearer:
            client.sasl_login(bearer.mechanism, bearer)
        else:
            _log_in_by_password(client, settings)
    except LoginError as error:
        # "Unavailable" is what a server says whose own register is away (RFC 5530).
        if isinstance(error.__context__, IMAPClientAbortError) or "[UNAVAILABLE]" in str(error):
            raise
        said = f"{words(error)} {bearer.refused() if bearer else ''}".strip()
        raise LoginRefused(f"the mailbox refused the login of {settings.username}", said) from error


def _log_in_by_password(client: Connection, settings: config.Mailbox) -> None:
    password = settings.password.get_secret_value() if settings.password else ""
    # imaplib's LOGIN takes ASCII alone; PLAIN is UTF-8 (RFC 4616).
    ascii_only = (settings.username + password).isascii()
    (client.login if ascii_only else client.plain_login)(settings.username, password)
