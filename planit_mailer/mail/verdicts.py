"""What is to become of a letter: the whole policy as one ordered tuple of rules, each of which may decide.

Pure: what the store knows comes in as `Known`, what is to be done goes out as `Verdict`. Rules follow the order in
which outcomes are decided: is the sender believed, is it new, may they send, is there a form, and is it right?
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from planit_mailer.ledger import File, JudgedUpload, Known, Outcome, ReplyKind, School, Verdict
from planit_mailer.mail import answering, letters, senders
from planit_mailer.mail.letters import Letter
from planit_mailer.uploads import identity, problems
from planit_mailer.uploads.identity import Child
from planit_mailer.uploads.judging import Judgement
from planit_mailer.uploads.problems import Severity, Stage

SPREADSHEET_NAMES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".csv", ".tsv")

Rule = Callable[[Letter, Known, datetime], Verdict | None]


def judge(letter: Letter, known: Known, now: datetime) -> Verdict:
    """The verdict of the first rule that has one."""
    for rule in POLICY:
        if verdict := rule(letter, known, now):
            return verdict
    raise AssertionError("the last rule of the policy always decides")


def not_authentic(letter: Letter, _known: Known, _now: datetime) -> Verdict | None:
    """Nothing is ever sent to an address that may be forged; where it is a registered one, the operator hears of it."""
    if letter.sender.authentic:
        return None
    registered = bool(letter.standing.schools)
    why = letter.sender.why
    alert = f"A message that names a registered sender was quarantined: {why}." if registered else ""
    return Verdict(Outcome.QUARANTINED, why, unanswered="the sender may be forged", alert=alert, clock=registered)


def denied(letter: Letter, _known: Known, _now: datetime) -> Verdict | None:
    """The operator does not want to hear from this address."""
    return _ignored("the sender is denied") if letter.standing.denied else None


def delivered_twice(_letter: Letter, known: Known, _now: datetime) -> Verdict | None:
    """The same sender, Message-ID and attachments as a settled message: a mail server delivered it again."""
    return _ignored(f"delivered twice: the same as {known.twin}") if known.twin else None


def from_a_stranger(letter: Letter, known: Known, now: datetime) -> Verdict | None:
    """Held where there may be a form in it, else ignored; either way a short answer, once."""
    if letter.standing.schools:
        return None
    if any(file.is_spreadsheet for file in letter.files):
        return _answered(Verdict(Outcome.HELD, "the sender is not registered"), ReplyKind.HELD, letter, known, now)
    nothing = Verdict(Outcome.IGNORED, "the sender is not registered and sent no spreadsheet")
    return _answered(nothing, ReplyKind.HELP, letter, known, now)


def without_a_form(letter: Letter, known: Known, now: datetime) -> Verdict | None:
    """A registered sender who sent no spreadsheet is told what arrived instead."""
    if any(_counts(file) for file in letter.files):
        return None
    nothing = Verdict(Outcome.IGNORED, "no spreadsheet in the message", passed_over=letter.files)
    return _answered(nothing, ReplyKind.HELP, letter, known, now)


def with_uploads(letter: Letter, known: Known, _now: datetime) -> Verdict:
    """Every workbook is one upload with its own outcome; one answer tells them all."""
    taken, passed_over = _sorted(letter.files)
    uploads = tuple(_judged(letter, taken, known))
    right = all(upload.judgement.accepted for upload in uploads)
    return Verdict(
        Outcome.ACCEPTED if right else Outcome.REJECTED,
        "every form is applied" if right else "problems in a form",
        uploads,
        passed_over,
        reply=ReplyKind.CONFIRMATION if right else ReplyKind.REPORT,
        automatic=bool(letter.machine),
    )


POLICY: tuple[Rule, ...] = (
    not_authentic,
    denied,
    delivered_twice,
    from_a_stranger,
    without_a_form,
    with_uploads,
)


def compared(
    judgement: Judgement, schools: Sequence[School], children: Callable[[int], Sequence[Child]]
) -> Judgement:
    """A judgement with what the register and the store add to it, whoever may send for the school."""
    draft = judgement.draft
    school = senders.school_for(draft.postcode, draft.school_name or "", schools) if draft and draft.postcode else None
    if school is None:
        return judgement
    compared = _for_school(judgement, school)
    if not compared.accepted:
        return compared
    return _matched(JudgedUpload(1, "", compared, school), school, children(school.id), accept=False).judgement


def _ignored(reason: str) -> Verdict:
    return Verdict(Outcome.IGNORED, reason, unanswered=reason)


def _answered(verdict: Verdict, kind: ReplyKind, letter: Letter, known: Known, now: datetime) -> Verdict:
    """The verdict with an answer of this kind, or with the reason why there is none."""
    stranger = not letter.standing.schools
    if why_not := letter.machine or answering.limits(kind, known.recent, now, stranger=stranger):
        return replace(verdict, unanswered=why_not)
    return replace(verdict, reply=kind)


def _counts(file: File) -> bool:
    """Whether a file is an upload, if need be one that is all wrong: the school meant it as a spreadsheet."""
    return file.is_spreadsheet or file.name.lower().endswith(SPREADSHEET_NAMES)


def _sorted(files: Sequence[File]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """The files that are uploads, and those passed over: what only pretends to be a spreadsheet counts alone."""
    has_form = any(file.judgement and file.judgement.draft for file in files)
    taken = tuple(file for file in files if (file.is_spreadsheet if has_form else _counts(file)))
    return taken, tuple(file for file in files if file not in taken)


def _judged(letter: Letter, files: Sequence[File], known: Known) -> Iterator[JudgedUpload]:
    """The uploads in order; each is compared with the children as the uploads before it leave them."""
    children: dict[int, Sequence[Child]] = dict(known.children)
    for number, file in enumerate(files, 1):
        assert file.judgement is not None, "a registered sender's files are judged"
        school = letters.school_of(file.judgement, letter.standing)
        upload = JudgedUpload(number, file.name, _for_school(file.judgement, school), school)
        if school and upload.judgement.accepted:
            upload = _matched(upload, school, children[school.id], accept=letter.receipt.accept_identities)
            if upload.upload and upload.matches:
                children[school.id] = identity.after(
                    children[school.id], upload.upload, upload.matches, letter.receipt.arrival
                )
        yield upload


def _for_school(judgement: Judgement, school: School | None) -> Judgement:
    """The judgement with what the register adds: may this sender send for that school, and is it called so?"""
    draft = judgement.draft
    if draft is None or draft.postcode is None:
        return judgement
    if school is None:
        upto = tuple(p for p in judgement.problems if p.severity is Severity.WARNING or p.stage <= Stage.REQUIRED)
        return replace(judgement, problems=(*upto, problems.problem("school-not-yours")))
    if draft.school_name and not identity.same_name(draft.school_name, school.name):
        return replace(judgement, problems=(*judgement.problems, problems.problem("school-name-differs")))
    return judgement


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
