"""Secrets: they come from a file of their own, or from the environment, and never stand in the configuration."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planit_mailer.core import oauth2
from planit_mailer.core.advice import Advice


@dataclass(frozen=True, slots=True)
class _Source:
    """The source of secrets; `mistakes` collects what is wrong with them."""

    folder: Path
    environment: Mapping[str, str]
    mistakes: list[str] = field(default_factory=list)


def take(tree: dict[str, Any], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Put the secrets and the database's full path into a configuration's tree. Return the mistakes."""
    source = _Source(folder, environment)
    for name in ("mailbox", "smtp"):
        section = tree.get(name)
        if isinstance(section, dict):
            _take_for(name, section, source)
    database = tree.setdefault("database", {})
    if isinstance(database, dict):
        url = environment.get("PLANIT_DATABASE_URL") or database.get("url", "sqlite:///planit.db")
        database["url"] = _absolute(url, folder) if isinstance(url, str) else url
    return source.mistakes


def exposed(settings: Mapping[str, Any], table: str = "") -> Iterator[Advice]:
    """A warning for each secret file of a configuration, as a tree, that others on this machine can read.

    It is no error: container engines mount secrets that way, and nobody else is in there.
    """
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from exposed(value, f"{table}{key}.")
        elif key.endswith("_file") and isinstance(value, Path) and _open_to_others(value):
            yield Advice(f"{table}{key}: others on this machine can read it", f"Run: chmod 600 {value}")


def _take_for(name: str, section: dict[str, Any], source: _Source) -> None:
    """The secrets of one server, [mailbox] or [smtp]."""
    _put(section, name, "password", source)
    tokens = section.get("oauth2")
    if isinstance(tokens, dict):
        for key in oauth2.SECRETS:
            _put(tokens, f"{name}.oauth2", key, source)
    elif name == "mailbox" and "password" not in section and "password_file" not in section:
        source.mistakes.append(
            "mailbox.password_file: missing; name a file that holds the mailbox's password, or fill in [mailbox.oauth2]"
        )


def _put(table: dict[str, Any], where: str, key: str, source: _Source) -> None:
    """One secret, from the environment, else from its file; the file's full path is kept beside it."""
    if key in table:
        source.mistakes.append(f"{where}.{key}: write it into a file and name that in {key}_file")
        del table[key]
    if isinstance(table.get(f"{key}_file"), str):
        table[f"{key}_file"] = str((source.folder / table[f"{key}_file"]).resolve())
    secret = source.environment.get(f"PLANIT_{where.partition('.')[0].upper()}_{key.upper()}")
    if secret is None and isinstance(table.get(f"{key}_file"), str):
        secret = _secret_in(Path(table[f"{key}_file"]), f"{where}.{key}_file", source.mistakes)
    if secret is not None:
        table[key] = secret


def _secret_in(path: Path, key: str, mistakes: list[str]) -> str | None:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        mistakes.append(f"{key}: {path} cannot be read: {reason}")
        return None


def _open_to_others(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _absolute(url: str, folder: Path) -> str:
    """A SQLite file's path is relative to the configuration file's folder, as all paths are."""
    scheme = "sqlite:///"
    return f"{scheme}{(folder / url.removeprefix(scheme)).resolve()}" if url.startswith(scheme) else url
