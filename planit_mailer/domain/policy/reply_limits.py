"""Limits on replies to one address: help, held and delayed replies are limited, reports and confirmations are not."""

from datetime import datetime, timedelta

from planit_mailer.domain.outgoing import Recent, ReplyKind

A_DAY = 10  # help, held and delayed replies together
LIMITED = (ReplyKind.HELP, ReplyKind.HELD, ReplyKind.DELAYED)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)


def exceeded(kind: ReplyKind, recent: tuple[Recent, ...], now: datetime, *, stranger: bool = False) -> str:
    """Return the reason why a reply of this kind would be one too many for its address, "" if it may be sent.

    `recent` are the replies to the address in the last 30 days. They may be dated in the future if the clock was once
    ahead, so the absolute distance from now counts.
    """
    if kind not in LIMITED:
        return ""
    limited_today = 0
    same_kind_this_month = 0
    for reply in recent:
        distance = abs(now - reply.queued_at)
        if reply.kind in LIMITED and distance < DAY:
            limited_today += 1
        if reply.kind is kind and distance < MONTH:
            same_kind_this_month += 1
    if limited_today >= A_DAY:
        return f"{A_DAY} help, held and delayed replies went to this address within a day"
    if same_kind_this_month and _once_a_month(kind, stranger=stranger):
        return f"this address had a {kind.value} reply within {MONTH.days} days"
    return ""


def _once_a_month(kind: ReplyKind, *, stranger: bool) -> bool:
    if kind is ReplyKind.HELP:
        return stranger
    return kind is ReplyKind.HELD
