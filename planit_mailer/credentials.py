"""Secrets: they come from a file of their own, or from the environment, and never stand in the configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def take(tree: dict[str, Any], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Put the secrets and the database's full path into a configuration's tree; what is wrong with them."""
    mistakes: list[str] = []
    for name in ("mailbox", "smtp"):
        section = tree.get(name)
        if not isinstance(section, dict):
            continue
        if "password" in section:
            mistakes.append(f"{name}.password: write the password into a file and name it in password_file")
        secret = environment.get(f"PLANIT_{name.upper()}_PASSWORD")
        if secret is None and isinstance(section.get("password_file"), str):
            secret = _secret_in(folder / section["password_file"], f"{name}.password_file", mistakes)
        if secret is None and name == "mailbox" and "password_file" not in section:
            mistakes.append("mailbox.password_file: missing; name a file that holds the mailbox's password")
        if secret is not None:
            section["password"] = secret
    database = tree.setdefault("database", {})
    if isinstance(database, dict):
        url = environment.get("PLANIT_DATABASE_URL") or database.get("url", "sqlite:///planit.db")
        database["url"] = _absolute(url, folder) if isinstance(url, str) else url
    return mistakes


def _secret_in(path: Path, key: str, mistakes: list[str]) -> str | None:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        mistakes.append(f"{key}: {path} cannot be read: {reason}")
        return None


def _absolute(url: str, folder: Path) -> str:
    """A SQLite file's path is relative to the configuration file's folder, as all paths are."""
    scheme = "sqlite:///"
    return f"{scheme}{(folder / url.removeprefix(scheme)).resolve()}" if url.startswith(scheme) else url
