"""Logging in with OAuth2: tokens from an endpoint of ours, a real Dovecot, and a relay that accepts only tokens."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.oauth import tokens
from planit_mailer.adapters.oauth.sasl import opening
from planit_mailer.adapters.oauth.tokens import Tokens
from planit_mailer.adapters.smtp import Relay
from planit_mailer.core import config
from planit_mailer.core.errors import LoginRefused, Unavailable
from planit_mailer.core.oauth2 import OAuth2
from tests.adapters.test_smtp import Answers, a_reply, a_tls_context, changed, relaying
from tests.support import tokenserver
from tests.support.builders import SERVICE
from tests.support.dovecot import CERTIFICATE
from tests.support.mailservers import DovecotPost, a_mailbox
from tests.support.tokenserver import TokenServer

MECHANISMS = ("xoauth2", "oauthbearer")


@pytest.fixture(autouse=True)
def _certificate_of_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))


@pytest.fixture
def endpoint() -> Iterator[TokenServer]:
    with tokenserver.running(SERVICE) as server:
        yield server


def settings(facts: dict[str, Any]) -> OAuth2:
    return OAuth2.model_validate(facts)


def by_token(post: DovecotPost, facts: dict[str, Any], username: str = SERVICE) -> config.Mailbox:
    return a_mailbox(post, password=None, oauth2=facts, username=username)


# ── tokens ──


def test_microsofts_client_secret_becomes_a_token(endpoint: TokenServer) -> None:
    token = Tokens(settings(endpoint.microsoft365()), SERVICE).token()
    assert tokenserver.unverified(token)["email"] == SERVICE


def test_microsofts_certificate_becomes_a_token(endpoint: TokenServer) -> None:
    facts = endpoint.microsoft365(certificate=endpoint.certificate())
    assert tokenserver.unverified(Tokens(settings(facts), SERVICE).token())["email"] == SERVICE


def test_googles_service_account_becomes_a_token_for_the_mailbox_that_it_stands_in_for(endpoint: TokenServer) -> None:
    token = Tokens(settings(endpoint.google()), SERVICE).token()
    assert tokenserver.unverified(token)["email"] == SERVICE
    with pytest.raises(LoginRefused, match="unauthorized_client"):
        Tokens(settings(endpoint.google()), "head@greenfield.test").token()


@pytest.mark.parametrize("provider", ["microsoft365", "google"])
def test_a_token_is_kept_and_renewed_before_it_expires(endpoint: TokenServer, provider: str) -> None:
    facts = getattr(endpoint, provider)()
    kept, short = Tokens(settings(facts), SERVICE), Tokens(settings(facts), SERVICE)
    assert kept.token() == kept.token()
    assert endpoint.asked == 1
    endpoint.lifetime = tokens.MARGIN - 1
    short.token()
    short.token()
    assert endpoint.asked == 3


def test_a_wrong_secret_is_told_in_the_providers_words_and_never_repeated(endpoint: TokenServer) -> None:
    wrong = settings(endpoint.microsoft365(client_secret="wr0ng-secret"))
    with pytest.raises(LoginRefused, match="AADSTS7000215: Invalid client secret provided") as caught:
        Tokens(wrong, SERVICE).token()
    assert "wr0ng-secret" not in str(caught.value)


@pytest.mark.parametrize("provider", ["microsoft365", "google"])
def test_an_endpoint_that_is_away_is_unavailable_and_no_refusal(endpoint: TokenServer, provider: str) -> None:
    facts = getattr(endpoint, provider)()
    endpoint.stop()
    with pytest.raises(Unavailable, match=r"token provider at https://localhost:\d+/.* cannot be used") as caught:
        Tokens(settings(facts), SERVICE).token()
    assert not isinstance(caught.value, LoginRefused)


@pytest.mark.parametrize("provider", ["microsoft365", "google"])
def test_an_endpoint_that_has_troubles_of_its_own_is_unavailable_and_no_refusal(
    endpoint: TokenServer, provider: str
) -> None:
    endpoint.failure = "temporarily_unavailable"
    with pytest.raises(Unavailable, match="cannot be used") as caught:
        Tokens(settings(getattr(endpoint, provider)()), SERVICE).token()
    assert not isinstance(caught.value, LoginRefused)


@pytest.mark.parametrize("provider", ["microsoft365", "google"])
def test_an_endpoint_whose_certificate_nobody_signed_gets_no_secret(
    endpoint: TokenServer, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(Unavailable, match=r"(?i)certificate"):
        Tokens(settings(getattr(endpoint, provider)()), SERVICE).token()
    assert endpoint.asked == 0


def test_a_certificate_says_itself_when_it_expires(endpoint: TokenServer) -> None:
    facts = settings(endpoint.microsoft365(certificate=endpoint.certificate(days=20)))
    expires = tokens.expires_on(facts)
    assert expires
    assert 19 <= (expires.toordinal() - time.time() / 86400 - 719163) <= 20
    assert tokens.expires_on(settings(endpoint.microsoft365())) is None
    told = settings(endpoint.microsoft365(secret_expires="2027-11-24"))
    assert str(tokens.expires_on(told)) == "2027-11-24"


# ── the mailbox ──


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("provider", ["microsoft365", "google"])
def test_a_token_opens_the_mailbox(
    endpoint: TokenServer, dovecot_post: DovecotPost, provider: str, mechanism: str
) -> None:
    facts = getattr(endpoint, provider)(mechanism=mechanism)
    with open_mailbox(by_token(dovecot_post, facts)) as mailbox:
        assert mailbox.waiting() == ()
    with open_mailbox(by_token(dovecot_post, facts)) as mailbox:
        assert mailbox.waiting() == ()
    assert endpoint.asked == 1


WRONG = {
    "expired": {"exp": 1_700_000_000},
    "of another user": {"email": "head@greenfield.test"},
    "of another issuer": {"iss": "https://elsewhere.test/"},
    "without the scope": {"scope": "calendar"},
}


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
def test_a_wrong_token_is_refused_in_the_servers_words(
    endpoint: TokenServer, dovecot_post: DovecotPost, claims: dict[str, Any], mechanism: str
) -> None:
    endpoint.claims = claims
    mailbox = by_token(dovecot_post, endpoint.microsoft365(mechanism=mechanism))
    with pytest.raises(LoginRefused) as caught, open_mailbox(mailbox):
        pass
    said = str(caught.value)
    assert f"the mailbox refused the login of {SERVICE}: [AUTHENTICATIONFAILED]" in said
    assert json.loads(said[said.index("{") :])["status"].startswith(("401", "invalid_token", "insufficient"))
    assert "eyJ" not in said, "no token"


def test_after_a_refusal_the_next_login_brings_a_new_token(endpoint: TokenServer, dovecot_post: DovecotPost) -> None:
    endpoint.claims = {"scope": "calendar"}
    mailbox = by_token(dovecot_post, endpoint.microsoft365())
    with pytest.raises(LoginRefused), open_mailbox(mailbox):
        pass
    endpoint.claims = {}
    with open_mailbox(mailbox) as opened:
        assert opened.waiting() == ()
    assert endpoint.asked == 2


# ── the relay ──


class TakesTokens(Answers):
    """A relay that accepts one token, and gives a reason in JSON if it refuses another."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.last_words: bytes | None = None

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802  aiosmtpd's name
        return await self._judge(server, args, f"user={SERVICE}\x01auth=Bearer {self.token}\x01\x01")

    async def auth_OAUTHBEARER(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802  aiosmtpd's name
        there = f"host=localhost\x01port={server.transport.get_extra_info('sockname')[1]}\x01"
        return await self._judge(server, args, f"n,a={SERVICE},\x01{there}auth=Bearer {self.token}\x01\x01")

    async def _judge(self, server: Any, args: list[str], expected: str) -> AuthResult:
        if base64.b64decode(args[1]).decode() == expected:
            return AuthResult(success=True)
        self.last_words = await server.challenge_auth('{"status":"invalid_token"}')
        return AuthResult(success=False, handled=False)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_lets_us_send_and_a_wrong_one_is_refused_in_the_relays_words(
    endpoint: TokenServer, mechanism: str
) -> None:
    endpoint.claims = {"iat": 1, "nbf": 1, "exp": 4_000_000_000}  # the same token each time
    handler = TakesTokens(endpoint.token())
    options = {"tls_context": a_tls_context(), "auth_required": True, "auth_exclude_mechanism": ["LOGIN", "PLAIN"]}
    with relaying(handler, **options) as plain:
        facts = endpoint.microsoft365(mechanism=mechanism)
        relay = Relay(changed(plain, security="starttls", username=SERVICE, oauth2=facts), SERVICE)
        relay.send(a_reply())
        assert len(handler.taken) == 1

        handler.token = "another"
        with pytest.raises(LoginRefused, match=r'refused the login of .*: 535 .*\{"status":"invalid_token"\}'):
            relay.send(a_reply())
    assert handler.last_words == (b"" if mechanism == "xoauth2" else b"\x01")
    assert len(handler.taken) == 1


def test_a_relay_that_takes_no_tokens_says_so(endpoint: TokenServer) -> None:
    with relaying(Answers(), auth_require_tls=False) as settings:
        by_token = changed(settings, username=SERVICE, oauth2=endpoint.microsoft365())
        with pytest.raises(LoginRefused, match=f"the relay refused the login of {SERVICE}: 50"):
            Relay(by_token, SERVICE).send(a_reply())


def test_a_name_with_commas_is_escaped() -> None:
    server = config.Smtp.model_validate({"host": "h", "port": 25, "from": SERVICE, "username": "a=b,c@d.test"})
    assert opening(server, "oauthbearer", "T").startswith("n,a=a=3Db=2Cc@d.test,\x01host=h\x01port=25\x01")
