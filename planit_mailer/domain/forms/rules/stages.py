"""The rules by stage. All rules of a stage are checked; the stages after one with an error are not.

To add a rule, write a generator and add a line here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.problems.collect import Collected
from planit_mailer.domain.forms.rules import fields, headings, lengths, required, rows, several
from planit_mailer.spreadsheets import references

Rule = Callable[[Form, Criteria], Iterator[Problem]]
RuleAcross = Callable[[Sequence[Form]], Iterator[Problem]]

REQUIRED: tuple[Rule, ...] = (
    required.missing,
    required.unreadable,
    required.postcode,
    required.date_submitted,
    required.introduction,
    required.unused,
)
HEADINGS: tuple[Rule, ...] = (
    headings.missing,
    headings.twice,
    headings.no_fields,
    headings.too_many,
    headings.without_heading,
    headings.same_heading,
    headings.hidden_columns,
    headings.hidden_rows,
    headings.without_values,
    headings.passed_over,
    headings.examples,
    headings.sensitive,
)
ROWS: tuple[Rule, ...] = (
    rows.no_learners,
    rows.missing,
    rows.identity_long,
    rows.dob,
    rows.year,
    rows.upin,
    rows.sims_no,
    rows.provider_number,
    rows.on_several_rows,
    rows.same_upin,
    rows.same_sims_no,
    fields.excel_errors,
    fields.unsaved,
    rows.year_for_dob,
    fields.fields,
    lengths.values,
    lengths.headings,
    lengths.paragraphs,
    fields.merged,
    fields.without_values,
    rows.passed_over,
)
RULES: tuple[tuple[Rule, ...], ...] = (REQUIRED, HEADINGS, ROWS)
ACROSS: Mapping[tuple[Rule, ...], RuleAcross] = MappingProxyType(
    {REQUIRED: several.one_school, ROWS: several.one_row_for_each_learner}
)


def check(forms: Sequence[Form], judging: Criteria) -> tuple[Problem, ...]:
    """Return the problems of the forms of a workbook, up to and including the first stage with an error."""
    found = Collected()
    for rules in RULES:
        for form in forms if rules is not REQUIRED else _with_different_headers(forms):
            for rule in rules:
                found.add(_on_sheet(rule(form, judging), form.name))
        if rules in ACROSS:
            found.add(ACROSS[rules](forms))
        if found.has_errors:
            break
    return found.problems


def _with_different_headers(forms: Sequence[Form]) -> list[Form]:
    """The forms without those whose header block is that of a form before."""
    kept: list[Form] = []
    for form in forms:
        if all(form.header != other.header for other in kept):
            kept.append(form)
    return kept


def _on_sheet(found: Iterable[Problem], name: str) -> Iterator[Problem]:
    """The problems of a form, whose cells have the name of its sheet."""
    for one in found:
        yield replace(one, cells=tuple(references.on_sheet(one.cells, name)))
