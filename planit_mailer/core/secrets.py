"""Secrets: read them from files of their own or from the environment. The configuration itself contains none."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planit_mailer.core import oauth2
from planit_mailer.core.advice import Advice

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class _Source:
    """The folder and environment that secrets are read from. `mistakes` collects the mistakes in them."""

    folder: Path
    environment: Mapping[str, str]
    mistakes: list[str] = field(default_factory=list)


def take(tree: dict[str, Any], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Put the secrets and the database's full path into a configuration's tree. Return the mistakes."""
    source = _Source(folder, environment)
    for name in ("mailbox", "smtp"):
        section = tree.get(name)
        if isinstance(section, dict):
            _put_secrets(name, section, source)
    database = tree.setdefault("database", {})
    if isinstance(database, dict):
        _put_url(database, source)
    return source.mistakes


def exposed(settings: Mapping[str, Any], table: str = "") -> Iterator[Advice]:
    """Return a warning for each secret file of a configuration's tree that others on this machine can read.

    It is no error, because container engines mount secrets that way, and nobody else is in the container.
    """
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from exposed(value, f"{table}{key}.")
        elif key.endswith("_file") and isinstance(value, Path) and _is_open_to_others(value):
            yield Advice(f"{table}{key}: others on this machine can read it", f"Run: chmod 600 {value}")


def _put_secrets(name: str, section: dict[str, Any], source: _Source) -> None:
    """Put the secrets of one server into its section, [mailbox] or [smtp]."""
    _put_secret(section, name, "password", source)
    tokens = section.get("oauth2")
    if isinstance(tokens, dict):
        for key in oauth2.SECRETS:
            _put_secret(tokens, f"{name}.oauth2", key, source)
    elif name == "mailbox" and "password" not in section and "password_file" not in section:
        source.mistakes.append(
            "mailbox.password_file: missing; name a file that holds the mailbox's password, or fill in [mailbox.oauth2]"
        )


def _put_secret(table: dict[str, Any], name: str, key: str, source: _Source) -> None:
    """Put one secret into the table of this name, from the environment or else from its file.

    The path of the file becomes an absolute one.
    """
    file_key = f"{key}_file"
    if key in table:
        source.mistakes.append(f"{name}.{key}: write it into a file and name that in {file_key}")
        del table[key]
    path = table.get(file_key)
    if isinstance(path, str):
        path = str((source.folder / path).resolve())
        table[file_key] = path
    section = name.partition(".")[0]
    secret = source.environment.get(f"PLANIT_{section.upper()}_{key.upper()}")
    if secret is None and isinstance(path, str):
        secret = _read(Path(path), f"{name}.{file_key}", source.mistakes)
    if secret is not None:
        table[key] = secret


def _read(path: Path, key: str, mistakes: list[str]) -> str | None:
    """The secret in a file. None if it cannot be read, which is added to the mistakes."""
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        mistakes.append(f"{key}: {path} cannot be read: {reason}")
        return None


def _put_url(database: dict[str, Any], source: _Source) -> None:
    """Put the URL of the database into its section. The path of a SQLite file becomes an absolute one."""
    url = source.environment.get("PLANIT_DATABASE_URL") or database.get("url", "sqlite:///planit.db")
    if isinstance(url, str) and url.startswith(SQLITE):
        path = source.folder / url.removeprefix(SQLITE)
        url = f"{SQLITE}{path.resolve()}"
    database["url"] = url


def _is_open_to_others(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
