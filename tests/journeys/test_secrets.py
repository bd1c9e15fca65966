"""Secrets and tokens are nowhere to be read: not in logs, errors, tracebacks, nor in what the verbs print."""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.oauth.tokens import Token, Tokens
from planit_mailer.adapters.smtp import Relay
from planit_mailer.core import config
from planit_mailer.core.errors import Unavailable
from tests.adapters.test_smtp import a_reply
from tests.support import tokenserver, world
from tests.support.builders import SERVICE
from tests.support.dovecot import CERTIFICATE
from tests.support.mailservers import DovecotPost
from tests.support.tokenserver import CLIENT, SECRET, TENANT, TokenServer
from tests.support.world import World

TABLE = """[{name}.oauth2]
provider = "microsoft365"
tenant = "{tenant}"
client_id = "{client}"
client_secret_file = "client.secret"
authority = "{url}"
"""
RELAY_PASSWORD = "s3cret-Of-The-Relay"


@pytest.fixture
def endpoint() -> Iterator[TokenServer]:
    with tokenserver.running(SERVICE) as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, dovecot_post: DovecotPost, endpoint: TokenServer) -> World:
    """A service whose mailbox wants a token; at its most talkative."""
    made = world.make(tmp_path, dovecot_post)
    (tmp_path / "client.secret").write_text(SECRET)
    table = TABLE.format(name="mailbox", tenant=TENANT, client=CLIENT, url=endpoint.url)
    made.configure('password_file = "mailbox.password"\n', "")
    made.configure("[smtp]", f"{table}[smtp]")
    made.configure("[senders]", '[log]\nlevel = "debug"\n[senders]')
    return made


def printed(service: World, *arguments: str) -> tuple[int, str]:
    """The exit code of a verb, and all that it says."""
    result = subprocess.run(
        [sys.executable, "-m", "planit_mailer", "--config", str(service.config_file), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "REQUESTS_CA_BUNDLE": str(CERTIFICATE)},
    )
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("verb", [("once",), ("doctor",), ("doctor", "--json"), ("status",)])
def test_at_its_most_talkative_a_verb_says_no_secret_and_no_token(
    service: World, endpoint: TokenServer, verb: tuple[str, ...]
) -> None:
    code, said = printed(service, *verb)
    assert code == 0, said
    if verb != ("status",):
        assert endpoint.asked == 1, "it has logged in with a token"
    for secret in (SECRET, "eyJ", "Bearer"):
        assert secret not in said


def test_when_everything_refuses_us_no_secret_is_said(service: World, endpoint: TokenServer) -> None:
    endpoint.claims = {"scope": "calendar"}
    for verb in (("once",), ("doctor",)):
        code, said = printed(service, *verb)
        assert code == 3
        assert "AUTHENTICATIONFAILED" in said
        for secret in (SECRET, "eyJ", "Bearer "):
            assert secret not in said
    (service.folder / "client.secret").write_text("wr0ng-secret")
    _, said = printed(service, "doctor")
    assert "AADSTS7000215" in said
    assert "wr0ng-secret" not in said


def test_tracebacks_of_refused_logins_hold_no_secret(service: World, endpoint: TokenServer) -> None:
    mailbox = service.settings.mailbox.model_copy(update={"oauth2": None, "password": config.SecretStr("wr0ng-secret")})
    relay = service.settings.smtp.model_copy(
        update={"username": "planit", "password": config.SecretStr(RELAY_PASSWORD)}
    )
    for attempt in (lambda: open_mailbox(mailbox).__enter__(), lambda: Relay(relay, SERVICE).send(a_reply())):
        with pytest.raises(Unavailable) as caught:
            attempt()
        told = "".join(traceback.format_exception(caught.value))
        assert "wr0ng-secret" not in told
        assert RELAY_PASSWORD not in told
    assert endpoint.asked == 0


def test_nothing_that_holds_a_secret_shows_it(endpoint: TokenServer) -> None:
    facts = config.OAuth2.model_validate(endpoint.microsoft365(certificate=endpoint.certificate()))
    for holder in (facts, Token("t0ken", 1.0), Tokens(facts, SERVICE), facts.model_dump()):
        for secret in ("PRIVATE KEY", "t0ken"):
            assert secret not in f"{holder!r} {holder}"


def test_the_daemon_warns_at_its_start_of_a_secret_file_that_others_can_read(service: World) -> None:
    (service.folder / "client.secret").chmod(0o644)
    command = [sys.executable, "-m", "planit_mailer", "--config", str(service.config_file), "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr
        said = next(
            line for line in daemon.stderr if "secret file is open to others" in line or "daemon started" in line
        )
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=20)
    told = json.loads(said)
    assert (told["event"], told["level"]) == ("secret file is open to others", "warning")
    assert f"chmod 600 {service.folder}/client.secret" in told["file"]
