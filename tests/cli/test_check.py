"""The output of `check` for people: colours and progress on a terminal, a table of problems, several files at once."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from planit_mailer.cli import app
from tests.support import forms
from tests.support.forms import learner

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def written(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def a_bad_one(folder: Path) -> str:
    learners = [learner(number, year="99" if number in {1, 2, 3, 6} else "10") for number in range(1, 7)]
    return written(folder, "bad.xlsx", forms.flat(learners, headings=("SEN [bold]",)))


def on_a_terminal(*arguments: str) -> str:
    """The output of a verb in a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "planit_mailer", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ):
        os.close(theirs)
        seen = b""
        while chunk := _read(ours):
            seen += chunk
    os.close(ours)
    return seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so at the end of a terminal
        return b""


def test_problems_are_a_table_with_their_cells_as_ranges_the_gravest_first(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", a_bad_one(tmp_path)])

    told = [line.split("  ") for line in result.stdout.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in told]
    assert ["Error", "Year must be a year group: N1, N2, R, 1 to 14, or X.", "F11:F13, F16"] in rows
    assert ["Warning", "The heading “SEN [bold]” contains “SEN”: learners will see this. Check", "G10"] in rows
    assert result.stdout.index("Error") < result.stdout.index("Warning")
    assert max(map(len, result.stdout.splitlines())) < 130
    assert result.exit_code == 1


def test_of_several_files_each_is_told_and_then_how_many_would_be_accepted(tmp_path: Path) -> None:
    good = written(tmp_path, "good.xlsx", forms.flat())

    result = CliRunner().invoke(app, ["check", good, a_bad_one(tmp_path), good])

    assert result.stdout.splitlines()[-1] == "2 of 3 files would be accepted."
    assert "1 learner, 1 field\n" in result.stdout
    assert (result.exit_code, CliRunner().invoke(app, ["check", good, good]).exit_code) == (1, 0)


def test_a_terminal_shows_colours_and_what_is_being_read(tmp_path: Path) -> None:
    seen = on_a_terminal("check", a_bad_one(tmp_path))

    plain = ESCAPES.sub("", seen)
    assert "\x1b[31mError\x1b[0m" in seen
    assert "\x1b[33mWarning\x1b[0m" in seen
    assert "Reading bad.xlsx 0:00:0" in plain
    assert max(map(len, plain.replace("\r", "\n").splitlines())) <= 80


def test_other_programs_get_neither_colour_nor_what_is_being_read(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "planit_mailer", "check", "--json", a_bad_one(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, "")
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_nothing_in_a_file_steers_the_terminal(tmp_path: Path) -> None:
    steering = forms.flat(school="Green_x001B_[31mfield_x0007_ [red]", headings=("SEN _x001B_]0;x_x0007_",))
    path = written(tmp_path, "form\x1b[2J.xlsx", steering)

    result = CliRunner().invoke(app, ["check", path])

    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    assert "field [red], ZZ9 9ZZ" in result.output
    assert "contains “SEN”" in result.output
