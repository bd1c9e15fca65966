"""Views for the templates: the most important problems, the changes, and how a learner's page will look.

They name headings, counts and cells. The values on the page are invented, the same whatever a form says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Group, Severity
from planit_mailer.domain.forms.upload import Draft, Field
from planit_mailer.domain.verdict import Changes, JudgedUpload

GROUPS, FEWEST = 20, 5  # in a mail, and of one upload; the workbook that goes back has them all
BLOCKS = 20  # of cells, for one of them
HEADING, PARAGRAPH = 200, 2_000  # characters, on the page
INVENTED = ("B", "7", "satisfactory", "95.3%", "level 3", "5-4")  # handbook section 8: letters, numbers and text


@dataclass(frozen=True, slots=True)
class UploadView:
    """One upload as the templates see it; `more` counts the groups of problems that are left out.

    `page` has the fields as a learner will see them, with invented values. `attached` names the workbook that goes
    back, "" if none does; `returned` says what it lacks.
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
    """The uploads of a message, with what each that was applied changed."""
    changed = {change.number: change for change in changes}
    most = max(GROUPS // max(len(uploads), 1), FEWEST)
    views = (_view(upload, most, reference) for upload in uploads)
    return tuple(replace(view, changes=changed.get(u.number)) for view, u in zip(views, uploads, strict=True))


def attached(upload: JudgedUpload, reference: str) -> str:
    """The file name of the workbook that goes back: it is ours, because theirs may be a learner's name."""
    return f"{reference}-{upload.number}.xlsx"


def _view(upload: JudgedUpload, most: int, reference: str) -> UploadView:
    groups = catalogue.grouped(upload.judgement.problems)
    shown = [_shortened(group) for group in groups[:most]]
    returned = upload.painted
    view = UploadView(
        name=catalogue.quoted(upload.file_name),
        accepted=upload.judgement.accepted,
        school=upload.school.name if upload.school else "",
        errors=_of(Severity.ERROR, shown),
        warnings=_of(Severity.WARNING, shown),
        to_fix=len(_of(Severity.ERROR, groups)),
        more=len(groups) - len(shown),
        attached=attached(upload, reference) if returned and returned.data else "",
        returned=returned,
    )
    draft = upload.judgement.draft
    return _with_page(view, draft) if draft else view


def _of(severity: Severity, groups: Sequence[Group]) -> tuple[Group, ...]:
    return tuple(group for group in groups if group.severity is severity)


def _with_page(view: UploadView, draft: Draft) -> UploadView:
    """The view with what learners will read."""
    return replace(
        view,
        learners=len(draft.learners),
        introduction=tuple(_cut(paragraph, PARAGRAPH) for paragraph in draft.introduction),
        page=tuple(Field(_cut(heading, HEADING), value) for heading, value in zip(draft.headings, cycle(INVENTED))),
    )


def _shortened(group: Group) -> Group:
    """A group whose cells can be read in a mail; every second cell of a column is a block of its own."""
    blocks = group.ranges.split(", ")
    if len(blocks) <= BLOCKS:
        return group
    return replace(group, ranges=f"{', '.join(blocks[:BLOCKS])} and {len(blocks) - BLOCKS:,} more places")


def _cut(text: str, most: int) -> str:
    line = catalogue.plain(text)
    return (
        line if len(line) <= most else f"{line[:most].rstrip()}… (cut here; learners see all {len(line):,} characters)"
    )
