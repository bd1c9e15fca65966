"""The memory that a process needed."""

from pathlib import Path

STATUS = Path("/proc/self/status")
KIBIBYTE = 1_024


def peak() -> int:
    """The most bytes that this process had in memory since its program began.

    getrusage() does not tell: it counts what the process had before that, as a copy of the one that started it.
    """
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * KIBIBYTE
