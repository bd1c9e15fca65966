"""The paths of the folders without Python code: beside the package in a checkout, inside it once installed."""

from pathlib import Path


def folder(name: str) -> Path:
    """Return the path of the folder `templates` or `migrations`."""
    package = Path(__file__).resolve().parent.parent
    installed = package / name
    return installed if installed.is_dir() else package.parent / name
