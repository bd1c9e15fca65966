"""Keeps docs/schools.md in step with the catalogue: `python -m tests.schools_page` writes its table anew."""

from pathlib import Path

from planit_mailer.domain.forms.problems.catalogue import CATALOGUE
from planit_mailer.domain.forms.problems.entry import Stage

PAGE = Path(__file__).resolve().parents[2] / "docs" / "schools.md"
START, END = "<!-- problems -->\n", "<!-- /problems -->\n"
TITLES = {
    Stage.FILE: "The file",
    Stage.FORM: "The form",
    Stage.REQUIRED: "The required information",
    Stage.HEADINGS: "The headings",
    Stage.ROWS: "The rows",
    Stage.LEARNERS: "The learners, compared with earlier uploads",
}


def problems() -> str:
    """Every problem by stage, with what it says, how it is put right, and what right looks like."""
    parts = []
    for stage, title in TITLES.items():
        rows = [
            f"| {entry.severity.value} | {_cell(entry.message)} | {_cell(entry.fix)} "
            f"| {_cell(entry.example)} | `{code}` |\n"
            for code, entry in CATALOGUE.items()
            if entry.stage is stage
        ]
        head = "| | what we say | how to put it right | for example | code |\n|---|---|---|---|---|\n"
        parts.append(f"\n### {title}\n\n{head}{''.join(rows)}")
    return "".join(parts) + "\n"


def page() -> str:
    """The page as it ought to be."""
    text = PAGE.read_text("utf-8")
    return text[: text.index(START) + len(START)] + problems() + text[text.index(END) :]


def _cell(text: str) -> str:
    return text.replace("|", "/")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
