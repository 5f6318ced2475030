"""Rows that gather: what happens again and again to one subject is one unread row of an inbox.

A part joins the unread row about the subject; once that is read, the next part begins a new one. A
part that is taken back leaves the row as long as nobody has read it. With the last part the row
itself is taken back, and the next part goes into the same row: reacting and thinking better of it a
thousand times makes one row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from notifications import payloads, queries
from notifications.models import Notification
from notifications.services.inbox import record
from realtime.core.heads import Heads
from realtime.protocol.user_ids import UserId, WireId, wire_id

MAX_NAMED = 3  # people whose names a row shows; the others are counted


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a row, for the app that derives its parameters."""

    people: Sequence[WireId]  # ids, the latest first, at most ``MAX_NAMED``
    others: int  # people beside those
    what: Sequence[str]  # each different thing that they did, in the order of its first time


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The subject that something happens to, and the inbox that it is reported to."""

    user_id: UserId
    kind: str
    subject: str
    place: str
    url: str
    params: Callable[[Parts], Mapping[str, Any]]


def gather(heads: Heads, gathered: Gathered, *, actor_id: UserId, what: str) -> Notification | None:
    """Add a part, in the transaction of the caller, who holds the lock of the inbox.

    None: its owner has switched this kind off.
    """
    standing = queries.standings([gathered.user_id])[gathered.user_id]
    if gathered.kind in standing.off:
        return None
    now = timezone.now()
    row = next(iter(queries.gathering(gathered.user_id, gathered.subject)), None) or _begin(
        gathered, now
    )
    is_new = row.pk is None or not row.count
    if is_new:
        row.created_at = now
    earlier = [] if is_new else row.parts or []
    row.parts = [
        *(part for part in earlier if part != [wire_id(actor_id), what]),
        [wire_id(actor_id), what],
    ]
    row.read_at = row.archived_at = None
    row.updated_at = now
    _save(heads, row, gathered, unread=standing.unread + is_new)
    return row


def ungather(heads: Heads, gathered: Gathered, *, actor_id: UserId, what: str) -> None:
    """Take a part back, unless it has been read, in the transaction of the caller."""
    part = [wire_id(actor_id), what]
    row = next((row for row in _unread(gathered) if part in (row.parts or [])), None)
    if row is not None:
        row.parts = [other for other in row.parts or [] if other != part]
        _leave(heads, row, gathered)


def _unread(gathered: Gathered) -> list[Notification]:
    return [row for row in queries.gathering(gathered.user_id, gathered.subject) if row.count]


def _begin(gathered: Gathered, now: datetime) -> Notification:
    return Notification(
        user_id=gathered.user_id,
        kind=gathered.kind,
        subject=gathered.subject,
        place=gathered.place,
        url=gathered.url,
        created_at=now,
    )


def _leave(heads: Heads, row: Notification, gathered: Gathered) -> None:
    unread = queries.unread(row.user_id)
    if not row.parts:
        row.read_at = row.archived_at = timezone.now()
        unread -= 1
    _save(heads, row, gathered, unread=unread)


def _save(heads: Heads, row: Notification, gathered: Gathered, *, unread: int) -> None:
    """Store the row under a new number, with the parameters that its parts make."""
    parts: list[tuple[WireId, str]] = [(user_id, what) for user_id, what in row.parts or []]
    latest = list(dict.fromkeys(user_id for user_id, _ in reversed(parts)))
    people = latest[:MAX_NAMED]
    what = list(dict.fromkeys(what for _, what in parts))
    row.params = dict(gathered.params(Parts(people, len(latest) - len(people), what)))
    row.count, row.unread = len(parts), unread
    row.actor_id = people[0] if people else None
    row.seq = heads.next(payloads.inbox(row.user_id))
    row.save()
    record(heads, [row])
