"""The whole policy as one ordered tuple of rules, each of which may decide what becomes of a letter.

Pure: what the store knows comes in as PolicyContext, the decision goes out as Verdict. The rules ask in this order: is
the sender wanted and authentic, is the message new, may they send, is there a form, is it right?
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from planit_mailer.domain.forms import identity
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.identity import Child
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Severity, Stage
from planit_mailer.domain.forms.upload import Draft
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy import letters, reply_limits, senders
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.schools import School
from planit_mailer.domain.verdict import Cause, File, JudgedUpload, PolicyContext, Verdict

ONLY_VOUCHED = "the operator released it, but the sender is not registered and may be forged"
SPREADSHEET_NAMES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Case:
    """The case that a rule decides: the letter, what the store knows about it, and the time."""

    letter: Letter
    known: PolicyContext
    now: datetime


Rule = Callable[[Case], Verdict | None]


def judge(letter: Letter, known: PolicyContext, now: datetime) -> Verdict:
    """The verdict of the first rule that has one."""
    case = Case(letter, known, now)
    for rule in POLICY:
        if verdict := rule(case):
            return verdict
    raise AssertionError("the last rule of the policy always decides")


def not_authentic(case: Case) -> Verdict | None:
    """Nothing is sent to an address that may be forged; if it is a registered one, the operator is told.

    The operator is told at once, but only so many times a day for each registered address or domain; the rest is told
    once a day, like all other quarantined mail.
    """
    if case.letter.sender.authentic:
        return None
    registered = bool(case.letter.registration.schools)
    tell = registered and case.known.alerts < reply_limits.A_DAY
    why = case.letter.sender.why
    alert = f"A message that names a registered sender was quarantined: {why}." if tell else ""
    return Verdict(Outcome.QUARANTINED, why, unanswered="the sender may be forged", alert=alert, clock=registered)


def denied(case: Case) -> Verdict | None:
    """The operator does not want to hear from this address, nor of what somebody else sends in its name."""
    return _ignored("the sender is denied") if case.letter.registration.denied else None


def delivered_twice(case: Case) -> Verdict | None:
    """The same sender, Message-ID and attachments as a settled message: a mail server delivered it again."""
    return _ignored(f"delivered twice: the same as {case.known.duplicate_of}") if case.known.duplicate_of else None


def from_a_stranger(case: Case) -> Verdict | None:
    """Held if there may be a form in it, else ignored; either way the stranger gets one short answer."""
    if case.letter.registration.schools:
        return None
    if any(file.is_spreadsheet for file in case.letter.files):
        return _answered(Verdict(Outcome.HELD, "the sender is not registered"), ReplyKind.HELD, case)
    nothing = Verdict(Outcome.IGNORED, "the sender is not registered and sent no spreadsheet")
    return _answered(nothing, ReplyKind.HELP, case)


def without_a_form(case: Case) -> Verdict | None:
    """A registered sender who sent no spreadsheet is told what arrived instead."""
    if any(_counts(file) for file in case.letter.files):
        return None
    nothing = Verdict(Outcome.IGNORED, "no spreadsheet in the message", passed_over=case.letter.files)
    return _answered(nothing, ReplyKind.HELP, case)


def with_uploads(case: Case) -> Verdict:
    """Every workbook is one upload with its own outcome; one answer tells them all."""
    taken, passed_over = _sorted(case.letter.files)
    uploads = tuple(_judged(taken, case))
    right = all(upload.judgement.accepted for upload in uploads)
    return Verdict(
        Outcome.ACCEPTED if right else Outcome.REJECTED,
        "every form is applied" if right else "problems in a form",
        uploads,
        passed_over,
        reply=ReplyKind.CONFIRMATION if right else ReplyKind.REPORT,
        automatic=bool(case.letter.machine),
    )


POLICY: tuple[Rule, ...] = (
    denied,
    not_authentic,
    delivered_twice,
    from_a_stranger,
    without_a_form,
    with_uploads,
)


def compared(judgement: Judgement, schools: Sequence[School], children: Callable[[int], Sequence[Child]]) -> Judgement:
    """A judgement with what the register and the store add to it, whoever may send for the school."""
    draft = judgement.draft
    school = senders.school_for(draft.postcode, draft.school_name or "", schools) if draft and draft.postcode else None
    if school is None:
        return judgement
    compared = _for_school(judgement, school, schools)
    if not compared.accepted:
        return compared
    return _matched(JudgedUpload(1, "", compared, school), school, children(school.id), accept=False).judgement


def with_painted(verdict: Verdict, painted: Mapping[Cause, Annotated]) -> Verdict:
    """The verdict with the painted workbooks that go back."""
    return replace(verdict, uploads=tuple(replace(u, painted=painted.get(u.cause)) for u in verdict.uploads))


def _ignored(reason: str) -> Verdict:
    return Verdict(Outcome.IGNORED, reason, unanswered=reason)


def _answered(verdict: Verdict, kind: ReplyKind, case: Case) -> Verdict:
    """The verdict with an answer of this kind, or with the reason why there is none."""
    stranger = not case.letter.registration.schools
    # The operator vouched for what a message brings; that its address is no forged one's, nobody did.
    forged = ONLY_VOUCHED if stranger and case.letter.receipt.released else ""
    limited = reply_limits.exceeded(kind, case.known.recent, case.now, stranger=stranger)
    why_not = forged or case.letter.machine or limited
    if why_not:
        return replace(verdict, unanswered=why_not)
    return replace(verdict, reply=kind)


def _counts(file: File) -> bool:
    """True if a file counts as an upload, even one that is all wrong: the school meant it as a spreadsheet."""
    return file.is_spreadsheet or file.name.lower().endswith(SPREADSHEET_NAMES)


def _sorted(files: Sequence[File]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """The files that count as uploads, and those that are passed over.

    Beside a form, a file that only pretends to be a spreadsheet and a workbook without a form are passed over; a file
    that could not be read may hold a form.
    """
    if any(file.judgement and file.judgement.draft for file in files):
        return _beside_a_form(files)
    uploads = tuple(file for file in files if _counts(file))
    return uploads, tuple(file for file in files if file not in uploads)


def _beside_a_form(files: Sequence[File]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    uploads: list[File] = []
    without_form: list[File] = []
    no_spreadsheets: list[File] = []
    for file in files:
        if _has_no_form(file):
            without_form.append(replace(file, found="there is no form in it"))
        elif file.is_spreadsheet:
            uploads.append(file)
        if not file.is_spreadsheet:
            no_spreadsheets.append(file)
    return tuple(uploads), (*without_form, *no_spreadsheets)


def _has_no_form(file: File) -> bool:
    """True if a workbook was read and nothing like a form was found."""
    found = file.judgement.problems if file.judgement else ()
    return file.is_spreadsheet and any(problem.code == "no-form-found" for problem in found)


def _judged(files: Sequence[File], case: Case) -> Iterator[JudgedUpload]:
    """The uploads in order; each is compared with the children as the uploads before it leave them."""
    letter = case.letter
    children: dict[int, Sequence[Child]] = dict(case.known.children)
    for number, file in enumerate(files, 1):
        assert file.judgement is not None, "a registered sender's files are judged"
        school = letters.school_of(file.judgement, letter.registration)
        judgement = _for_school(file.judgement, school, letter.registration.schools)
        upload = JudgedUpload(number, file.name, judgement, school, digest=file.digest)
        if school and upload.judgement.accepted:
            upload = _matched(upload, school, children[school.id], accept=letter.receipt.accept_identities)
            if upload.upload and upload.matches:
                children[school.id] = identity.after(
                    children[school.id], upload.upload, upload.matches, letter.receipt.arrival
                )
        yield upload


def _for_school(judgement: Judgement, school: School | None, schools: Sequence[School]) -> Judgement:
    """The judgement with what the register adds: whether they may send for it, and its name."""
    draft = judgement.draft
    if draft is None or draft.postcode is None:
        return judgement
    if school is None:
        return _for_no_school(judgement, draft, schools)
    name, _ = draft.school_cells or ("", "")
    if draft.school_name and not identity.same_name(draft.school_name, school.name):
        differs = catalogue.problem("school-name-differs", filter(None, [name]))
        return replace(judgement, problems=(*judgement.problems, differs))
    return judgement


def _for_no_school(judgement: Judgement, draft: Draft, schools: Sequence[School]) -> Judgement:
    """The judgement of a form for none of the sender's schools, or for one of several that its name does not tell."""
    name, postcode = draft.school_cells or ("", "")
    if len(senders.schools_at(draft.postcode or "", schools)) > 1:
        problem = catalogue.problem("school-name-unclear", filter(None, [name]))
    else:
        problem = catalogue.problem("school-not-yours", filter(None, [postcode]))
    early = [one for one in judgement.problems if one.severity is Severity.WARNING or one.stage <= Stage.REQUIRED]
    return replace(judgement, problems=(*early, problem))


def _matched(upload: JudgedUpload, school: School, children: Sequence[Child], *, accept: bool) -> JudgedUpload:
    """The upload with its learners recognised, complete unless somebody is not who they seem."""
    draft = upload.judgement.draft
    assert draft is not None, "an accepted upload has a form"
    complete = draft.complete()
    matches = identity.match(complete, children, accept=accept)
    judgement = replace(upload.judgement, problems=(*upload.judgement.problems, *matches.problems))
    if not judgement.accepted:
        return replace(upload, judgement=judgement)
    return replace(upload, judgement=judgement, school=school, upload=complete, matches=matches)
