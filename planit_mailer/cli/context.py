"""Shared by all verbs: the configuration, the store, and how facts are printed."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import wiring
from planit_mailer.core import config, logs
from planit_mailer.core.config import Config
from planit_mailer.core.errors import ConfigError
from planit_mailer.domain.forms.problems import catalogue

CONFIG_FILE = "config.toml"

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
Reference = Annotated[str, typer.Argument(metavar="REF", help="The reference of a message, such as PM-7F3K-9Q2T.")]


@dataclass(frozen=True, slots=True)
class Context:
    """The options that every verb has."""

    config_file: Path | None

    def settings(self) -> Config:
        """The configuration: the file that was named, else ./config.toml. Raises ConfigError."""
        if self.config_file is None and not Path(CONFIG_FILE).exists():
            raise ConfigError(
                f"There is no {CONFIG_FILE} in this folder. Name one with --config FILE, or copy config.example.toml."
            )
        settings = config.load(self.config_file or Path(CONFIG_FILE))
        logs.set_up(settings.log.format, settings.log.level)
        return settings

    def store(self) -> Store:
        """The store that the configuration names. Raises ConfigError, Unavailable."""
        return wiring.open_store(self.settings())


def of(ctx: typer.Context) -> Context:
    """The context of a verb."""
    assert isinstance(ctx.obj, Context)
    return ctx.obj


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print a JSON document on one line of standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def console() -> Console:
    """Standard output for people. If it is not a terminal, a line may have 1,000 characters before it is folded."""
    width = None if sys.stdout.isatty() else 1000
    return Console(highlight=False, width=width)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show on standard error, if it is a terminal, what is being done and for how long, while the block runs."""
    out = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    progress = Progress(
        *columns, console=out, transient=True, redirect_stdout=False, redirect_stderr=False, disable=not out.is_terminal
    )
    with progress:
        progress.add_task(catalogue.plain(what))
        yield


def table(*headings: str) -> Table:
    """A table whose cells are folded on a narrow terminal, and never cut off."""
    columns = [Column(heading, overflow="fold") for heading in headings]
    return Table(*columns, box=None, pad_edge=False)
