"""The rules by stage. All rules of a stage are checked; the stages after one with an error are not.

To add a rule, write a generator and add a line here.
"""

from collections.abc import Callable, Iterator

from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.problems.collect import Collected
from planit_mailer.domain.forms.rules import fields, headings, lengths, required, rows

Rule = Callable[[Form, Criteria], Iterator[Problem]]

REQUIRED: tuple[Rule, ...] = (
    required.missing,
    required.unreadable,
    required.postcode,
    required.date_submitted,
    required.introduction,
)
HEADINGS: tuple[Rule, ...] = (
    headings.missing,
    headings.twice,
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
    rows.strays,
    rows.missing,
    rows.identity_long,
    rows.dob,
    rows.year,
    rows.upin,
    rows.sims_no,
    rows.provider_number,
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
    rows.below,
)
RULES: tuple[tuple[Rule, ...], ...] = (REQUIRED, HEADINGS, ROWS)


def check(form: Form, judging: Criteria) -> tuple[Problem, ...]:
    """Return the problems of a form, up to and including the first stage with an error."""
    found = Collected()
    for stage in RULES:
        for rule in stage:
            found.add(rule(form, judging))
        if found.has_errors:
            break
    return found.problems
