"""Connecting to the IMAP server, encrypted and logged in as configured. With imap.py, alone in importing imapclient."""

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, LoginError

from planit_mailer import config
from planit_mailer.doors import encryption, tokens
from planit_mailer.doors.bearer import Bearer
from planit_mailer.doors.imap import FOREIGN, Connection, cut, words
from planit_mailer.errors import LoginRefused, Unavailable

TIMEOUT = SocketTimeout(connect=15, read=60)  # seconds; without one a silent server holds us for ever


def connect(settings: config.Mailbox) -> Connection:
    """Connect and log in. Raises LoginRefused in the server's words, Unavailable."""
    bearer = tokens.bearer(settings)
    where = f"{settings.host}:{settings.port}"
    tls = encryption.context() if settings.security == "tls" else None
    try:
        client = IMAPClient(settings.host, settings.port, ssl=tls is not None, ssl_context=tls, timeout=TIMEOUT)
    except FOREIGN as error:
        raise Unavailable(f"the mailbox at {where} is away: {words(error)}") from error
    try:
        client.normalise_times = False  # else times lose their zone and become this machine's
        if settings.security == "starttls":
            client.starttls(encryption.context())
        _log_in(client, settings, bearer)
    except LoginRefused:
        cut(client)
        raise
    except FOREIGN as error:
        cut(client)
        raise Unavailable(f"the mailbox at {where} is away: {words(error)}") from error
    return client


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
        raise LoginRefused(f"the mailbox refused the login of {settings.username}: {said}") from error


def _log_in_by_password(client: Connection, settings: config.Mailbox) -> None:
    password = settings.password.get_secret_value() if settings.password else ""
    # imaplib's LOGIN takes ASCII alone; PLAIN is UTF-8 (RFC 4616).
    ascii_only = (settings.username + password).isascii()
    (client.login if ascii_only else client.plain_login)(settings.username, password)
