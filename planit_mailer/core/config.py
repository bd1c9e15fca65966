"""The configuration: read one TOML file and the environment into one frozen tree, and report all mistakes at once.

Durations are written "60s", "15m", "48h", "14d", sizes "25MB". A secret comes from a file (`password_file`) or from an
environment variable (`PLANIT_MAILBOX_PASSWORD`, `PLANIT_SMTP_CLIENT_SECRET`, `PLANIT_DATABASE_URL` …) and is never
printed. Relative paths are relative to the folder of the configuration file.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from planit_mailer.core import secrets, sensitive_words, units
from planit_mailer.core.errors import ConfigError
from planit_mailer.core.oauth2 import OAuth2
from planit_mailer.core.units import AuthservId, Duration, MailAddress, Port, Security, Size


class Section(BaseModel):
    """A table of the file. Unknown keys are mistakes, and the values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(Section):
    """A mail server and how to log in to it. Unencrypted connections are for loopback only."""

    host: str
    port: Port
    security: Security
    username: str
    password_file: Path | None = None
    password: SecretStr | None = None
    oauth2: OAuth2 | None = None

    @model_validator(mode="after")
    def _plain_text_stays_on_this_machine(self) -> "Server":
        if self.security == "none" and not units.on_loopback(self.host):
            raise ValueError('security = "none" is for this machine only: use "tls" or "starttls"')
        return self

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> "Server":
        if self.oauth2 and (self.password or self.password_file):
            raise ValueError("give a password or an oauth2 table, not both")
        if self.oauth2 and not self.username:
            raise ValueError("oauth2 needs a username: the mailbox's address")
        return self


class Folders(Section):
    """The folders for messages, by outcome. `sent` has the relay's copies of our replies, "" for none."""

    processed: str = Field("Processed", min_length=1)
    rejected: str = Field("Rejected", min_length=1)
    held: str = Field("Held", min_length=1)
    quarantine: str = Field("Quarantine", min_length=1)
    ignored: str = Field("Ignored", min_length=1)
    sent: str = ""


class Mailbox(Server):
    """The mailbox that schools write to."""

    port: Port = 993
    security: Security = "tls"
    folder: str = "INBOX"
    poll_every: Duration = timedelta(seconds=60)
    idle: bool = True
    folders: Folders = Folders()

    @model_validator(mode="after")
    def _folders_differ(self) -> "Mailbox":
        """Refuse a folder that is the inbox or used twice. Its messages would be read again or deleted too early."""
        names = [self.folder, *(name for name in self.folders.model_dump().values() if name)]
        if len({name.casefold() for name in names}) < len(names):
            raise ValueError("folder and all folders in mailbox.folders must have different names")
        return self


class Smtp(Server):
    """The relay that sends our replies."""

    port: Port = 587
    security: Security = "starttls"
    sender: MailAddress = Field(alias="from")
    username: str = ""


class Database(Section):
    """The database: SQLite for one machine, PostgreSQL for several."""

    url: SecretStr = SecretStr("sqlite:///planit.db")

    @field_validator("url")
    @classmethod
    def _one_of_the_two(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError('write "sqlite:///planit.db" or "postgresql+psycopg://user@host/database"')
        return url


class Service(Section):
    """The address that answers, the operator's address, and the time within which schools were promised an answer."""

    operator: MailAddress
    reply_within: Duration = timedelta(hours=48)
    address: MailAddress | Literal[""] = ""
    return_workbook: bool = True


class Senders(Section):
    """How senders are authenticated: by results of named servers or Microsoft 365, or by signatures verified here."""

    unauthenticated: Literal["quarantine", "accept"] = "quarantine"
    trusted_authserv_ids: tuple[AuthservId, ...] = ()
    results: Literal["authserv-id", "microsoft365", "dkim"] = "authserv-id"


class Rules(Section):
    """The rules for learners' data. Ages are in years. `sensitive` words in a heading give a warning."""

    youngest: int = Field(3, ge=0)
    oldest: int = Field(25, le=120)
    check_letter: bool = True
    sensitive: tuple[str, ...] = sensitive_words.WORDS

    @model_validator(mode="after")
    def _youngest_first(self) -> "Rules":
        if self.youngest > self.oldest:
            raise ValueError("youngest must not be more than oldest")
        return self


class Limits(Section):
    """Limits on sizes, on the time to read a file or a message, on the replies to one address, and on alerts."""

    message: Size = 25_000_000
    workbook: Size = 15_000_000
    unpacked: Size = 200_000_000
    text: Size = 20_000_000
    rows: int = Field(20_000, ge=1)
    seconds: Duration = timedelta(seconds=10)
    message_seconds: Duration = timedelta(seconds=12)
    workbooks: int = Field(20, ge=1)
    memory: Annotated[Size, Field(ge=200_000_000)] = 1_000_000_000  # with less, the reading process cannot start
    replies_per_day: int = Field(500, ge=1)
    alerts_per_day: int = Field(20, ge=1)


class Retention(Section):
    """The times for which filed mail and receipts are kept."""

    keep_applied: Duration = timedelta(days=14)
    keep_rejected: Duration = timedelta(days=14)
    keep_held: Duration = timedelta(days=30)
    keep_quarantined: Duration = timedelta(days=30)
    keep_ignored: Duration = timedelta(days=14)
    keep_receipts: Duration = timedelta(days=400)


class Log(Section):
    """The form and level of the log. With "auto", a terminal gets text and anything else JSON."""

    format: Literal["auto", "json", "text"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section):
    """The whole configuration."""

    mailbox: Mailbox
    smtp: Smtp
    database: Database = Database()
    service: Service
    senders: Senders = Senders()
    rules: Rules = Rules()
    limits: Limits = Limits()
    retention: Retention = Retention()
    log: Log = Log()

    @property
    def address(self) -> str:
        """The bare address that answers: that of `[service] address`, or else of `[smtp] from`."""
        return parseaddr(self.service.address or self.smtp.sender)[1]


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file. Raises ConfigError with every mistake, one on each line, and how to correct it."""
    tree = _parsed(path)
    mistakes = secrets.take(tree, path.parent, environment)
    mistakes += _mistakes_between_sections(tree)
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        mistakes += [_in_words(item) for item in error.errors(include_url=False, include_input=False)]
    if mistakes:
        indented = [f"  {mistake}" for mistake in mistakes]
        raise ConfigError("\n".join([f"{path} has {len(mistakes)} mistake(s):", *indented]))
    return config


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no configuration file {path}. Copy config.example.toml and fill it in.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _mistakes_between_sections(tree: dict[str, Any]) -> Iterator[str]:
    """The mistakes between sections. They are found in the bare tree, so that they are reported with all others."""
    match tree:
        case {"senders": {"unauthenticated": "accept"}, "mailbox": {"host": str(host)}} if not units.on_loopback(host):
            yield 'senders.unauthenticated: "accept" is for a mailbox on this machine only'


def _in_words(item: Any) -> str:
    """A mistake on one line: the key in the file, and what to do about it."""
    key = ".".join(map(str, item["loc"]))
    match item["type"]:
        case "extra_forbidden":
            return f"{key}: there is no such key; config.example.toml lists them all"
        case "missing":
            return f"{key}: missing"
        case "value_error" if not key:
            return str(item["ctx"]["error"])
        case "value_error":
            return f"{key}: {item['ctx']['error']}"
        case _:
            return f"{key}: {item['msg']}"
