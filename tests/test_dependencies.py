"""Whatever is installed with us is pinned, and what we chose has its reason."""

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
US = canonicalize_name(PROJECT["name"])


def chosen() -> set[str]:
    """The packages that pyproject.toml names."""
    extras = PROJECT["optional-dependencies"].values()
    named = [*PROJECT["dependencies"], *(name for extra in extras for name in extra)]
    return {canonicalize_name(Requirement(line).name) for line in named} - {US}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def beneath(name: str, extras: Iterable[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """Every package that is installed with one, itself left out."""
    wanted = frozenset(extras)
    if (name, wanted) in seen:
        return set()
    seen.add((name, wanted))
    found: set[str] = set()
    for line in metadata.requires(name) or ():
        need = Requirement(line)
        if need.marker and not any(need.marker.evaluate({"extra": extra}) for extra in wanted or {""}):
            continue
        below = canonicalize_name(need.name)
        found |= ({below} if below != US else set()) | beneath(below, need.extras, seen)
    return found


def test_every_package_that_is_installed_with_us_is_pinned_to_the_version_that_is_tested() -> None:
    everything = beneath(US, ("", "dev"), set())
    assert {"msal", "google-auth", "cryptography", "requests", "urllib3"} < everything
    assert {name: metadata.version(name) for name in everything} == {name: pins().get(name) for name in everything}


def test_every_package_that_we_chose_has_its_reason_and_no_other() -> None:
    rows = re.findall(r"^\| ([\w, -]+) \| (.+) \|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    reasons = {name: reason for names, reason in rows if names != "package" for name in names.split(", ")}
    assert set(reasons) - {"---"} == chosen()
    assert all(reasons.values())
