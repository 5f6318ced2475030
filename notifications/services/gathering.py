"""Rows that gather: what happens again and again to one subject is one unread row of an inbox, and not one each.

A part joins the unread row about the subject; once that is read, the next part begins a new one. A part that is taken back leaves the row
as long as nobody has read it. With the last part the row itself is taken back, and it is the one that the next part goes into: who reacts
and thinks better of it a thousand times makes one row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from notifications import payloads, queries
from notifications.models import TITLE_MAX_LENGTH, Notification
from notifications.services.inbox import record
from realtime.core.heads import Heads

MAX_NAMED = 3  # people whose accounts are read for a title; the others are counted
TAKEN_BACK_TITLE = "This was taken back."


@dataclass(frozen=True, slots=True)
class Parts:
    """What a row tells of, for the app that puts it into words."""

    people: Sequence[User]  # the latest first, at most ``MAX_NAMED``
    others: int  # people beside those
    what: Sequence[str]  # each different thing that they did, in the order of its first time


Titles = Callable[[Parts], tuple[str, str]]  # title and body


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What happens to a subject, and how it is told."""

    user_id: int  # whose inbox
    kind: str
    subject: str
    place: str
    url: str
    words: Titles


def gather(heads: Heads, gathered: Gathered, *, actor_id: int, what: str) -> Notification | None:
    """Tell that somebody did something, in the transaction of the caller, who holds the lock of the inbox.

    None: its owner does not want to be told.
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
    row.parts = [*(part for part in earlier if part != [actor_id, what]), [actor_id, what]]
    row.read_at = row.archived_at = None
    row.updated_at = now
    _save(heads, row, gathered, unread=standing.unread + is_new)
    return row


def ungather(heads: Heads, gathered: Gathered, *, actor_id: int, what: str) -> None:
    """Take back that somebody did something, as far as nobody has read it, in the transaction of the caller."""
    part = [actor_id, what]
    row = next((row for row in _unread(gathered) if part in (row.parts or [])), None)
    if row is not None:
        row.parts = [other for other in row.parts or [] if other != part]
        _leave(heads, row, gathered)


def withdraw(heads: Heads, gathered: Gathered) -> None:
    """Take back all that is unread about a subject that is gone, in the transaction of the caller."""
    for row in _unread(gathered):
        row.parts = []
        _leave(heads, row, gathered)


def reword(heads: Heads, gathered: Gathered, *, pk: int) -> None:
    """Tell again what a row tells, because somebody in it is called otherwise now, in the transaction of the caller."""
    row = Notification.objects.filter(pk=pk, user_id=gathered.user_id, parts__isnull=False).first()
    if row is not None and (row.title, row.body) != _in_words(row, gathered)[:2]:
        _save(heads, row, gathered, unread=queries.unread(row.user_id))


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
    """Put the row's parts into words and store it under a new number."""
    row.title, row.body, people = _in_words(row, gathered)
    row.count, row.unread = len(row.parts or []), unread
    row.actor = people[0] if people else None
    row.seq = heads.next(payloads.inbox(row.user_id))
    row.save()
    record(heads, [row])


def _in_words(row: Notification, gathered: Gathered) -> tuple[str, str, Sequence[User]]:
    """Return the title and the body of a row, and whom the title names."""
    parts: list[tuple[int, str]] = [(user_id, what) for user_id, what in row.parts or []]
    latest = list(dict.fromkeys(user_id for user_id, _ in reversed(parts)))
    users = User.objects.in_bulk(latest[:MAX_NAMED]) if latest else {}
    people = [users[user_id] for user_id in latest if user_id in users]
    if not parts:
        return TAKEN_BACK_TITLE, "", people
    title, body = gathered.words(
        Parts(people, len(latest) - len(people), list(dict.fromkeys(what for _, what in parts)))
    )
    return title[:TITLE_MAX_LENGTH], body, people
