"""The SMTP relay that takes our mail. The only importer of smtplib.

One mail, one recipient, one connection: mail is rare here, and a connection that was kept would be closed by the relay
between two of them.
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

TIMEOUT = 60  # seconds for each answer; RFC 5321 section 4.5.3.2 asks for minutes, a relay next door needs none
WHOLE_ANSWER = 300  # seconds for all lines of one: a time-out begins anew with each byte, and a relay may talk for ever
ANSWER = 200  # characters that are kept of what the relay says


class Relay:
    """The SMTP relay that sends our replies. Bounces come back to `envelope_sender`."""

    def __init__(self, settings: config.Smtp, envelope_sender: str) -> None:
        self._settings: Final = settings
        self._envelope_sender: Final = envelope_sender

    def send(self, reply: Reply) -> str:
        """Hand over one mail and return the relay's answer.

        Raises Undeliverable if the relay refuses it for good, Rejected if it does not take this one now (a 4xx answer
        to its recipient or content), Unavailable if it takes none because it is away or refuses our sender;
        LoginRefused.
        """
        with self._asking() as smtp:
            return _hand_over(smtp, self._envelope_sender, reply)

    def try_out(self) -> None:
        """Log in, and ask whether we may send from our address; nothing is sent. Raises Unavailable, LoginRefused."""
        with self._asking() as smtp:
            smtp.ehlo_or_helo_if_needed()
            _expect(smtp.mail(self._envelope_sender), this_mail=False)
            with suppress(smtplib.SMTPException, OSError):  # it has said what we wanted to know
                smtp.quit()

    @contextmanager
    def _asking(self) -> Iterator[smtplib.SMTP]:
        """Open a connection for one mail; any error on it is raised as ours."""
        bearer = tokens.bearer(self._settings)
        try:
            with self._connection(bearer) as smtp:
                yield smtp
        except smtplib.SMTPAuthenticationError as error:
            said = f"{_words(error.smtp_code, error.smtp_error)} {bearer.refused() if bearer else ''}".strip()
            what = f"the relay refused the login of {self._settings.username}"
            if error.smtp_code >= 500:  # noqa: PLR2004  RFC 4954 section 6: 4xx passes
                raise LoginRefused(what, said) from error
            raise Unavailable(f"{what}: {said}") from error
        except smtplib.SMTPResponseException as error:
            raise Unavailable(f"the relay says: {_words(error.smtp_code, error.smtp_error)}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            where, said = f"{self._settings.host}:{self._settings.port}", text.one_line(str(error))[:ANSWER]
            raise Unavailable(f"the relay at {where} cannot be used: {said or type(error).__name__}") from error

    def _connection(self, bearer: Bearer | None) -> AbstractContextManager[smtplib.SMTP]:
        """A connection, encrypted and logged in as configured."""
        settings = self._settings
        where = (settings.host, settings.port)
        if settings.security == "tls":
            smtp: smtplib.SMTP = _Tls(*where, timeout=TIMEOUT, context=tls.context())
        else:
            smtp = _Impatient(*where, timeout=TIMEOUT)
        try:
            if settings.security == "starttls":
                smtp.starttls(context=tls.context())
            if bearer:
                smtp.ehlo_or_helo_if_needed()
                smtp.auth(bearer.mechanism, bearer)
            elif settings.username:
                smtp.login(settings.username, settings.password.get_secret_value() if settings.password else "")
        except BaseException:
            smtp.close()
            raise
        return closing(smtp)


class _Impatient(smtplib.SMTP):
    """Gives a relay so much time for each of its answers."""

    def getreply(self) -> tuple[int, bytes]:
        """The relay's answer. Raises TimeoutError."""
        if self.file is None and self.sock:
            self.file = _Lines(self.sock.makefile("rb"))
        if self.file:
            self.file.until = time.monotonic() + WHOLE_ANSWER
        return super().getreply()


class _Tls(_Impatient, smtplib.SMTP_SSL):
    pass


class _Lines:
    """The relay's lines, read until a time of the monotonic clock."""

    def __init__(self, file: BufferedReader) -> None:
        self.until = 0.0
        self._file = file
        self.close = file.close

    def readline(self, limit: int) -> bytes:
        if time.monotonic() > self.until:
            raise TimeoutError(f"its answer had no end within {WHOLE_ANSWER} seconds")
        return self._file.readline(limit)


def _hand_over(smtp: smtplib.SMTP, envelope_sender: str, reply: Reply) -> str:
    """The dialogue of RFC 5321 section 3.3, step by step, to keep the relay's last words, which `sendmail` drops."""
    if not reply.recipient.isascii():
        raise Undeliverable("the address is not ASCII")
    smtp.ehlo_or_helo_if_needed()
    eight_bit = not reply.content.isascii() and smtp.has_extn("8bitmime")
    # A sender that the relay does not want is our configuration's mistake: this mail is not to be given up for it.
    _expect(smtp.mail(envelope_sender, ["BODY=8BITMIME"] if eight_bit else ()), this_mail=False)
    _expect(smtp.rcpt(reply.recipient), this_mail=True)
    answer = _expect(_data(smtp, reply.content), this_mail=True)
    with suppress(smtplib.SMTPException, OSError):  # it has the mail: what happens now does not matter
        smtp.quit()
    return answer


def _data(smtp: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
    try:
        return smtp.data(content)
    except smtplib.SMTPDataError as error:
        said = error.smtp_error
        return error.smtp_code, said if isinstance(said, bytes) else said.encode()


def _expect(answer: tuple[int, bytes], *, this_mail: bool) -> str:
    """Return the relay's words if it says yes. `this_mail`: a no is about this mail, not about all of ours.

    So is 421: relays say it of one recipient who gets too much. If it closes the connection, it is away at the next
    mail.
    """
    code, said = answer
    if 200 <= code < 300:  # noqa: PLR2004  RFC 5321 section 4.2.1
        return _words(code, said)
    if this_mail and 500 <= code < 600:  # noqa: PLR2004
        raise Undeliverable(_words(code, said))
    if this_mail and 400 <= code < 500:  # noqa: PLR2004
        raise Rejected(f"the relay says: {_words(code, said)}")
    raise smtplib.SMTPResponseException(code, said)


def _words(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return text.one_line(f"{code} {words}")[:ANSWER]
