"""Builders for tests of the store: a message that is taken up, judged and settled, in one line each."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count

from planit_mailer.adapters.sql.store import Store, Transaction
from planit_mailer.domain.forms import identity
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.upload import Draft, DraftLearner, FormSheet, Learner, Upload
from planit_mailer.domain.messages import InboxMessage, Key, MessageFacts, Outcome, Receipt, Sender
from planit_mailer.domain.outgoing import Reply, ReplyKind
from planit_mailer.domain.schools import School
from planit_mailer.domain.verdict import Changes, JudgedUpload, Verdict

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TWO_DAYS = timedelta(hours=48)
OFFICE = "office@greenfield.test"

_uids = count(1)


def waiting(uid: int | None = None, uidvalidity: int = 1, received_at: datetime = NOW) -> InboxMessage:
    return InboxMessage(Key(uidvalidity, uid or next(_uids)), 1000, received_at)


def begin(store: Store, message: InboxMessage | None = None, now: datetime = NOW) -> Receipt:
    message = message or waiting()
    with store.transaction() as transaction:
        return transaction.begin(message, now, message.received_at + TWO_DAYS)


def match_bytes(store: Store, receipt: Receipt, raw: str) -> Receipt:
    with store.transaction() as transaction:
        return transaction.match_bytes(receipt, digest(raw))


def digest(raw: str) -> str:
    return sha256(raw.encode()).hexdigest()


def facts(sender: str = OFFICE, message_id: str = "<1@greenfield.test>", *, authentic: bool = True) -> MessageFacts:
    return MessageFacts(
        Sender(sender, authentic, "because"), "Tue, 24 Nov 2026 09:00:00 +0000", message_id, digest("files")
    )


def verdict(outcome: Outcome = Outcome.ACCEPTED, reply: ReplyKind | None = ReplyKind.CONFIRMATION) -> Verdict:
    return Verdict(outcome, f"it is {outcome.value}", reply=reply, unanswered="" if reply else "no answer is due")


def a_reply(kind: ReplyKind = ReplyKind.CONFIRMATION, to: str = OFFICE, content: bytes = b"Subject: done\r\n") -> Reply:
    return Reply(kind, to, f"<{next(_uids)}.reply@s-cool.test>", content)


def settled(
    store: Store, outcome: Outcome = Outcome.ACCEPTED, said: MessageFacts | None = None, folder: str = "Folder"
) -> Receipt:
    """A message that was judged, without an answer, and filed; unfiled where `folder` is ""."""
    receipt = match_bytes(store, begin(store), f"raw {next(_uids)}")
    with store.transaction() as transaction:
        transaction.record_sender(receipt, said or facts(message_id=f"<{next(_uids)}@greenfield.test>"))
        transaction.settle(receipt, verdict(outcome, None), (), NOW)
        if folder:
            transaction.note_filed(receipt, folder, NOW)
    return receipt


def a_school(store: Store, name: str = "Greenfield School", postcode: str = "ZZ9 9ZZ") -> School:
    with store.transaction() as transaction:
        return transaction.add_school(name, postcode)


def a_learner(upin: str = "A1", year: str = "9", values: Sequence[str] = ("B",), **changes: object) -> Learner:
    facts = {
        "row": 12,
        "first_name": f"First {upin}",
        "surname": f"Last {upin}",
        "upin": upin,
        "sims_no": f"{upin}00",
        "dob": date(2012, 5, 17),
        "year": year,
        "headings": tuple(f"Heading {n}" for n, _ in enumerate(values)),
        "values": tuple(values),
    }
    return Learner(**(facts | changes))  # type: ignore[arg-type]


def an_upload(*learners: Learner, introduction: Sequence[str] = ("Welcome.",)) -> Upload:
    headings = tuple(dict.fromkeys(field.heading for learner in learners for field in learner.fields))
    sheets = (FormSheet(tuple(introduction)),)
    return Upload("Greenfield School", "ZZ9 9ZZ", "A. Head", NOW.date(), headings, learners, sheets)


def judged(upload: Upload, school: School, transaction: Transaction, number: int = 1) -> JudgedUpload:
    """The upload as the story judges it, its learners recognised among those that are stored."""
    matches = identity.match(upload, transaction.children(school.id))
    return JudgedUpload(number, "file.xlsx", a_judgement(upload), school, upload, matches)


def a_judgement(upload: Upload) -> Judgement:
    learners = tuple(
        DraftLearner(p.row, p.first_name, p.surname, p.upin, p.sims_no, p.dob, p.year, p.headings, p.values)
        for p in upload.learners
    )
    draft = Draft(
        upload.school_name,
        upload.postcode,
        upload.submitted_by,
        upload.date_submitted,
        upload.headings,
        learners,
        upload.sheets,
    )
    return Judgement(draft, ())


def apply(store: Store, school: School, *uploads: Upload, receipt: Receipt | None = None) -> tuple[Changes, ...]:
    """A message with these forms, taken up, applied, settled and filed; what each form changed."""
    receipt = receipt or match_bytes(store, begin(store), f"raw {next(_uids)}")
    with store.transaction() as transaction:
        changes, files = [], []
        for number, upload in enumerate(uploads, 1):
            file = judged(upload, school, transaction, number)
            files.append(file)
            changes.append(transaction.replace_learners(file, receipt))
        transaction.settle(receipt, Verdict(Outcome.ACCEPTED, "applied", tuple(files)), changes, NOW)
        transaction.note_filed(receipt, "Processed", NOW)
    return tuple(changes)
