"""Limits on replies: help, held and delayed replies to one address are limited, reports and confirmations are not."""

from datetime import datetime, timedelta

from planit_mailer.domain.outgoing import Recent, ReplyKind

A_DAY = 10  # help, held and delayed replies together
LIMITED = (ReplyKind.HELP, ReplyKind.HELD, ReplyKind.DELAYED)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)


def exceeded(kind: ReplyKind, recent: tuple[Recent, ...], now: datetime, *, stranger: bool = False) -> str:
    """The reason why a reply of this kind would be one too many for its address, "" if it is not.

    `recent` are the replies of the last 30 days, or, if the clock was ahead once, dated in the future: the absolute
    distance counts. Answers to judged uploads have no limit here.
    """
    if kind not in LIMITED:
        return ""
    today = [reply.kind for reply in recent if abs(now - reply.queued_at) < DAY]
    if sum(sent in LIMITED for sent in today) >= A_DAY:
        return f"{A_DAY} help, held and delayed replies went to this address within a day"
    only_once = kind is ReplyKind.HELD or (kind is ReplyKind.HELP and stranger)
    if only_once and _had(kind, recent, now):
        return f"this address had a {kind.value} reply within {MONTH.days} days"
    return ""


def _had(kind: ReplyKind, recent: tuple[Recent, ...], now: datetime) -> bool:
    return any(reply.kind is kind and abs(now - reply.queued_at) < MONTH for reply in recent)
