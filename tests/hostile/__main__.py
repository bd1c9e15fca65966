"""Prints what hostile files and mails cost: `make hostile`. Measured, never asserted on.

Each is processed in a daemon of its own, with a school's form behind it in the mailbox: its seconds are those until
that school has its answer, too.
"""

import sys
from collections.abc import Iterator, Sequence

from tests.hostile import mails, measuring, spreadsheets
from tests.hostile.measuring import Files, Measured
from tests.support import world

MEGABYTE = 1_000_000
SECONDS, CHILD, DAEMON = 15.0, 500 * MEGABYTE, 300 * MEGABYTE  # the most that any of them may cost


def main(wanted: Sequence[str]) -> None:
    """Measure those whose name has all of these words, or all of them."""
    say(f"{'seconds':>8} {'daemon':>8} {'child':>8} {'database':>9} {'to us':>6}  outcome, what it was")
    above = [name for name, cost in _costs(wanted) if not _told(name, cost)]
    child, daemon = CHILD // MEGABYTE, DAEMON // MEGABYTE
    say(f"{len(above)} above {SECONDS:.0f} s, {child} MB in the child, or {daemon} MB in the daemon")
    for name in above:
        say(f"  {name}")


def _costs(wanted: Sequence[str]) -> Iterator[tuple[str, Measured]]:
    for name, files in _files():
        if all(word in name for word in wanted):
            yield name, measuring.of_files(files)
    for name, build in mails.MAILS.items():
        for sender in (mails.STRANGER, world.OFFICE):
            told = f"{name}, from {'a stranger' if sender == mails.STRANGER else 'a school'}"
            if all(word in told for word in wanted):
                yield told, measuring.of_mail(build(sender=sender))


def _files() -> Iterator[tuple[str, Files]]:
    for name, build in spreadsheets.FILES.items():
        yield name, [build()]
    yield "twenty ods with repeated cells", spreadsheets.twenty_ods_with_repeated_cells()


def _told(name: str, cost: Measured) -> bool:
    """Print a line. Return True if nothing of it is above the most that it may cost."""
    memory = f"{cost.daemon / MEGABYTE:5.0f} MB {cost.child / MEGABYTE:5.0f} MB {cost.growth / MEGABYTE:6.1f} MB"
    say(f"{cost.seconds:6.1f} s {memory} {cost.alerts:6}  {cost.outcome}: {name}")
    return cost.seconds <= SECONDS and cost.child <= CHILD and cost.daemon <= DAEMON


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
