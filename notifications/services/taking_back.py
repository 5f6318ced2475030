"""Rows that are taken back because their subject is gone, and brought back when it returns.

A row that is taken back has the count 0: no inbox shows it. It keeps its parts.
"""

from collections.abc import Collection, Sequence

from django.utils import timezone

from notifications import payloads, queries
from notifications.models import Notification
from notifications.services.inbox import record
from realtime.core.heads import Heads

FIELDS = ["seq", "unread", "count", "read_at", "archived_at"]


def take_back(heads: Heads, rows: Sequence[Notification]) -> None:
    """Take rows out of their inboxes, read or not; the caller has locked these."""
    now = timezone.now()
    unread = queries.unread_counts({row.user_id for row in rows})
    for row in rows:
        unread[row.user_id] -= row.read_at is None
        row.read_at, row.archived_at, row.count = row.read_at or now, row.archived_at or now, 0
        _number(heads, row, unread[row.user_id])
    _store(heads, rows)


def bring_back(
    heads: Heads, rows: Sequence[Notification], *, unread: Collection[Notification]
) -> None:
    """Put rows back into their inboxes, some of them as unread; the caller has locked these."""
    counts = queries.unread_counts({row.user_id for row in rows})
    for row in rows:
        row.count = 1 if row.parts is None else len(row.parts)
        row.archived_at = None
        if row in unread:
            row.read_at = None
            counts[row.user_id] += 1
        _number(heads, row, counts[row.user_id])
    _store(heads, rows)


def _number(heads: Heads, row: Notification, unread: int) -> None:
    row.seq, row.unread = heads.next(payloads.inbox(row.user_id)), unread


def _store(heads: Heads, rows: Sequence[Notification]) -> None:
    if rows:
        Notification.objects.bulk_update(rows, FIELDS)
        record(heads, rows)
