"""The texts that users copy work: the example configuration, the templates, the help of every verb."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from planit_mailer.cli import app
from planit_mailer.core import config, oauth2
from planit_mailer.core.config import Config
from planit_mailer.core.paths import folder
from planit_mailer.domain.replies import compose
from tests.support import forms, schools_page
from tests.support.dovecot import CERTIFICATE

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config.example.toml"

VERBS = (
    *("run", "once", "demo", "check", "blank", "show", "status", "explain"),
    *("held", "approve", "refuse", "retry", "schools", "senders", "migrate", "erase", "doctor"),
)


def keys(model: type, prefix: str = "") -> set[str]:
    """Every key that a configuration file may have, without the sections."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = next((arm for arm in get_args(field.annotation) if hasattr(arm, "model_fields")), field.annotation)
        key = f"{prefix}{field.alias or name}"
        if isinstance(kind, type) and hasattr(kind, "model_fields"):
            found |= keys(kind, f"{key}.")
        else:
            found.add(key)
    return found


def keys_of(tree: dict, prefix: str = "") -> set[str]:
    return {
        found
        for name, value in tree.items()
        for found in (keys_of(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"})
    }


def test_the_example_configuration_loads(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(EXAMPLE.read_text())
    (tmp_path / "mailbox.password").write_text("pw\n")
    loaded = config.load(tmp_path / "config.toml", {})
    assert loaded.mailbox.password
    assert loaded.mailbox.password.get_secret_value() == "pw"
    assert loaded.database.url.get_secret_value() == f"sqlite:///{tmp_path}/planit.db"


def test_the_example_configuration_has_every_key() -> None:
    commented = "\n".join(re.sub(r"^# (?=\w+ = |\[)", "", line) for line in EXAMPLE.read_text().splitlines())
    tables = ("mailbox", "smtp")  # secrets are never written into the file
    secrets = {f"{table}.password" for table in tables} | {
        f"{t}.oauth2.{key}" for t in tables for key in oauth2.SECRETS
    }
    assert keys_of(tomllib.loads(commented)) == keys(Config) - secrets


def test_the_example_configuration_shows_the_defaults(tmp_path: Path) -> None:
    needed = '[mailbox]\nhost="127.0.0.1"\nusername="u"\npassword_file="p"\n[smtp]\nhost="127.0.0.1"\nfrom="a@b.test"\n'
    (tmp_path / "p").write_text("pw")
    (tmp_path / "mailbox.password").write_text("pw")
    (tmp_path / "least.toml").write_text(needed + '[service]\noperator="o@b.test"\n')
    (tmp_path / "example.toml").write_text(EXAMPLE.read_text())
    least, example = (config.load(tmp_path / f"{name}.toml", {}) for name in ("least", "example"))
    assert (example.rules, example.limits, example.retention) == (least.rules, least.limits, least.retention)
    assert example.mailbox.folders == least.mailbox.folders


@pytest.mark.parametrize("path", sorted((ROOT / "templates").glob("*")), ids=lambda path: path.name)
def test_every_template_compiles(path: Path) -> None:
    assert compose.load(folder("templates")).get_template(path.name)


def test_the_verbs_are_those_that_work() -> None:
    assert sorted(get_command(app).commands) == sorted(VERBS)


def test_the_changelog_names_every_verb() -> None:
    [told] = re.findall(r"and the verbs (.*?)\.\n", (ROOT / "CHANGELOG.md").read_text(), re.DOTALL)
    assert sorted(re.findall(r"`(\w+)`", told)) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    command = get_command(app).commands[verb]
    for name, sub in getattr(command, "commands", {"": command}).items():
        arguments = [verb, name, "--help"] if name else [verb, "--help"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0
        assert "Example" in result.output, sub


def test_documents_link_to_files_that_are_there() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_page_for_schools_has_every_problem_in_the_catalogues_words() -> None:
    assert schools_page.PAGE.read_text("utf-8") == schools_page.page(), "run python -m tests.schools_page"


def test_the_readmes_configuration_is_one(tmp_path: Path) -> None:
    [block] = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "config.toml").write_text(block)
    (tmp_path / "mailbox.password").write_text("pw")
    assert config.load(tmp_path / "config.toml", {}).mailbox.port == 993
    assert len(block.splitlines()) <= 10


def test_every_command_in_the_documents_is_a_verb() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for verb in re.findall(r"planit-mailer ([a-z]+)", document.read_text()):
            assert verb in VERBS, f"{document.name}: planit-mailer {verb}"


def test_check_tells_of_every_file_also_beside_one_that_is_not_there(tmp_path: Path) -> None:
    for name in ("1.xlsx", "3.xlsx"):
        (tmp_path / name).write_bytes(forms.handbook())
    names = [str(tmp_path / f"{number}.xlsx") for number in (1, 2, 3)]
    result = subprocess.run(
        [sys.executable, "-m", "planit_mailer", "check", *names, "--json"], capture_output=True, text=True, check=False
    )
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["file"], one["accepted"]) for one in told] == [(names[0], True), (names[2], True)]
    assert (result.returncode, result.stderr) == (2, f"{names[1]} cannot be read: No such file or directory.\n")


@pytest.mark.parametrize("name", ["microsoft365", "google"])
def test_the_configurations_for_providers_are_some(tmp_path: Path, name: str) -> None:
    [block] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / f"{name}.md").read_text(), re.DOTALL)
    (tmp_path / "config.toml").write_text(f'{block}[service]\noperator = "ops@greenfield.example"\n')
    environment = {f"PLANIT_{server}_CERTIFICATE": CERTIFICATE.read_text() for server in ("MAILBOX", "SMTP")}
    account = json.dumps({"client_email": "a@b.example", "private_key": "-", "token_uri": "https://c.example"})
    (tmp_path / "google.json").write_text(account)
    loaded = config.load(tmp_path / "config.toml", environment if name == "microsoft365" else {})
    assert loaded.mailbox.oauth2 == loaded.smtp.oauth2
    assert loaded.mailbox.oauth2
    assert loaded.mailbox.oauth2.provider == name
    assert loaded.mailbox.username == loaded.smtp.username == loaded.address
