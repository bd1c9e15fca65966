"""check --annotate writes the workbook with its problems painted in."""

import json
from io import BytesIO
from pathlib import Path

from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from planit_mailer.cli import app
from tests.support import forms
from tests.support.forms import learner


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def a_form(folder: Path) -> Path:
    path = folder / "learners.xlsx"
    path.write_bytes(forms.flat([learner(1, year="99")]))
    return path


def test_it_writes_the_painted_workbook_and_says_so(tmp_path: Path) -> None:
    form, out = a_form(tmp_path), tmp_path / "out.xlsx"
    before = form.read_bytes()

    result = check(form, "--annotate", out)

    book = load_workbook(BytesIO(out.read_bytes()))
    assert result.exit_code == 1
    assert f"painted in is {out}." in result.stdout
    assert book.sheetnames == ["Problems", "Sheet"]
    assert book["Sheet"]["F11"].comment is not None
    assert form.read_bytes() == before


def test_with_json_standard_output_is_json_alone(tmp_path: Path) -> None:
    result = check(a_form(tmp_path), "--json", "--annotate", tmp_path / "out.xlsx")

    assert json.loads(result.stdout)["accepted"] is False
    assert "out.xlsx" in result.stderr


def test_it_takes_one_file_and_never_writes_over_it(tmp_path: Path) -> None:
    form, out = a_form(tmp_path), tmp_path / "out.xlsx"

    assert check(form, form, "--annotate", out).exit_code == 2
    assert check(form, "--annotate", form).exit_code == 2
    assert not out.exists()


def test_what_cannot_be_painted_gives_the_problems_alone(tmp_path: Path) -> None:
    picture, out = tmp_path / "form.xlsx", tmp_path / "out.xlsx"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))

    result = check(picture, "--annotate", out)

    assert "without the workbook" in result.stdout
    assert "a picture" in str(load_workbook(out)["Problems"]["B5"].value)
