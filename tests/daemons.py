"""Daemons for tests, as an operator runs them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.world import World


class Daemon:
    """`planit-mailer run` in a process of its own, with its log."""

    def __init__(self, service: World, name: str = "log") -> None:
        self.log = service.folder / name
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "planit_mailer", "--config", str(service.config_file), "run"],
                stdout=log,
                stderr=log,
            )

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def wait_for(self, event: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not any(line["event"] == event for line in self.events()):
            assert time.monotonic() < end, f"no {event!r} in:\n{self.log.read_text()}"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@contextmanager
def running(service: World, name: str = "log") -> Iterator[Daemon]:
    """A daemon that has started, for the length of a `with` block."""
    daemon = Daemon(service, name)
    try:
        daemon.wait_for("daemon started")
        yield daemon
    finally:
        daemon.kill()
