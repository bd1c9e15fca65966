"""Structured logs: one line an event, constant phrases with fields, the reference on every line, no learner's data.

Key-value on a terminal, JSON otherwise. Everything goes to standard error: standard output is for facts.
"""

import logging
import sys
from contextlib import AbstractContextManager
from typing import Any

import structlog


def get(name: str) -> Any:
    """A logger for a module: `log.info("constant phrase", field=value)`."""
    return structlog.get_logger(name)


def bound(**fields: str) -> AbstractContextManager[None]:
    """Bind fields, such as the reference, to every line that is logged inside the `with` block."""
    return structlog.contextvars.bound_contextvars(**fields)


def set_up(form: str = "auto", level: str = "info") -> None:
    """Send our lines and those of libraries to standard error, in one form: "text", "json", or "auto" for a terminal.

    Called by the process's entry point, and again once its configuration is read.
    """
    stream = sys.stderr
    text = form == "text" or (form == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(text=text),
            ],
        ),
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten()


def _renderers(*, text: bool) -> list[structlog.typing.Processor]:
    """For a person on a terminal, or for a machine.

    Tracebacks show lines of code and never the values of local variables: those may be a learner's.
    """
    if text:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _quieten() -> None:
    # At DEBUG imapclient logs the bodies of messages, learners' data, msoffcrypto passwords, and those that ask for
    # tokens what was said: fixed here, whatever the level above.
    for name in (
        "imapclient",
        "sqlalchemy",
        "alembic",
        "multipart",
        "asyncio",
        "msal",
        "msoffcrypto",
        "google",
        "urllib3",
    ):
        logging.getLogger(name).setLevel(logging.INFO if name == "imapclient" else logging.WARNING)
    # Our jobs log themselves; that one still runs when its time comes again is no event.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
