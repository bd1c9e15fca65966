"""The data for the templates: an upload's most important problems, its changes, and how a learner's page will look.

It contains headings, counts and cells. The values on the page are invented, and the same for every form.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Group, Severity
from planit_mailer.domain.forms.upload import Draft, Field
from planit_mailer.domain.verdict import Changes, JudgedUpload

GROUPS = 20  # groups of problems in one mail; the painted workbook has them all
FEWEST = 5  # groups of problems that each upload may have, even if there are many uploads
HEADING, PARAGRAPH = 200, 2_000  # characters, on the page
INVENTED = ("B", "7", "satisfactory", "95.3%", "level 3", "5-4")  # handbook section 8: letters, numbers and text


@dataclass(frozen=True, slots=True)
class UploadView:
    """One upload as the templates see it.

    `to_fix` counts the groups of errors, and `more` the groups of problems that are left out. `page` are the fields as
    a learner will see them, with invented values. `attached` is the file name of the workbook that goes back, "" if
    none does. `returned` says what that workbook lacks.
    """

    name: str
    accepted: bool
    school: str
    errors: tuple[Group, ...]
    warnings: tuple[Group, ...]
    to_fix: int
    more: int = 0
    learners: int = 0
    introduction: tuple[str, ...] = ()
    page: tuple[Field, ...] = ()
    changes: Changes | None = None
    attached: str = ""
    returned: Annotated | None = None


def of(uploads: Sequence[JudgedUpload], changes: Sequence[Changes], reference: str) -> tuple[UploadView, ...]:
    """Return the views of a message's uploads. `changes` are the changes that the accepted ones made."""
    changes_of = {change.number: change for change in changes}
    most = max(GROUPS // max(len(uploads), 1), FEWEST)
    views = []
    for upload in uploads:
        view = replace(_problems(upload, most), changes=changes_of.get(upload.number))
        if upload.judgement.draft:
            view = _with_page(view, upload.judgement.draft)
        if upload.painted_data:
            view = replace(view, attached=attached(upload, reference))
        views.append(view)
    return tuple(views)


def attached(upload: JudgedUpload, reference: str) -> str:
    """Return the file name for the workbook that goes back: not the school's, which may be a learner's name."""
    return f"{reference}-{upload.number}.xlsx"


def _problems(upload: JudgedUpload, most: int) -> UploadView:
    """The view with no more than these many groups of problems, and without a page."""
    groups = catalogue.grouped(upload.judgement.problems)
    shown = [replace(group, ranges=catalogue.shortened(group.ranges)) for group in groups[:most]]
    return UploadView(
        name=catalogue.quoted(upload.file_name),
        accepted=upload.judgement.accepted,
        school=upload.school.name if upload.school else "",
        errors=_with_severity(Severity.ERROR, shown),
        warnings=_with_severity(Severity.WARNING, shown),
        to_fix=len(_with_severity(Severity.ERROR, groups)),
        more=len(groups) - len(shown),
        returned=upload.painted,
    )


def _with_severity(severity: Severity, groups: Sequence[Group]) -> tuple[Group, ...]:
    return tuple(group for group in groups if group.severity is severity)


def _with_page(view: UploadView, draft: Draft) -> UploadView:
    """The view with the page that learners will read."""
    page = [Field(_cut(heading, HEADING), value) for heading, value in zip(draft.headings, cycle(INVENTED))]
    return replace(
        view,
        learners=len(draft.learners),
        introduction=tuple(_cut(paragraph, PARAGRAPH) for paragraph in draft.introduction),
        page=tuple(page),
    )


def _cut(text: str, most: int) -> str:
    line = catalogue.plain(text)
    if len(line) <= most:
        return line
    return f"{line[:most].rstrip()}… (cut here; learners see all {len(line):,} characters)"
