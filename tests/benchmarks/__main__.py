"""Prints how long reading takes, and how much memory: `make bench`. Measured, never asserted on."""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import forms

SIZES = ((200, 18), (1_200, 81), (4_000, 81), (10_000, 81))
SLOPE = SIZES[1], SIZES[3]
RUNS = 7
BARE = "python_calamine"
# What each does with a file, in a process of its own; imports are not measured.
READERS = {
    "python_calamine": "python_calamine.load_workbook(file).get_sheet_by_index(0).to_python()",
    "openpyxl": "[[(cell.value, cell.number_format) for cell in row if cell.value is not None] for row in "
    "openpyxl.load_workbook(file, read_only=True, data_only=True).worksheets[0]]",
    "pandas": "pandas.read_excel(file, dtype=object)",
}
PROGRAM = """
import sys, time, {0}
file = sys.argv[1]
begin = time.perf_counter()
{1}
print(time.perf_counter() - begin)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size of form takes: seconds by what reads it, our whole check first, and the peak of that in bytes."""

    seconds: Mapping[str, float]
    peak: int


def main() -> None:
    """Measure each size of form with each reader; ratios are to the bare reading of calamine."""
    say(f"{'form':>12}  " + "  ".join(f"{name:>16}" for name in ("check", *READERS)) + "  memory of check")
    measured: dict[tuple[int, int], Measured] = {}
    with tempfile.TemporaryDirectory() as folder:
        one = _written(Path(folder), 1, 81)
        for learners, columns in SIZES:
            path = _written(Path(folder), learners, columns)
            measured[learners, columns] = size = _measured(path, one)
            shown = (f"{taken:6.2f} s {taken / size.seconds[BARE]:5.1f} x" for taken in size.seconds.values())
            columns_of_table = "  ".join(f"{column:>16}" for column in shown)
            say(f"{f'{learners:,} by {columns}':>12}  {columns_of_table}  {size.peak / 1e6:6.0f} MB")
    few, many = (measured[size] for size in SLOPE)
    slopes = (f"{_slope(few.seconds[name], many.seconds[name]):12.2f}    " for name in few.seconds)
    say(f"{'slope':>12}  " + "  ".join(slopes))
    say("check: a whole check, less that of one learner. slope: the power of the rows with which the time grows.")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _written(folder: Path, learners: int, columns: int) -> Path:
    path = folder / f"{learners}.xlsx"
    path.write_bytes(forms.a_form(learners, columns))
    return path


def _measured(path: Path, one: Path) -> Measured:
    """The best of the runs of each, which take turns, so that what else the machine does meets all of them."""
    rest: list[float] = []
    checks: list[tuple[float, int]] = []
    bare: dict[str, list[float]] = {reader: [] for reader in READERS}
    for _ in range(RUNS):
        rest.append(_checked(one)[0])
        checks.append(_checked(path))
        for reader in READERS:
            bare[reader].append(_bare(path, reader))
    check = min(taken for taken, _ in checks) - min(rest)
    return Measured(
        {"check": check} | {name: min(runs) for name, runs in bare.items()}, max(peak for _, peak in checks)
    )


def _slope(few: float, many: float) -> float:
    rows = SLOPE[1][0] / SLOPE[0][0]
    return math.log(many / few) / math.log(rows)


def _bare(path: Path, reader: str) -> float:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM.format(reader, READERS[reader]), path]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _checked(path: Path) -> tuple[float, int]:
    """A whole `check --json`: seconds of wall time, and the peak of the memory of all its processes, in bytes."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "planit_mailer", "check", str(path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.01)
        taken = time.perf_counter() - begin
        assert process.stdout
        judged = json.loads(process.stdout.read())
    assert judged["accepted"], judged["problems"]
    return taken, peak


def _memory(process: int) -> int:
    """What a process and those that it started have in memory of their own, in bytes; only Linux tells."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        own = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return own + sum(_memory(int(child)) for child in children)


if __name__ == "__main__":
    main()
