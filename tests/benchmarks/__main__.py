"""Prints how long reading takes, and how much memory: `make bench`. Measured, never asserted on."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import forms

SIZES = ((200, 18), (1_200, 81), (4_000, 81), (10_000, 81))
RUNS = 3
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


def main() -> None:
    """Measure each size of form with each reader that is installed; ratios are to the bare reading of calamine."""
    readers = [name for name in READERS if importlib.util.find_spec(name)]
    with tempfile.TemporaryDirectory() as folder:
        one = _written(Path(folder), 1, 81)
        rest = min(_checked(one)[0] for _ in range(RUNS))
        say(f"A whole check of one learner, taken off the others: {rest:.2f} s")
        say(f"{'form':>12}  {'check':>16}  " + "  ".join(f"{name:>16}" for name in readers) + "  memory of check")
        for learners, columns in SIZES:
            path = _written(Path(folder), learners, columns)
            say(f"{f'{learners:,} by {columns}':>12}  {_measured(path, readers, rest)}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _written(folder: Path, learners: int, columns: int) -> Path:
    path = folder / f"{learners}.xlsx"
    path.write_bytes(forms.a_form(learners, columns))
    return path


def _measured(path: Path, readers: Sequence[str], rest: float) -> str:
    """The rest of a line of the table: the best of the runs of each, which take turns."""
    checks: list[tuple[float, int]] = []
    bare: dict[str, list[float]] = {reader: [] for reader in readers}
    for _ in range(RUNS):
        checks.append(_checked(path))
        for reader in readers:
            bare[reader].append(_bare(path, reader))
    seconds = [min(check[0] for check in checks) - rest, *(min(runs) for runs in bare.values())]
    shown = (f"{taken:6.2f} s {taken / seconds[1]:5.1f} x" for taken in seconds)
    return f"{'  '.join(f'{column:>16}' for column in shown)}  {max(check[1] for check in checks) / 1e6:6.0f} MB"


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
