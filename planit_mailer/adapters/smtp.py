"""The SMTP relay that sends our mail. Only this module imports smtplib.

Each mail has one recipient and a connection of its own. Mail is rare here: a relay would close a connection that is
kept open between two mails.
"""

import smtplib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from io import BufferedReader
from typing import Final

from planit_mailer.adapters import tls
from planit_mailer.adapters.oauth import tokens
from planit_mailer.adapters.oauth.sasl import Bearer
from planit_mailer.core import config, text
from planit_mailer.core.errors import LoginRefused, Rejected, Unavailable, Undeliverable
from planit_mailer.domain.outgoing import Reply

TIMEOUT = 60  # seconds of silence; RFC 5321 section 4.5.3.2 asks for minutes, which a nearby relay does not need
WHOLE_ANSWER = 300  # seconds for all lines of an answer: TIMEOUT begins anew with each byte
ANSWER = 200  # characters of the relay's answer that are kept
PERMANENT = 500  # a refusal with this code or a higher one is final
YES, NOT_NOW, NO = 2, 4, 5  # the first digit of an answer's code (RFC 5321 section 4.2.1)


class Relay:
    """The SMTP relay that sends our replies. Bounces come back to `envelope_sender`."""

    def __init__(self, settings: config.Smtp, envelope_sender: str) -> None:
        self._settings: Final = settings
        self._envelope_sender: Final = envelope_sender

    def send(self, reply: Reply) -> str:
        """Hand over one mail and return the relay's answer.

        Raises Undeliverable if the relay refuses this mail for good, Rejected if it refuses it for now (a 4xx answer to
        its recipient or content), Unavailable if it is away or refuses our sender address, LoginRefused if it refuses
        our login.
        """
        with self._connected() as smtp:
            return _hand_over(smtp, self._envelope_sender, reply)

    def try_out(self) -> None:
        """Log in, and ask if we may send from our address; nothing is sent. Raises Unavailable or LoginRefused."""
        with self._connected() as smtp:
            smtp.ehlo_or_helo_if_needed()
            _expect(smtp.mail(self._envelope_sender), this_mail=False)
            with suppress(smtplib.SMTPException, OSError):  # the answer that we wanted has come
                smtp.quit()

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Open a connection for a `with` block; its errors are raised as LoginRefused or Unavailable."""
        bearer = tokens.bearer(self._settings)
        try:
            with self._connection(bearer) as smtp:
                yield smtp
        except smtplib.SMTPAuthenticationError as error:
            reason = bearer.forget_token() if bearer else ""
            said = f"{_words(error.smtp_code, error.smtp_error)} {reason}".strip()
            what = f"the relay refused the login of {self._settings.username}"
            if error.smtp_code >= PERMANENT:  # RFC 4954 section 6
                raise LoginRefused(what, said) from error
            raise Unavailable(f"{what}: {said}") from error
        except smtplib.SMTPResponseException as error:
            raise Unavailable(f"the relay says: {_words(error.smtp_code, error.smtp_error)}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            where = f"{self._settings.host}:{self._settings.port}"
            said = text.one_line(str(error))[:ANSWER] or type(error).__name__
            raise Unavailable(f"the relay at {where} cannot be used: {said}") from error

    def _connection(self, bearer: Bearer | None) -> AbstractContextManager[smtplib.SMTP]:
        """A connection that is encrypted and logged in as configured."""
        smtp = _open(self._settings)
        try:
            if self._settings.security == "starttls":
                smtp.starttls(context=tls.context())
            _log_in(smtp, self._settings, bearer)
        except BaseException:
            smtp.close()
            raise
        return closing(smtp)


def _open(settings: config.Smtp) -> smtplib.SMTP:
    if settings.security == "tls":
        return _Tls(settings.host, settings.port, timeout=TIMEOUT, context=tls.context())
    return _WithDeadline(settings.host, settings.port, timeout=TIMEOUT)


def _log_in(smtp: smtplib.SMTP, settings: config.Smtp, bearer: Bearer | None) -> None:
    """Log in by token or password; a relay without a user name needs no login."""
    if bearer:
        smtp.ehlo_or_helo_if_needed()
        smtp.auth(bearer.mechanism, bearer)
    elif settings.username:
        password = settings.password.get_secret_value() if settings.password else ""
        smtp.login(settings.username, password)


class _WithDeadline(smtplib.SMTP):
    """Gives a relay WHOLE_ANSWER seconds for each of its answers."""

    def getreply(self) -> tuple[int, bytes]:
        """Read the relay's answer. Raises TimeoutError if it is not complete in time."""
        if self.file is None and self.sock:
            self.file = _Lines(self.sock.makefile("rb"))
        if self.file:
            self.file.until = time.monotonic() + WHOLE_ANSWER
        return super().getreply()


class _Tls(_WithDeadline, smtplib.SMTP_SSL):
    pass


class _Lines:
    """The lines that the relay sends. They can be read until the time `until` of the monotonic clock."""

    def __init__(self, file: BufferedReader) -> None:
        self.until = 0.0
        self._file = file
        self.close = file.close

    def readline(self, limit: int) -> bytes:
        if time.monotonic() > self.until:
            raise TimeoutError(f"its answer had no end within {WHOLE_ANSWER} seconds")
        return self._file.readline(limit)


def _hand_over(smtp: smtplib.SMTP, envelope_sender: str, reply: Reply) -> str:
    """Hand over one mail and return the relay's last answer.

    These are the steps of RFC 5321 section 3.3. smtplib's `sendmail` does the same, but drops the answer.
    """
    if not reply.recipient.isascii():
        raise Undeliverable("the address is not ASCII")
    smtp.ehlo_or_helo_if_needed()
    eight_bit = not reply.content.isascii() and smtp.has_extn("8bitmime")
    options = ["BODY=8BITMIME"] if eight_bit else []
    # If the relay refuses our sender address, the configuration is wrong: the mail must not be given up for that.
    _expect(smtp.mail(envelope_sender, options), this_mail=False)
    _expect(smtp.rcpt(reply.recipient), this_mail=True)
    answer = _expect(_data(smtp, reply.content), this_mail=True)
    with suppress(smtplib.SMTPException, OSError):  # the relay has the mail: an error no longer matters
        smtp.quit()
    return answer


def _data(smtp: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
    """Send the content and return the relay's answer, also if that is a refusal to receive any content."""
    try:
        return smtp.data(content)
    except smtplib.SMTPDataError as error:
        said = error.smtp_error
        if isinstance(said, str):
            said = said.encode()
        return error.smtp_code, said


def _expect(answer: tuple[int, bytes], *, this_mail: bool) -> str:
    """Return the relay's words if it says yes.

    `this_mail`: a refusal is about this one mail. It raises Undeliverable (5xx) or Rejected (4xx). So does 421, which
    relays answer if one recipient gets too much; a relay that closes the connection is found to be away at the next
    mail. All other refusals raise SMTPResponseException.
    """
    code, said = answer
    kind = code // 100
    if kind == YES:
        return _words(code, said)
    if this_mail and kind == NO:
        raise Undeliverable(_words(code, said))
    if this_mail and kind == NOT_NOW:
        raise Rejected(f"the relay says: {_words(code, said)}")
    raise smtplib.SMTPResponseException(code, said)


def _words(code: int, said: bytes | str) -> str:
    """The relay's answer on one line, at most 200 characters."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return text.one_line(f"{code} {words}")[:ANSWER]
