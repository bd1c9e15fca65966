"""The rules, by stage: all of a stage are asked, and a stage that finds an error is the last.

A new rule is one generator and one line here.
"""

from collections.abc import Callable, Iterator

from planit_mailer.uploads import field_rules, heading_rules, required_rules, row_rules
from planit_mailer.uploads.form import Form
from planit_mailer.uploads.policy import Judging
from planit_mailer.uploads.problems import Problem, Severity

Rule = Callable[[Form, Judging], Iterator[Problem]]

REQUIRED: tuple[Rule, ...] = (
    required_rules.missing,
    required_rules.unreadable,
    required_rules.postcode,
    required_rules.date_submitted,
    required_rules.introduction,
)
HEADINGS: tuple[Rule, ...] = (
    heading_rules.missing,
    heading_rules.twice,
    heading_rules.too_many,
    heading_rules.without_heading,
    heading_rules.same_heading,
    heading_rules.hidden_columns,
    heading_rules.hidden_rows,
    heading_rules.without_values,
    heading_rules.passed_over,
    heading_rules.examples,
    heading_rules.sensitive,
)
ROWS: tuple[Rule, ...] = (
    row_rules.no_learners,
    row_rules.strays,
    row_rules.missing,
    row_rules.identity_long,
    row_rules.dob,
    row_rules.year,
    row_rules.upin,
    row_rules.sims_no,
    row_rules.provider_number,
    row_rules.same_upin,
    row_rules.same_sims_no,
    field_rules.excel_errors,
    field_rules.unsaved,
    row_rules.year_for_dob,
    field_rules.fields,
    field_rules.long_values,
    field_rules.merged,
    row_rules.below,
)
RULES: tuple[tuple[Rule, ...], ...] = (REQUIRED, HEADINGS, ROWS)


def check(form: Form, judging: Judging) -> tuple[Problem, ...]:
    """The problems of a form, up to and with the first stage that has an error."""
    found: list[Problem] = []
    for stage in RULES:
        found += [problem for rule in stage for problem in rule(form, judging)]
        if any(problem.severity is Severity.ERROR for problem in found):
            break
    return tuple(found)
