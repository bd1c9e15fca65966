"""Daemons for tests, as an operator runs them."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import forks
from tests.support.world import World


class Daemon:
    """`planit-mailer run` in a process of its own, with its log."""

    def __init__(self, service: World, name: str = "log") -> None:
        self.log = service.folder / name
        self.log.write_bytes(b"")
        self.process = forks.started(["--config", str(service.config_file), "run"], self.log, self.log)

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
        self.process.join()

    def reload(self) -> None:
        """Have it read its configuration again."""
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGHUP)

    def stop(self) -> int | None:
        """Tell it to stop; its exit code, None where it goes on."""
        self.process.terminate()
        self.process.join(20)
        return self.process.exitcode


@contextmanager
def running(service: World, name: str = "log") -> Iterator[Daemon]:
    """A daemon that has started, for the length of a `with` block."""
    daemon = Daemon(service, name)
    try:
        daemon.wait_for("daemon started")
        yield daemon
    finally:
        daemon.kill()
