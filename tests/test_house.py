"""The house rules that no tool checks; lint, types and import contracts are steps of `make test` before the tests."""

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_no_module_outgrows_a_screenful_of_screens() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "planit_mailer").rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}


def test_the_repository_names_no_package_index_and_no_other_machine() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    suspicious = {
        name
        for name in tracked.decode().split("\0")
        if name and Path(ROOT / name).is_file() and name != "tests/test_house.py"
        for word in ("--index-url", "--extra-index", "--find-links", "file:///opt", "/work/")
        if word in (ROOT / name).read_text("utf-8", errors="ignore")
    }
    assert suspicious == set()


def test_an_installed_copy_has_every_package_the_templates_and_the_migrations() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    ours = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "planit_mailer").rglob("__init__.py")}
    assert set(listed) == ours | {
        "planit_mailer.templates",
        "planit_mailer.migrations",
        "planit_mailer.migrations.versions",
    }
