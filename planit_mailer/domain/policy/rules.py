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
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy import letters, reply_limits, senders
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.schools import School, SenderRegistration
from planit_mailer.domain.verdict import Cause, File, JudgedUpload, PolicyContext, Verdict
from planit_mailer.spreadsheets.model import Range

ONLY_VOUCHED = "the operator released it, but the sender is not registered and may be forged"


@dataclass(frozen=True, slots=True)
class Case:
    """The facts that a rule decides on: the letter, what the store knows about it, and the time."""

    letter: Letter
    context: PolicyContext
    now: datetime

    @property
    def from_registered(self) -> bool:
        """True if the From address may send for a school, authentic or not."""
        return bool(self.letter.registration.schools)


Rule = Callable[[Case], Verdict | None]


def judge(letter: Letter, context: PolicyContext, now: datetime) -> Verdict:
    """Return the verdict of the first rule that decides."""
    case = Case(letter, context, now)
    for rule in POLICY:
        verdict = rule(case)
        if verdict:
            return verdict
    raise AssertionError("the last rule of the policy always decides")


def denied(case: Case) -> Verdict | None:
    """Ignore an address that the operator denied, and whatever somebody else sends in its name."""
    if not case.letter.registration.denied:
        return None
    return _ignored("the sender is denied")


def not_authentic(case: Case) -> Verdict | None:
    """Quarantine a message whose sender may be forged. Nothing is ever sent to such an address.

    If it names a registered sender, the operator is alerted at once, but only so many times a day for each registered
    address or domain. All other quarantined messages are in the operator's daily mail.
    """
    if case.letter.sender.authentic:
        return None
    why = case.letter.sender.why
    alert = ""
    if case.from_registered and case.context.alerts < reply_limits.A_DAY:
        alert = f"A message that names a registered sender was quarantined: {why}."
    return Verdict(
        Outcome.QUARANTINED,
        why,
        unanswered="the sender may be forged",
        alert=alert,
        answer_owed=case.from_registered,
    )


def delivered_twice(case: Case) -> Verdict | None:
    """Ignore a message with the sender, Message-ID and attachments of a settled one: a server delivered it again."""
    if not case.context.duplicate_of:
        return None
    return _ignored(f"delivered twice: the same as {case.context.duplicate_of}")


def from_a_stranger(case: Case) -> Verdict | None:
    """Hold an unregistered sender's message if it may contain a form, else ignore it. Each gets one short answer."""
    if case.from_registered:
        return None
    if any(file.is_spreadsheet for file in case.letter.files):
        held = Verdict(Outcome.HELD, "the sender is not registered")
        return _answered(held, ReplyKind.HELD, case)
    ignored = Verdict(Outcome.IGNORED, "the sender is not registered and sent no spreadsheet")
    return _answered(ignored, ReplyKind.HELP, case)


def without_a_form(case: Case) -> Verdict | None:
    """Ignore a message without a spreadsheet. The answer tells the sender what arrived instead."""
    if any(map(_counts_as_upload, case.letter.files)):
        return None
    ignored = Verdict(Outcome.IGNORED, "no spreadsheet in the message", passed_over=case.letter.files)
    return _answered(ignored, ReplyKind.HELP, case)


def with_uploads(case: Case) -> Verdict:
    """Judge each workbook as an upload with its own outcome. One answer is about all of them."""
    files, passed_over = _split(case.letter.files)
    uploads = tuple(_judged_in_order(files, case))
    rejected = Verdict(
        Outcome.REJECTED,
        "problems in a form",
        uploads,
        passed_over,
        reply=ReplyKind.REPORT,
        automatic=bool(case.letter.machine),
    )
    if all(upload.judgement.accepted for upload in uploads):
        return replace(rejected, outcome=Outcome.ACCEPTED, reason="every form is applied", reply=ReplyKind.CONFIRMATION)
    return rejected


POLICY: tuple[Rule, ...] = (
    denied,
    not_authentic,
    delivered_twice,
    from_a_stranger,
    without_a_form,
    with_uploads,
)


def compared(judgement: Judgement, schools: Sequence[School], children: Callable[[int], Sequence[Child]]) -> Judgement:
    """Add the problems that the register and the store know of, regardless of who may send for the school."""
    school = letters.school_of(judgement, SenderRegistration(tuple(schools)))
    if school is None:
        return judgement
    compared = _compared_with_register(judgement, school, schools)
    if not compared.accepted:
        return compared
    return _matched(JudgedUpload(1, "", compared, school), children(school.id), accept=False).judgement


def with_painted(verdict: Verdict, painted: Mapping[Cause, Annotated]) -> Verdict:
    """Return the verdict with the painted workbooks that go back to the school."""
    uploads = [replace(upload, painted=painted.get(upload.cause)) for upload in verdict.uploads]
    return replace(verdict, uploads=tuple(uploads))


def _ignored(reason: str) -> Verdict:
    return Verdict(Outcome.IGNORED, reason, unanswered=reason)


def _answered(verdict: Verdict, kind: ReplyKind, case: Case) -> Verdict:
    """The verdict with an answer of this kind, or with the reason why there is no answer."""
    stranger = not case.from_registered
    why_not = case.letter.machine or reply_limits.exceeded(kind, case.context.recent, case.now, stranger=stranger)
    if stranger and case.letter.receipt.released:
        why_not = ONLY_VOUCHED  # the operator vouched for the content; the address may still be forged
    if why_not:
        return replace(verdict, unanswered=why_not)
    return replace(verdict, reply=kind)


def _split(files: Sequence[File]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """The files that count as uploads, and the files that are passed over.

    If one file has a form, a workbook without a form and a file that only has a spreadsheet's name are passed over. A
    workbook that could not be read still counts: it may contain a form.
    """
    if any(file.judgement and file.judgement.draft for file in files):
        return _split_beside_a_form(files)
    uploads: list[File] = []
    others: list[File] = []
    for file in files:
        if _counts_as_upload(file):
            uploads.append(file)
        else:
            others.append(file)
    return tuple(uploads), tuple(others)


def _counts_as_upload(file: File) -> bool:
    """True if the school meant the file as a spreadsheet, by its content or by its name."""
    return file.is_spreadsheet or file.name.lower().endswith(letters.SPREADSHEET_NAMES)


def _split_beside_a_form(files: Sequence[File]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    uploads: list[File] = []
    without_form: list[File] = []
    others: list[File] = []
    for file in files:
        if not file.is_spreadsheet:
            others.append(file)
        elif _lacks_form(file):
            without_form.append(replace(file, found="there is no form in it"))
        else:
            uploads.append(file)
    return tuple(uploads), (*without_form, *others)


def _lacks_form(file: File) -> bool:
    """True if a workbook was read and nothing like a form was found in it."""
    if file.judgement is None:
        return False
    return any(problem.code == "no-form-found" for problem in file.judgement.problems)


def _judged_in_order(files: Sequence[File], case: Case) -> Iterator[JudgedUpload]:
    """The uploads in order. Each is compared with the children as they are after the uploads before it."""
    receipt = case.letter.receipt
    children: dict[int, Sequence[Child]] = dict(case.context.children)
    for number, file in enumerate(files, 1):
        upload = _upload(number, file, case.letter.registration)
        school = upload.school
        if school and upload.judgement.accepted:
            known = children[school.id]
            upload = _matched(upload, known, accept=receipt.accept_identities)
            if upload.upload and upload.matches:
                children[school.id] = identity.after(known, upload.upload, upload.matches, receipt.arrival)
        yield upload


def _upload(number: int, file: File, registration: SenderRegistration) -> JudgedUpload:
    """A file as an upload, compared with the register but not yet with the learners."""
    assert file.judgement is not None, "a registered sender's files are judged"
    school = letters.school_of(file.judgement, registration)
    judgement = _compared_with_register(file.judgement, school, registration.schools)
    return JudgedUpload(number, file.name, judgement, school, digest=file.digest)


def _compared_with_register(judgement: Judgement, school: School | None, schools: Sequence[School]) -> Judgement:
    """The judgement with a problem added if the sender may not send for the school, or if its name differs."""
    draft = judgement.draft
    if draft is None or draft.postcode is None:
        return judgement
    name_cell, postcode_cell = draft.school_cells or (None, None)
    if school is None:
        if len(senders.schools_at(draft.postcode, schools)) > 1:
            return _with_problem(_early(judgement), "school-name-unclear", name_cell)
        return _with_problem(_early(judgement), "school-not-yours", postcode_cell)
    if draft.school_name and not identity.same_name(draft.school_name, school.name):
        return _with_problem(judgement, "school-name-differs", name_cell)
    return judgement


def _early(judgement: Judgement) -> Judgement:
    """The judgement without errors of later stages: the learners of a school that is not theirs are not judged."""
    early = []
    for problem in judgement.problems:
        if problem.severity is Severity.WARNING or problem.stage <= Stage.REQUIRED:
            early.append(problem)
    return replace(judgement, problems=tuple(early))


def _with_problem(judgement: Judgement, code: str, cell: Range | None) -> Judgement:
    cells = [cell] if cell else []
    return replace(judgement, problems=(*judgement.problems, catalogue.problem(code, cells)))


def _matched(upload: JudgedUpload, children: Sequence[Child], *, accept: bool) -> JudgedUpload:
    """The upload with its learners identified. It is complete unless an identity is in doubt."""
    draft = upload.judgement.draft
    assert draft is not None, "an accepted upload has a form"
    complete = draft.complete()
    matches = identity.match(complete, children, accept=accept)
    judgement = replace(upload.judgement, problems=(*upload.judgement.problems, *matches.problems))
    if not judgement.accepted:
        return replace(upload, judgement=judgement)
    return replace(upload, judgement=judgement, upload=complete, matches=matches)
