"""A PostgreSQL for tests: on a socket in a folder of its own, gone when it stops."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from planit_mailer.adapters.sql.store import Store

STARTS_WITHIN = 30  # seconds
# Nothing of a test has to survive a power cut.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
}


def programs() -> Path | None:
    """The folder with initdb and postgres, the newest where there are several; None where there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return installed[-1].parent if installed else None


class Postgres:
    """A running server; `new_database` gives each test its own."""

    def __init__(self, bin_folder: Path) -> None:
        self._numbers = count(1)
        self.folder = Path(tempfile.mkdtemp(prefix="planit-postgres-"))
        # The server refuses to be root.
        self._as: dict[str, Any] = (
            {"user": _somebody(), "group": _group(), "extra_groups": []} if not os.getuid() else {}
        )
        if self._as:
            shutil.chown(self.folder, self._as["user"], self._as["group"])
        data = self.folder / "data"
        initdb = [
            bin_folder / "initdb",
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "planit",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
            data,
        ]
        subprocess.run(initdb, check=True, capture_output=True, cwd=self.folder, **self._as)
        options = [option for name, value in SETTINGS.items() for option in ("-c", f"{name}={value}")]
        self._command = [bin_folder / "postgres", "-D", data, "-k", self.folder, *options]
        self._log = (self.folder / "log").open("wb")
        self._start()
        self._template = self._create("template0")
        Store(self.url(self._template)).migrate()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://planit@/{database}?host={self.folder}"

    def new_database(self, *, tables: bool = True) -> str:
        """The URL of a database that nobody has used, with or without tables."""
        return self.url(self._create(self._template if tables else "template0"))

    def run(self, database: str, statement: sql.Composed | sql.SQL) -> None:
        with psycopg.connect(host=str(self.folder), user="planit", dbname=database, autocommit=True) as connection:
            connection.execute(statement)

    def checkpoint(self, database: str) -> None:
        """Everything is written to the files, and files that nobody needs are removed."""
        self.run(database, sql.SQL("CHECKPOINT"))

    def files(self, database: str) -> list[Path]:
        """The files of one database: its tables and indexes."""
        with psycopg.connect(host=str(self.folder), user="planit", dbname=database) as connection:
            row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        assert row
        return [path for path in (self.folder / "data" / "base" / str(row[0])).iterdir() if path.is_file()]

    def cut(self, url: str) -> None:
        """End every connection to a database, as a network that breaks does."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
        self.run("postgres", sql.SQL(cut).format(sql.Literal(make_url(url).database)))

    @contextmanager
    def away(self) -> Iterator[None]:
        """The server is stopped for the length of a `with` block, and started again."""
        self._server.send_signal(signal.SIGINT)  # the fast way: connections are ended
        self._server.wait()
        try:
            yield
        finally:
            self._start()

    def stop(self) -> None:
        self._server.send_signal(signal.SIGQUIT)  # at once: nobody needs the data
        self._server.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, template: str) -> str:
        name = f"test{next(self._numbers)}"
        names = (sql.Identifier(name), sql.Identifier(template))
        self.run("postgres", sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(*names))
        return name

    def _start(self) -> None:
        self._server = subprocess.Popen(
            self._command, stdout=self._log, stderr=subprocess.STDOUT, cwd=self.folder, **self._as
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                return self.run("postgres", sql.SQL("SELECT 1"))
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")


def _somebody() -> str:
    users = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"


def _group() -> int:
    return pwd.getpwnam(_somebody()).pw_gid
