"""Access tokens for logging in with OAuth2. Only this module imports msal and google-auth.

A token is kept until shortly before it expires. If a server refuses it, it is thrown away: only a new token contains
rights that were granted meanwhile.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, date
from functools import cache, partial
from typing import Any, Final

from planit_mailer.adapters.oauth.sasl import Bearer
from planit_mailer.core import text
from planit_mailer.core.config import Server
from planit_mailer.core.errors import LoginRefused, Unavailable
from planit_mailer.core.oauth2 import OAuth2

MARGIN = 300  # seconds before it expires in which a token is renewed
TIMEOUT = 30  # seconds for the provider's answer
ANSWER = 300  # characters of the provider's answer that are kept


@dataclass(frozen=True, slots=True)
class Token:
    """An access token from a provider. It expires at `until`, a Unix time in seconds."""

    value: str = field(repr=False)
    until: float


class Tokens:
    """The access token of one login, renewed when it expires. Thread-safe."""

    def __init__(self, settings: OAuth2, user: str) -> None:
        """`user` is the mailbox's address."""
        self._settings: Final = settings
        self._user: Final = user
        self._token: Token | None = None
        self._lock: Final = threading.Lock()

    def token(self) -> str:
        """A token that does not expire soon. Raises LoginRefused in the provider's words, or Unavailable."""
        with self._lock:
            if self._token is None or time.time() > self._token.until - MARGIN:
                self._token = self._new_token()
            return self._token.value

    def forget(self) -> None:
        """Throw the token away: the next login asks for a new one."""
        with self._lock:
            self._token = None

    def _new_token(self) -> Token:
        if self._settings.provider == "microsoft365":
            return _from_microsoft(self._settings)
        return _from_google(self._settings, self._user)


@cache
def kept(settings: OAuth2, user: str) -> Tokens:
    """The tokens of a login: the same object until this process ends."""
    return Tokens(settings, user)


def bearer(server: Server) -> Bearer | None:
    """The token login for a server; None if it uses a password. Raises LoginRefused or Unavailable."""
    if server.oauth2 is None:
        return None
    tokens = kept(server.oauth2, server.username)
    return Bearer(server, server.oauth2.mechanism, tokens.token(), tokens.forget)


def expires_on(settings: OAuth2) -> date | None:
    """The day on which our secret expires: the configured one, else the certificate's; None if unknown."""
    if settings.secret_expires:
        return settings.secret_expires
    if not settings.certificate:
        return None
    from cryptography import x509  # noqa: PLC0415  slow to import, and few installations need it

    pem = settings.certificate.get_secret_value().encode()
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc.date()


def _from_microsoft(settings: OAuth2) -> Token:
    """Ask Microsoft 365 for a token by client credentials: it carries the program's own rights, not a person's."""
    import msal  # noqa: PLC0415  takes a third of a second, and few installations need it

    authority = f"{settings.authority.rstrip('/')}/{settings.tenant}"
    try:
        client = msal.ConfidentialClientApplication(
            settings.client_id,
            client_credential=_credential(settings),
            authority=authority,
            instance_discovery=False,  # otherwise msal asks Microsoft if the authority is known to it
            timeout=TIMEOUT,
        )
        answer: dict[str, Any] = client.acquire_token_for_client([settings.asked_scope])
    except (msal.exceptions.MsalError, OSError, ValueError) as error:  # requests' errors are OSErrors
        raise Unavailable(f"the token provider at {authority} cannot be used: {_words(error)}") from error
    if "access_token" not in answer:
        said = answer.get("error_description") or answer.get("error") or "no reason given"
        raise LoginRefused(f"the token provider at {authority} refused us", text.one_line(said)[:ANSWER])
    return Token(answer["access_token"], time.time() + int(answer["expires_in"]))


def _credential(settings: OAuth2) -> str | dict[str, str]:
    """Our certificate or client secret, in the form that msal takes."""
    if settings.certificate:
        pem = settings.certificate.get_secret_value()
        return {"private_key": pem, "public_certificate": pem}
    assert settings.client_secret, "the configuration has the one or the other"
    return settings.client_secret.get_secret_value()


def _from_google(settings: OAuth2, user: str) -> Token:
    """Ask Google for a token of a service account that acts for this mailbox (domain-wide delegation)."""
    from google.auth import exceptions  # noqa: PLC0415  like msal
    from google.auth.transport.requests import Request  # noqa: PLC0415
    from google.oauth2.service_account import Credentials  # noqa: PLC0415

    assert settings.service_account, "the configuration has one"
    key = json.loads(settings.service_account.get_secret_value())
    try:
        account = Credentials.from_service_account_info(key, scopes=[settings.asked_scope], subject=user)  # type: ignore[no-untyped-call]
        account.refresh(partial(Request(), timeout=TIMEOUT))
    except (exceptions.GoogleAuthError, OSError, ValueError) as error:
        if isinstance(error, exceptions.RefreshError) and not error.retryable:
            raise LoginRefused(f"the token provider at {key['token_uri']} refused us", _words(error)) from error
        raise Unavailable(f"the token provider at {key['token_uri']} cannot be used: {_words(error)}") from error
    return Token(account.token, account.expiry.replace(tzinfo=UTC).timestamp())


def _words(error: Exception) -> str:
    """An error's first argument on one line, at most 300 characters; its class if it has no text."""
    first = error.args[0] if error.args else error
    return text.one_line(str(first))[:ANSWER] or type(error).__name__
