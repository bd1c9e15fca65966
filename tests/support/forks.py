"""Verbs in processes of their own, forked from one that has imported everything: that saves most of a second each.

What runs there is what the console script runs.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

from planit_mailer import cli

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    ["tests.support.dying", *(f"planit_mailer.cli.{name}" for name in set(cli.MODULES.values()))]
)


class Done(NamedTuple):
    """How a verb ended, and what it printed."""

    code: int | None
    stdout: str
    stderr: str


def run(arguments: Sequence[str], prepare: Callable[[], object] | None = None) -> Done:
    """Run a verb to its end, as `started` begins it."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = started(arguments, out, err, prepare)
        process.join()
        return Done(process.exitcode, out.read_text(), err.read_text())


def started(
    arguments: Sequence[str], out: Path, err: Path, prepare: Callable[[], object] | None = None
) -> ForkServerProcess:
    """A verb that runs in this environment, and adds what it says to these files; `prepare` is called there first."""
    process = processes.Process(target=_run, args=(arguments, (out, err), dict(os.environ), prepare), daemon=True)
    process.start()
    return process


def _run(
    arguments: Sequence[str],
    files: tuple[Path, Path],
    environment: Mapping[str, str],
    prepare: Callable[[], object] | None,
) -> None:
    os.environ.clear()
    os.environ.update(environment, COLUMNS="80")
    tempfile.tempdir = None  # the environment's, not the one of the process that this one was forked from
    for path, stream in zip(files, (sys.stdout, sys.stderr), strict=True):
        with path.open("ab") as file:
            os.dup2(file.fileno(), stream.fileno())
    if prepare:
        prepare()
    sys.argv = ["planit-mailer", *arguments]
    cli.main()
