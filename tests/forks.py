"""Verbs in processes of their own, forked from one that has imported everything: that saves most of a second each.

What runs there is what the console script runs.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from planit_mailer import cli

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.dying", *(f"planit_mailer.cli.{name}" for name in set(cli.MODULES.values()))])


class Done(NamedTuple):
    """How a verb ended, and what it printed."""

    code: int | None
    stdout: str
    stderr: str


def run(arguments: Sequence[str]) -> Done:
    """Run a verb to its end, in this environment."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = processes.Process(target=_run, args=(arguments, out, err, dict(os.environ)), daemon=True)
        process.start()
        process.join()
        return Done(process.exitcode, out.read_text(), err.read_text())


def _run(arguments: Sequence[str], out: Path, err: Path, environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment, COLUMNS="80")
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = ["planit-mailer", *arguments]
    cli.main()
