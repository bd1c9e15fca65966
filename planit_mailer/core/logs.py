"""Structured logs: one line for each event, a constant phrase with fields. They never contain learners' data.

Lines are written as key=value on a terminal and as JSON otherwise. All go to standard error: standard output is for
the results of commands.
"""

import logging
import sys
from contextlib import AbstractContextManager
from typing import Any

import structlog

NOISY = ("sqlalchemy", "alembic", "multipart", "asyncio", "msal", "msoffcrypto", "google", "urllib3")


def get(name: str) -> Any:
    """Return the logger of a module, for calls such as `log.info("constant phrase", field=value)`."""
    return structlog.get_logger(name)


def bound(**fields: str) -> AbstractContextManager[None]:
    """Add fields, such as the reference, to every line that is logged inside the `with` block."""
    return structlog.contextvars.bound_contextvars(**fields)


def set_up(form: str = "auto", level: str = "info") -> None:
    """Send our lines and those of libraries to standard error in the same form.

    `form` is "text", "json", or "auto": text if a terminal reads it. The entry point of a process calls this, and calls
    it again once the configuration is read.
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
    """The last processors, which write a line for a person or for a machine.

    Tracebacks show lines of code and never the values of local variables, which may be a learner's.
    """
    if text:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _quieten() -> None:
    """Raise the levels of libraries, whatever our own level is.

    At DEBUG they log secrets: imapclient logs the bodies of messages, msoffcrypto passwords, and the libraries for
    OAuth2 their requests.
    """
    logging.getLogger("imapclient").setLevel(logging.INFO)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Our jobs log themselves. It is no event that a job still runs when it is due again.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
