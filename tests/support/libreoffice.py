"""LibreOffice without its windows: an independent reader and writer of spreadsheets, set to the United Kingdom."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SECONDS = 120
# As a cell shows it: divided by commas, in UTF-8, every line, and "save cell contents as shown".
AS_SHOWN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,2057,false,true"
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N">
<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>en-GB</value></prop></item>
</oor:items>
"""


class LibreOffice:
    """The program, with a profile of its own in a folder."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        settings = folder / "profile" / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS, "utf-8")

    def converted(self, files: Mapping[str, bytes], to: str) -> dict[str, bytes]:
        """Files by their names, converted at once; those that come of it by their names without what follows the point.

        `to` is an extension, perhaps with a filter and its options behind a colon.
        """
        given, made = self._folder / "given", self._folder / "made"
        for folder in (given, made):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        for name, data in files.items():
            (given / name).write_bytes(data)
        self._run("--convert-to", to, "--outdir", str(made), *(str(given / name) for name in files))
        return {path.stem: path.read_bytes() for path in made.iterdir()}

    def _run(self, *arguments: str) -> None:
        profile = (self._folder / "profile").as_uri()
        command = [self._program, f"-env:UserInstallation={profile}", "--headless", "--norestore", *arguments]
        environment = {**os.environ, "HOME": str(self._folder)}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=SECONDS)


@pytest.fixture(scope="session")
def libreoffice(tmp_path_factory: pytest.TempPathFactory) -> LibreOffice:
    """LibreOffice; a skip by name where it is not installed, everywhere, for it is too heavy for each machine."""
    program = shutil.which("soffice")
    if not program:
        pytest.skip("LibreOffice is not installed")
    return LibreOffice(program, tmp_path_factory.mktemp("libreoffice"))
