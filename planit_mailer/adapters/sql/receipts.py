"""Receipts: a message is first seen, attempted, settled, filed."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from planit_mailer.adapters.sql import erasure, register
from planit_mailer.adapters.sql.base import Repository, filed, receipt
from planit_mailer.adapters.sql.schema import receipts, uploads
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.messages import InboxMessage, Key, MessageFacts, Outcome, Receipt
from planit_mailer.domain.schools import SenderRegistration
from planit_mailer.domain.verdict import Changes, JudgedUpload, Verdict
from planit_mailer.spreadsheets import references

ALPHABET = "2345679ACDEFGHJKMNPQRTUVWXY"  # read out on the telephone, no two of these are taken for each other
STALE = timedelta(minutes=10)  # no daemon goes by a list of messages that is older


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A message without a receipt, and when its answer is due. `instead` is the receipt that has its key now, or 0."""

    message: InboxMessage
    due_at: datetime
    instead: int


class Receipts(Repository):
    """Queries and commands of intake."""

    def drop_unread(self, inbox: Sequence[InboxMessage], now: datetime) -> None:
        """Leave no receipt of what somebody took out of the inbox before we took it up.

        What was first seen within STALE stays: another daemon may have listed the inbox later.
        """
        there = {message.key for message in inbox}
        untouched = (receipts.c.digest == "") & receipts.c.outcome.is_(None) & (receipts.c.attempts == 0)
        seen_long_ago = receipts.c.first_seen_at < now - STALE
        rows = self._connection.execute(select(receipts).where(untouched, seen_long_ago)).all()
        for row in rows:
            if Key(row.uidvalidity, row.uid) not in there:
                self._connection.execute(delete(receipts).where(receipts.c.id == row.id))

    def number(self, waiting: Sequence[InboxMessage], now: datetime, reply_within: timedelta) -> frozenset[Key]:
        """Give each new message its receipt, all at once and in this order, which is the one of their arrival.

        So no message gets an arrival number while an earlier one, which another daemon is processing, has none. Return
        the keys of messages that were attempted before and are not settled: after an error of ours, or a crash. A UID
        is known only for the message that it was given to: see _is_another.
        """
        if not waiting:
            return frozenset()
        uids = [message.key.uid for message in waiting]
        here = (receipts.c.uidvalidity == waiting[0].key.uidvalidity) & receipts.c.uid.between(min(uids), max(uids))
        tried = receipts.c.outcome.is_(None) & (receipts.c.attempts > 0)
        facts = (receipts.c.id, receipts.c.uid, receipts.c.size, receipts.c.received_at, receipts.c.digest)
        known = {row.uid: row for row in self._connection.execute(select(*facts, tried.label("again")).where(here))}
        again = set()
        new: list[NewReceipt] = []
        for message in waiting:
            row = known.get(message.key.uid)
            if row is None or _is_another(message, row):
                new.append(NewReceipt(message, message.received_at + reply_within, row.id if row else 0))
            elif row.again:
                again.add(message.key)
        self._insert(new, now)
        return frozenset(again)

    def begin(self, waiting: InboxMessage, now: datetime, due_at: datetime) -> Receipt:
        """The receipt of a message; a new one gets the next arrival number.

        Unless it is settled, an attempt is counted before the work. If the last daemon crashed while it processed the
        message, that attempt counts as a crash instead.
        """
        this = select(receipts).where(_named_by(waiting.key))
        row = self._connection.execute(this).first()
        if row is None or _is_another(waiting, row):
            self._insert([NewReceipt(waiting, due_at, row.id if row else 0)], now)
            row = self._connection.execute(this).one()
        return self._take_up(row)

    def in_hand(self, key: Key) -> Receipt | None:
        """The current receipt of a message in the inbox: an older one may have taken the place of its first.

        None if another daemon found the same bytes under another UID, and continues with the receipt there.
        """
        row = self._connection.execute(select(receipts).where(_named_by(key))).first()
        return receipt(row) if row else None

    def current(self, known: Receipt) -> Receipt:
        """A receipt as it stands now: whoever lost a claim without knowing finds here what another daemon has done."""
        return receipt(self._connection.execute(select(receipts).where(receipts.c.id == known.arrival)).one())

    def match_bytes(self, receipt: Receipt, digest: str) -> Receipt:
        """Note the SHA-256 of a message's bytes; the receipt that counts from now on.

        An older receipt for the same bytes that was not filed yet when this message was first seen is the same message
        under a new UID: the mailbox was rebuilt, a move was half done, both are there, or a released message is back.
        It takes the key, this one goes. One that was filed keeps its receipt, and what lay in its folder is this now.
        """
        seen = self._connection.scalar(select(receipts.c.first_seen_at).where(receipts.c.id == receipt.arrival))
        before = (receipts.c.digest == digest) & (receipts.c.id < receipt.arrival)
        unfiled = receipts.c.filed_at.is_(None) | (receipts.c.filed_after >= receipt.arrival)
        older = self._connection.execute(select(receipts).where(before, unfiled).order_by(receipts.c.id)).first()
        if older:
            return self._hand_over(receipt, older)
        self._change(receipt.arrival, {"digest": digest})
        put_back = update(receipts).where(before, receipts.c.mail_deleted_at.is_(None))
        self._connection.execute(put_back.values(mail_deleted_at=seen))
        return receipt

    def record_sender(self, receipt: Receipt, facts: MessageFacts) -> SenderRegistration:
        """Record the sender and the facts of a message. Return the sender's registration."""
        sender = facts.sender
        told = {"sender": sender.address, "authentic": sender.authentic, "authentic_why": sender.why}
        kept = {name: getattr(facts, name) for name in ("date", "message_id", "attachments_digest")}
        self._change(receipt.arrival, told | kept)
        return register.registration(self._connection, sender.address)

    def settle(self, receipt: Receipt, verdict: Verdict, changes: Sequence[Changes], now: datetime) -> None:
        """Record the verdict on a message. The promised time goes on only if an answer is owed."""
        values = {
            "outcome": verdict.outcome.value,
            "reason": verdict.reason,
            "unanswered": verdict.unanswered,
            "in_hand": False,
            "settled_at": now,
        }
        self._change(receipt.arrival, values if verdict.owed else values | {"due_at": None})
        self._connection.execute(delete(uploads).where(uploads.c.receipt_id == receipt.arrival))
        changed = {change.number: change for change in changes}
        rows = [_upload_row(upload, receipt, changed.get(upload.number)) for upload in verdict.uploads]
        if rows:
            self._connection.execute(insert(uploads), rows)
        not_applied = verdict.outcome in (Outcome.REJECTED, Outcome.IGNORED)
        if not_applied and erasure.is_put_right(self._connection, receipt.arrival):
            self._change(receipt.arrival, {"superseded": True})

    def uncount_attempt(self, receipt: Receipt) -> None:
        """The attempt does not count: a server was away."""
        self._change(receipt.arrival, {"in_hand": False, "attempts": max(receipt.attempts - 1, 0)})

    def record_failure(self, receipt: Receipt) -> None:
        """The attempt counts, and is over."""
        self._change(receipt.arrival, {"in_hand": False})

    def note_filed(self, receipt: Receipt, folder: str, now: datetime) -> None:
        """Record the folder of a message. If it was released meanwhile, it is looked for in all folders."""
        settled = (receipts.c.id == receipt.arrival) & receipts.c.outcome.is_not(None)
        self._connection.execute(update(receipts).where(settled).values(filed(folder, now)))

    def _insert(self, several: Sequence["NewReceipt"], now: datetime) -> None:
        """Insert receipts in this order. An older one with the same key loses it, and match_bytes() finds it again."""
        if not several:
            return
        replaced = [new for new in several if new.instead]
        for new in replaced:
            self._change(new.instead, {"uidvalidity": None, "uid": None})
        references = self._unused_references(len(several))
        rows = [_receipt_row(new, now) | {"reference": one} for new, one in zip(several, references, strict=True)]
        self._connection.execute(insert(receipts), rows)
        for new in replaced:
            number = select(receipts.c.id).where(_named_by(new.message.key)).scalar_subquery()
            filed = (receipts.c.id == new.instead) & receipts.c.filed_at.is_not(None)
            self._connection.execute(update(receipts).where(filed).values(filed_after=number))

    def _unused_references(self, count: int) -> list[str]:
        """So many new references. Two are hardly ever the same: there are 282 billion."""
        unused: set[str] = set()
        while len(unused) < count:
            some = {_reference() for _ in range(count - len(unused))}
            taken = select(receipts.c.reference).where(receipts.c.reference.in_(some))
            unused |= some.difference(self._connection.scalars(taken))
        return list(unused)

    def _take_up(self, row: Row[Any]) -> Receipt:
        if row.outcome:  # also what was erased while it was to be brought back
            self._change(row.id, {"to_bring_back": False})
            return receipt(row)
        count = receipts.c.deaths if row.in_hand else receipts.c.attempts
        return receipt(
            self._connection.execute(
                update(receipts)
                .where(receipts.c.id == row.id)
                .values({count: count + 1, receipts.c.in_hand: True, receipts.c.to_bring_back: False})
                .returning(receipts)
            ).one()
        )

    def _hand_over(self, newer: Receipt, older: Row[Any]) -> Receipt:
        """Give the key of a receipt to an older one, and delete it."""
        gone = self._connection.execute(
            delete(receipts)
            .where(receipts.c.id == newer.arrival)
            .returning(receipts.c.uidvalidity, receipts.c.uid, receipts.c.size)
        ).one()
        self._change(older.id, {**gone._asdict(), "folder": ""})
        return self._take_up(older)


def _reference() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"PM-{letters[:4]}-{letters[4:]}"


def _receipt_row(new: NewReceipt, now: datetime) -> dict[str, Any]:
    """The columns of a new receipt, but for its reference."""
    message = new.message
    return {
        "uidvalidity": message.key.uidvalidity,
        "uid": message.key.uid,
        "size": message.size,
        "received_at": message.received_at,
        "first_seen_at": now,
        "clock_from": message.received_at,
        "due_at": new.due_at,
    }


def _named_by(key: Key) -> ColumnElement[bool]:
    return (receipts.c.uidvalidity == key.uidvalidity) & (receipts.c.uid == key.uid)


def _is_another(waiting: InboxMessage, row: Row[Any]) -> bool:
    """True if this message is not the one that had this UID before, as in a mailbox restored from a backup.

    Some servers estimate sizes. Before a message is read, only its date counts, and it keeps its place; afterwards a
    different size too, which costs one more look at the bytes.
    """
    dates_differ = waiting.dated and abs(waiting.received_at - row.received_at) >= timedelta(seconds=1)
    return dates_differ or bool(row.digest and waiting.size != row.size)


def _upload_row(upload: JudgedUpload, receipt: Receipt, changes: Changes | None) -> dict[str, Any]:
    """The columns of an upload: no file name, and no words of a problem, which might name what the school wrote."""
    draft = upload.judgement.draft
    row = {
        "receipt_id": receipt.arrival,
        "number": upload.number,
        "school_id": upload.school.id if upload.school else None,
        "outcome": upload.outcome.value,
        "sheet": upload.judgement.sheet,
        "heading_row": upload.judgement.heading_row,
        "learners": len(draft.learners) if draft else 0,
        "problems": [_problem_row(problem, dict(upload.judgement.sheets)) for problem in upload.judgement.problems],
    }
    return row | _counts(changes)


def _problem_row(problem: Problem, sheets: Mapping[str, int]) -> list[object]:
    """A problem as it is stored: its code, its severity, and its cells as blocks such as "D14:D20".

    A sheet is named by its number, as the school's name for it may be that of a person.
    """
    blocks = [replace(block, sheet=f"sheet {sheets[block.sheet]}" if block.sheet else "") for block in problem.cells]
    return [problem.code, problem.severity.value, [references.name(block) for block in blocks]]


def _counts(changes: Changes | None) -> dict[str, int]:
    """The numbers of new, changed and unchanged learners and so on; all 0 if nothing was changed."""
    years = changes.years if changes else ()
    counts = {kind: sum(getattr(year, kind) for year in years) for kind in ("new", "changed", "unchanged")}
    passed = {"passed_over": changes.passed_over if changes else 0, "absent": changes.absent if changes else 0}
    return counts | passed
