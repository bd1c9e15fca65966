"""What the operator hears of the service itself: who refuses us, which secret expires; each once in a while."""

from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from planit_mailer.adapters.sql.store import Store
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core.errors import LoginRefused, Unavailable
from planit_mailer.domain.replies.compose import ReplyContext
from planit_mailer.pipeline import alerts
from tests.adapters.test_smtp import Answers, a_tls_context, authenticate, relaying
from tests.pipeline.test_delivery import reply_settings
from tests.support import world
from tests.support.books import NOW
from tests.support.world import text_of

SAID = "[AUTHENTICATIONFAILED] expired"
ANSWER = f"mailbox refused the login of data@s-cool.test: {SAID}"


def told(store: Store) -> list[EmailMessage]:
    with store.reading() as reading:
        raw = [pending.reply.content for pending in reading.due(NOW + timedelta(days=90), 100)]
    return [message for one in raw if isinstance(message := message_from_bytes(one, policy=default), EmailMessage)]


def refusal(server: str) -> LoginRefused:
    return LoginRefused(f"the {server} refused the login of data@s-cool.test", SAID)


def after(hours: float) -> ReplyContext:
    return ReplyContext(reply_settings(), NOW + timedelta(hours=hours))


def test_the_first_refusal_is_told_at_once_in_the_servers_words_and_then_once_a_day(store: Store) -> None:
    for hours in (0, 0.1, 23, 25, 26):
        alerts.login_refused(refusal("mailbox"), store, after(hours))
    first, _second = told(store)
    assert first["Subject"] == "planit_mailer: the mailbox refused the login of data@s-cool.test"
    assert f"The {ANSWER}" in " ".join(text_of(first).split())
    assert "planit-mailer doctor" in text_of(first)


def test_another_server_that_refuses_us_is_another_matter(store: Store) -> None:
    alerts.login_refused(refusal("mailbox"), store, after(0))
    alerts.login_refused(refusal("relay"), store, after(0))
    assert len(told(store)) == 2


def test_two_secrets_that_expire_make_one_mail(store: Store) -> None:
    both = {"mailbox.oauth2": date(2026, 12, 20), "smtp.oauth2": date(2026, 12, 1), "a.third": date(2028, 1, 1)}
    alerts.secrets_expiring(both, store, after(0))
    [mail] = told(store)
    assert mail["Subject"] == "planit_mailer: a secret expires on 01/12/2026"
    text = " ".join(text_of(mail).split())
    assert "[mailbox.oauth2] expires on 20/12/2026, in 26 days." in text
    assert "[smtp.oauth2] expires on 01/12/2026, in 7 days." in text
    assert "third" not in text


@pytest.mark.parametrize(("days", "said"), [(31, 0), (30, 1), (1, 1), (-3, 1)])
def test_a_secret_is_told_thirty_days_before_it_expires_and_after(store: Store, days: int, said: int) -> None:
    expires = NOW.date() + timedelta(days=days)
    alerts.secrets_expiring({"mailbox.oauth2": expires, "smtp.oauth2": None}, store, after(0))
    mails = told(store)
    assert len(mails) == said
    assert all("The secret of [mailbox.oauth2] expire" in text_of(mail) for mail in mails)


def test_an_expiring_secret_is_told_once_a_week(store: Store) -> None:
    for hours in (0, 1, 100, 169, 170):
        alerts.secrets_expiring({"smtp.oauth2": date(2026, 12, 1)}, store, after(hours))
    assert len(told(store)) == 2


OAUTH2 = """oauth2 = { provider = "microsoft365", tenant = "t", client_id = "1", client_secret_file = "client.secret", \
secret_expires = DAY, authority = "https://localhost:1" }
"""


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> world.World:
    return world.make(tmp_path, post)


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_a_poll_whose_login_is_refused_has_the_operator_told_in_the_same_round(service: world.World) -> None:
    (service.folder / "mailbox.password").write_text("wrong\n")
    with pytest.raises(Unavailable, match="refused the login"):
        service.once()
    [(to, mail)] = service.replies()
    assert to == "ops@s-cool.test"
    assert "The mailbox refused the login of data@s-cool.test" in " ".join(text_of(mail).split())


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_a_mailbox_that_is_only_away_is_no_refusal(service: world.World) -> None:
    service.configure(f"port = {service.post.imap_port}", "port = 1")
    with pytest.raises(Unavailable, match="is away"):
        service.once()
    assert service.replies() == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_the_mail_about_a_relay_that_refuses_us_waits_for_it(service: world.World) -> None:
    service.send(("a.txt", b"no form"))
    options = {"tls_context": a_tls_context(), "auth_required": True, "authenticator": authenticate}
    login = 'security = "starttls"\nusername = "planit"\npassword_file = "mailbox.password"\nfrom'
    with relaying(Answers(), **options) as strict:
        service.configure(
            f'host = "127.0.0.1"\nport = {service.post.smtp_port}', f'host = "localhost"\nport = {strict.port}'
        )
        service.configure('security = "none"\nfrom', login)
        with pytest.raises(Unavailable, match="the relay refused the login of planit: 535"):
            service.once()
    with service.store() as store:
        assert any("The relay refused the login" in " ".join(text_of(mail).split()) for mail in told(store))


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_each_round_looks_at_the_secrets_that_expire(service: world.World) -> None:
    (service.folder / "client.secret").write_text("s3cret-word\n")
    tomorrow = f"{datetime.now(UTC).date() + timedelta(days=1)}"
    service.configure('password_file = "mailbox.password"\n', OAUTH2.replace("DAY", tomorrow))
    with pytest.raises(Unavailable, match="token provider"):
        service.once()
    with service.store() as store:
        [mail] = told(store)
    assert "The secret of [mailbox.oauth2] expires on" in text_of(mail)
    assert "s3cret-word" not in mail.as_string()
