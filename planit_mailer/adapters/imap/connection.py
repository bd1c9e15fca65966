"""Connect to the IMAP server and log in as configured. Only this module and commands.py import imapclient."""

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

TIMEOUT = SocketTimeout(connect=15, read=60)  # seconds; without one we would wait for a silent server for ever
# Seconds for the whole of one answer. TIMEOUT begins anew with every byte, and a server may send "still here" for ever.
# A connection that needs longer for a mebibyte, the most that we ask for at once, is too slow for mail.
ANSWER = 300
PIECE = 2**12  # bytes that are read before the time is checked again


def connect(settings: config.Mailbox) -> Connection:
    """Connect and log in. Raises LoginRefused in the server's words, or Unavailable."""
    bearer = tokens.bearer(settings)
    try:
        client = _open(settings)
    except FOREIGN as error:
        raise _away(settings, error) from error
    try:
        client.normalise_times = False  # otherwise times are converted to this machine's time zone and lose theirs
        if settings.security == "starttls":
            client.starttls(tls.context())
        _log_in(client, settings, bearer)
    except LoginRefused:
        cut(client)
        raise
    except FOREIGN as error:
        cut(client)
        raise _away(settings, error) from error
    return client


def _open(settings: config.Mailbox) -> Connection:
    context = tls.context() if settings.security == "tls" else None
    return _Client(settings.host, settings.port, ssl=context is not None, ssl_context=context, timeout=TIMEOUT)


def _away(settings: config.Mailbox, error: Exception) -> Unavailable:
    return Unavailable(f"the mailbox at {settings.host}:{settings.port} is away: {words(error)}")


class _WithDeadline(imaplib.IMAP4):
    """Gives a server ANSWER seconds for its greeting, and for its answer to each command."""

    def open(self, *arguments: Any, **named: Any) -> None:
        """Connect. The time for the greeting starts."""
        self._start_clock()
        super().open(*arguments, **named)

    def send(self, data: Any) -> None:
        """Send data. The time for the answer starts."""
        self._start_clock()
        super().send(data)

    def readline(self) -> bytes:
        """Read a line of the answer. Raises TimeoutError if the time is over."""
        self._check_clock()
        return super().readline()

    def read(self, size: int) -> bytes:
        """Read `size` bytes of the answer; fewer if the connection ends. Raises TimeoutError if the time is over."""
        data = bytearray()
        while len(data) < size:
            self._check_clock()
            piece = super().read(min(PIECE, size - len(data)))
            if not piece:
                break
            data += piece
        return bytes(data)

    def _start_clock(self) -> None:
        self._until = time.monotonic() + ANSWER

    def _check_clock(self) -> None:
        if time.monotonic() > self._until:
            raise TimeoutError(f"its answer had no end within {ANSWER} seconds")


class _Plain(_WithDeadline, IMAP4WithTimeout):  # type: ignore[misc]
    pass


class _Tls(_WithDeadline, IMAP4_TLS):  # type: ignore[misc]
    pass


class _Client(IMAPClient):  # type: ignore[misc]
    """imapclient on connections with a deadline."""

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  imapclient's name
        if self.ssl:
            return _Tls(self.host, self.port, self.ssl_context, TIMEOUT.connect)  # type: ignore[call-arg]
        return _Plain(self.host, self.port, TIMEOUT.connect)


def _log_in(client: Connection, settings: config.Mailbox, bearer: Bearer | None) -> None:
    """Log in by token or password. Raises LoginRefused in the server's words; other errors are imapclient's."""
    try:
        if bearer:
            client.sasl_login(bearer.mechanism, bearer)
        else:
            _log_in_by_password(client, settings)
    except LoginError as error:
        if _is_temporary(error):
            raise
        reason = bearer.forget_token() if bearer else ""
        said = f"{words(error)} {reason}".strip()
        raise LoginRefused(f"the mailbox refused the login of {settings.username}", said) from error


def _log_in_by_password(client: Connection, settings: config.Mailbox) -> None:
    password = settings.password.get_secret_value() if settings.password else ""
    # imaplib's LOGIN takes only ASCII; PLAIN is UTF-8 (RFC 4616).
    if (settings.username + password).isascii():
        client.login(settings.username, password)
    else:
        client.plain_login(settings.username, password)


def _is_temporary(error: LoginError) -> bool:
    """True if the connection broke, or the server's own list of users is away: it says UNAVAILABLE (RFC 5530)."""
    if isinstance(error.__context__, IMAPClientAbortError):
        return True
    return "[UNAVAILABLE]" in str(error)
