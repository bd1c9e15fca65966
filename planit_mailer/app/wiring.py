"""The composition root: turns a configuration into adapters and policies."""

from datetime import date

from planit_mailer.adapters.oauth import tokens
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sql.store import Store
from planit_mailer.core import config
from planit_mailer.core.config import Config
from planit_mailer.core.paths import folder
from planit_mailer.domain.forms import blank
from planit_mailer.domain.forms.judge import Rules
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplySettings
from planit_mailer.mail.authentication_results import Trust
from planit_mailer.pipeline.intake import Policy
from planit_mailer.spreadsheets.model import Limits


def open_store(settings: Config) -> Store:
    """Open the store with its tables. Raises ConfigError if they have another version, or Unavailable."""
    store = Store(settings.database.url.get_secret_value())
    store.prepare()
    return store


def expiries(settings: Config) -> dict[str, date | None]:
    """The date on which each OAuth2 secret expires, by its TOML table; None if it is unknown."""
    tables = {"mailbox.oauth2": settings.mailbox.oauth2, "smtp.oauth2": settings.smtp.oauth2}
    return {name: tokens.expires_on(table) for name, table in tables.items() if table}


def reader(limits: config.Limits) -> Reader:
    """The reading process, within its limits."""
    return Reader(seconds=limits.seconds.total_seconds(), memory=limits.memory)


def policy(settings: Config, reply_settings: ReplySettings) -> Policy:
    """The policy for messages."""
    return Policy(
        folders=folders(settings.mailbox.folders),
        trust=trust(settings.senders),
        reply_within=settings.service.reply_within,
        largest_message=settings.limits.message,
        rules=rules(settings.rules),
        limits=workbook_limits(settings.limits),
        reply_settings=reply_settings,
        return_workbook=settings.service.return_workbook,
        message_seconds=settings.limits.message_seconds.total_seconds(),
        workbooks=settings.limits.workbooks,
    )


def trust(settings: config.Senders) -> Trust:
    """The servers that are trusted to authenticate senders."""
    return Trust(settings.unauthenticated, settings.trusted_authserv_ids, settings.results)


def folders(settings: config.Folders) -> dict[Outcome, str]:
    """The folder for messages of each outcome."""
    return {
        Outcome.ACCEPTED: settings.processed,
        Outcome.REJECTED: settings.rejected,
        Outcome.HELD: settings.held,
        Outcome.QUARANTINED: settings.quarantine,
        Outcome.IGNORED: settings.ignored,
    }


def rules(settings: config.Rules) -> Rules:
    """The rules for learners' data."""
    return Rules(settings.youngest, settings.oldest, settings.check_letter, settings.sensitive)


def workbook_limits(limits: config.Limits) -> Limits:
    """The limits for a workbook."""
    return Limits(workbook=limits.workbook, unpacked=limits.unpacked, rows=limits.rows, text=limits.text)


def reply_settings(settings: Config) -> ReplySettings:
    """The sender of replies, and their templates."""
    return ReplySettings(
        sender=settings.smtp.sender,
        address=settings.address,
        operator=settings.service.operator,
        reply_within=settings.service.reply_within,
        blank_form=blank.blank_form(),
        templates=compose.load(folder("templates")),
        alerts_per_day=settings.limits.alerts_per_day,
    )
