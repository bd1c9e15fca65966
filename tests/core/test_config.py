"""The configuration is read completely or not at all, and all mistakes are reported at once."""

from pathlib import Path

import pytest

from planit_mailer.core import config, secrets
from planit_mailer.core.errors import ConfigError

LEAST = """
[mailbox]
host = "imap.example.org"
username = "data@example.org"
password_file = "mailbox.password"
[smtp]
host = "smtp.example.org"
from = "Plan-it School Data <data@example.org>"
[service]
operator = "ops@example.org"
"""


def load(folder: Path, text: str, **environment: str) -> config.Config:
    (folder / "config.toml").write_text(text)
    (folder / "mailbox.password").write_text("s3cret-word\n")
    return config.load(folder / "config.toml", environment)


def test_ten_lines_are_a_configuration(tmp_path: Path) -> None:
    loaded = load(tmp_path, LEAST)
    assert (loaded.mailbox.port, loaded.mailbox.security) == (993, "tls")
    assert (loaded.smtp.port, loaded.smtp.security) == (587, "starttls")
    assert loaded.senders.unauthenticated == "quarantine"
    assert loaded.address == "data@example.org"


def test_all_mistakes_are_told_at_once_and_by_name(tmp_path: Path) -> None:
    text = LEAST.replace("operator =", "operater =").replace('host = "smtp', 'port = "many"\nhost = "smtp')
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text + '[limits]\nmessage = "25 parsecs"\n[retention]\nkeep_held = "soon"\n')
    said = str(caught.value)
    for key in ("service.operater", "service.operator", "smtp.port", "limits.message", "retention.keep_held"):
        assert key in said
    assert "there is no such key" in said


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    loaded = load(tmp_path, LEAST, PLANIT_DATABASE_URL="postgresql+psycopg://me:s3cret-word@db/planit")
    assert "s3cret-word" not in repr(loaded)
    assert "s3cret-word" not in str(loaded.model_dump())


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, LEAST, PLANIT_MAILBOX_PASSWORD="other")
    assert loaded.mailbox.password
    assert loaded.mailbox.password.get_secret_value() == "other"


def test_paths_are_relative_to_the_configuration_files_folder(tmp_path: Path) -> None:
    loaded = load(tmp_path, LEAST)
    assert loaded.database.url.get_secret_value() == f"sqlite:///{tmp_path}/planit.db"


@pytest.mark.parametrize("section", ["mailbox", "smtp"])
def test_plain_text_is_refused_beyond_this_machine(tmp_path: Path, section: str) -> None:
    with pytest.raises(ConfigError, match="this machine only"):
        load(tmp_path, LEAST.replace(f"[{section}]", f'[{section}]\nsecurity = "none"'))


def test_believing_everybody_is_refused_beyond_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this machine only"):
        load(tmp_path, LEAST + '[senders]\nunauthenticated = "accept"\n')


def test_trusted_servers_are_named_as_their_results_begin(tmp_path: Path) -> None:
    loaded = load(tmp_path, LEAST + '[senders]\ntrusted_authserv_ids = ["mx.example.org"]\n')
    assert loaded.senders.trusted_authserv_ids == ("mx.example.org",)
    for name in ("", "mx.example.org;", "mx example"):
        with pytest.raises(ConfigError, match=r"senders\.trusted_authserv_ids\.0: write the name"):
            load(tmp_path, LEAST + f'[senders]\ntrusted_authserv_ids = ["{name}"]\n')


def test_a_password_in_the_file_is_refused_without_repeating_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, LEAST.replace("[smtp]", '[smtp]\npassword = "oops-here"'))
    assert "password_file" in str(caught.value)
    assert "oops-here" not in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Copy config\.example\.toml"):
        config.load(tmp_path / "none.toml", {})


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(LEAST)
    with pytest.raises(ConfigError, match=r"mailbox\.password_file: .* cannot be read"):
        config.load(tmp_path / "config.toml", {})


@pytest.mark.parametrize(
    "folders",
    ['processed = "inbox"', 'processed = "A"\nheld = "a"', 'sent = "Processed"'],
    ids=["the inbox itself", "one folder for two outcomes", "our replies among filed messages"],
)
def test_folders_must_differ(tmp_path: Path, folders: str) -> None:
    with pytest.raises(ConfigError, match="must have different names"):
        load(tmp_path, f"{LEAST}[mailbox.folders]\n{folders}\n")


def test_values_that_would_reject_everybody_are_refused(tmp_path: Path) -> None:
    text = LEAST.replace("[smtp]", 'poll_every = "0s"\n[smtp]') + '[limits]\nmemory = "1KB"\nworkbook = "0B"\n'
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text + "[rules]\nyoungest = 30\noldest = 2\n")
    for key in ("mailbox.poll_every", "limits.memory", "limits.workbook", "rules"):
        assert key in str(caught.value)


def test_mistakes_between_sections_are_told_with_all_others(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, LEAST + '[senders]\nunauthenticated = "accept"\n[limits]\nrows = "many"\n')
    assert "2 mistake(s)" in str(caught.value)


# ── logging in with OAuth2 ──

MICROSOFT = """[mailbox.oauth2]
provider = "microsoft365"
tenant = "greenfield.example"
client_id = "1"
client_secret_file = "client.secret"
"""
BY_TOKEN = LEAST.replace('password_file = "mailbox.password"\n', "").replace("[smtp]", MICROSOFT + "[smtp]")


def test_a_table_oauth2_takes_the_place_of_the_password(tmp_path: Path) -> None:
    (tmp_path / "client.secret").write_text("s3cret-word\n")
    loaded = load(tmp_path, BY_TOKEN)
    assert loaded.mailbox.oauth2
    assert loaded.mailbox.oauth2.client_secret
    assert loaded.mailbox.oauth2.client_secret.get_secret_value() == "s3cret-word"
    assert "s3cret-word" not in f"{loaded!r} {loaded.model_dump()}"
    (tmp_path / "client.secret").chmod(0o644)
    [exposed] = secrets.exposed(loaded.model_dump())
    assert str(exposed).startswith("mailbox.oauth2.client_secret_file: ")


def test_secrets_of_oauth2_come_from_the_environment_too(tmp_path: Path) -> None:
    text = BY_TOKEN.replace('client_secret_file = "client.secret"\n', "")
    loaded = load(tmp_path, text, PLANIT_MAILBOX_CLIENT_SECRET="s3cret-word")
    assert loaded.mailbox.oauth2
    assert loaded.mailbox.oauth2.client_secret
    with pytest.raises(ConfigError, match="needs either client_secret_file or certificate_file"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('tenant = "greenfield.example"\nclient_id = "1"\n', ""), "needs tenant and client_id"),
        (('tenant = "greenfield.example"\n', ""), "needs tenant"),
        (('"microsoft365"', '"google"'), "tenant, client_id, client_secret: of no use with provider"),
        (("client_secret_file", "service_account_file"), "must be the JSON key of a service account"),
        (
            ("client_secret_file", "certificate_file"),
            "must hold the private key, without a password, and the certificate",
        ),
        (('client_secret_file = "client.secret"', 'client_secret = "s3cret-word"'), "write it into a file"),
        (("provider", 'authority = "http://login.example"\nprovider'), "mailbox.oauth2.authority"),
        (('username = "data@example.org"', 'username = ""'), "oauth2 needs a username"),
        (("[mailbox.oauth2]", 'password_file = "mailbox.password"\n[mailbox.oauth2]'), "not both"),
        (("client.secret", "nowhere.secret"), "mailbox.oauth2.client_secret_file: .* cannot be read"),
    ],
)
def test_what_is_wrong_with_an_oauth2_table_is_told_without_the_secret(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    (tmp_path / "client.secret").write_text("s3cret-word\n")
    assert change[0] in BY_TOKEN
    with pytest.raises(ConfigError, match=said) as caught:
        load(tmp_path, BY_TOKEN.replace(*change))
    assert "s3cret-word" not in str(caught.value)


# ── files of secrets ──


@pytest.mark.parametrize(("mode", "told"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1)])
def test_a_secret_file_that_others_can_read_is_told_with_what_to_do(tmp_path: Path, mode: int, told: int) -> None:
    loaded = load(tmp_path, LEAST)
    (tmp_path / "mailbox.password").chmod(mode)
    found = list(secrets.exposed(loaded.model_dump()))
    assert len(found) == told
    for line in map(str, found):
        assert line.startswith("mailbox.password_file: ")
        assert f"chmod 600 {tmp_path / 'mailbox.password'}" in line
