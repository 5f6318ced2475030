"""Changes of inboxes: notify, read, archive.

Each changed notification takes its own number, because a client applies rows. So reading everything
at once would be one transaction of any length. ``read_all`` takes batches instead, each a
transaction of its own, up to the notification that was the newest when it began.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from notifications import payloads, policies, queries
from notifications.models import (
    TITLE_MAX_LENGTH,
    Announcement,
    AnnouncementReading,
    Broadcast,
    Level,
    Notification,
)
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import NotFound
from realtime.protocol.user_ids import UserId, wire_id

# Of an insert: with 18 columns far below the 65,535 parameters of PostgreSQL and the 32,766 of
# SQLite.
ROWS_PER_STATEMENT = 500
READ_BATCH = 500  # notifications read in one transaction: some 20 ms, and no more than a tail holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification that is to be made: its kind and its parameters, in no language.

    ``title`` and ``body`` are for text that a person wrote. People in ``params`` are ids, as a list
    under ``people``; the person who caused the notification is ``actor_id``.
    """

    user_id: UserId
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    body: str = ""
    url: str = ""
    actor_id: UserId | None = None
    level: str = Level.INFO
    place: str = ""
    subject: str = ""
    key: str = ""  # of the sender, one of a user; empty: none


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading of a whole inbox has come."""

    done: bool
    unread: int


def notify(heads: Heads, notice: Notice) -> Notification | None:
    """Put a notification into an inbox. None: its owner has switched this kind off.

    It runs in the transaction of the caller, who named ``payloads.inbox(user_id)`` to ``changing``.
    """
    return next(iter(notify_many(heads, [notice])), None)


def notify_many(
    heads: Heads, notices: Sequence[Notice], *, broadcast: Broadcast | None = None
) -> list[Notification]:
    """Put notifications into inboxes, in the transaction of the caller.

    Kinds that a person has switched off are left out of theirs. It takes three queries, and one
    more for every further 500 rows.

    Raises ``BadRequest`` for a ``url`` that may not become a link.
    """
    for notice in notices:
        policies.check_url(notice.url)
    standings = queries.standings({notice.user_id for notice in notices})
    unread = {user_id: standing.unread for user_id, standing in standings.items()}
    notices = [notice for notice in notices if notice.kind not in standings[notice.user_id].off]
    if not notices:
        return []
    people = queries.people(notice.actor_id for notice in notices)
    now = timezone.now()
    rows = []
    for notice in notices:
        unread[notice.user_id] += 1
        rows.append(
            Notification(
                user_id=notice.user_id,
                seq=heads.next(payloads.inbox(notice.user_id)),
                kind=notice.kind,
                params=dict(notice.params),
                title=notice.title[:TITLE_MAX_LENGTH],
                body=notice.body,
                url=notice.url,
                actor=people.get(wire_id(notice.actor_id)),
                level=notice.level,
                unread=unread[notice.user_id],
                created_at=now,
                broadcast=broadcast,
                place=notice.place,
                subject=notice.subject,
                key=notice.key or None,
            )
        )
    Notification.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT)
    record(heads, rows, people)
    return rows


def read(*, user_id: UserId, ids: Collection[int]) -> int:
    """Mark notifications as read and return how many remain unread.

    Notifications that are already read do not change.
    """
    with _named(user_id, ids) as (heads, rows):
        return change(
            heads, [user_id], [row for row in rows if row.read_at is None], now=timezone.now()
        )[user_id]


def archive(*, user_id: UserId, ids: Collection[int]) -> int:
    """Archive notifications as read and return how many remain unread."""
    with _named(user_id, ids) as (heads, rows):
        return change(
            heads,
            [user_id],
            [row for row in rows if row.archived_at is None],
            now=timezone.now(),
            archive=True,
        )[user_id]


def unarchive(*, user_id: UserId, ids: Collection[int]) -> int:
    """Unarchive notifications, still read, and return how many are unread."""
    with _named(user_id, ids) as (heads, rows):
        return _bring_back(
            heads, user_id, [row for row in rows if row.archived_at is not None], unread=False
        )


def mark_unread(*, user_id: UserId, ids: Collection[int]) -> int:
    """Mark notifications as unread, unarchive them, and return how many are unread."""
    with _named(user_id, ids) as (heads, rows):
        return _bring_back(
            heads, user_id, [row for row in rows if row.read_at is not None], unread=True
        )


def read_all(*, user_id: UserId) -> int:
    """Mark the present inbox as read; return how many are unread: those that came meanwhile."""
    newest = queries.newest(user_id)
    while not (progress := read_up_to(user_id=user_id, newest=newest)).done:
        pass
    return progress.unread


def read_up_to(*, user_id: UserId, newest: int) -> Progress:
    """Mark as read the oldest ``READ_BATCH`` unread notifications up to the id ``newest``."""
    with changing(payloads.inbox(user_id)) as heads:
        unread = Notification.objects.filter(user_id=user_id, read_at=None, pk__lte=newest)
        rows = list(unread.order_by("pk")[:READ_BATCH])
        return Progress(
            len(rows) < READ_BATCH, change(heads, [user_id], rows, now=timezone.now())[user_id]
        )


def read_announcement(*, user_id: UserId, announcement_id: int) -> AnnouncementReading:
    """Remember that a person has read an announcement, the first time only."""
    stream = payloads.inbox(user_id)
    with changing(stream) as heads:
        if not Announcement.objects.filter(pk=announcement_id).exists():
            raise NotFound(
                "There is no announcement {announcement_id}.", announcement_id=announcement_id
            )
        earlier = AnnouncementReading.objects.filter(
            user_id=user_id, announcement_id=announcement_id
        ).first()
        if earlier:
            return earlier
        row = AnnouncementReading.objects.create(
            user_id=user_id,
            announcement_id=announcement_id,
            seq=heads.next(stream),
            read_at=timezone.now(),
        )
        heads.record(stream, payloads.reading_event(row))
        return row


def change(
    heads: Heads,
    user_ids: Collection[UserId],
    rows: Sequence[Notification],
    *,
    now: datetime,
    archive: bool = False,
) -> dict[int, int]:
    """Write ``rows`` as read or archived, with new numbers; return the unread counts.

    The caller holds the locks of their inboxes and has read the rows under them.
    """
    unread = queries.unread_counts(user_ids)
    for row in rows:
        row.seq = heads.next(payloads.inbox(row.user_id))
        if row.read_at is None:
            row.read_at = now
            unread[row.user_id] -= 1
        if archive and row.archived_at is None:
            row.archived_at = now
        row.unread = unread[row.user_id]
    archived_at = now if archive else None
    _write(
        rows,
        "read_at = COALESCE(read_at, %s), archived_at = COALESCE(archived_at, %s)",
        now,
        archived_at,
    )
    record(heads, rows)
    return unread


def move(
    heads: Heads, ids: Collection[int], *, change: Callable[[Notification], None] | None = None
) -> None:
    """Give notifications new numbers, because a person or a place in them has a new name.

    ``change`` replaces the name in their parameters and their URL. At most ``ROWS_PER_STATEMENT``.
    The caller holds the locks of their inboxes.
    """
    rows = list(Notification.objects.filter(pk__in=ids).order_by("pk"))
    unread = queries.unread_counts({row.user_id for row in rows})
    for row in rows:
        row.seq, row.unread = heads.next(payloads.inbox(row.user_id)), unread[row.user_id]
        if change is not None:
            change(row)
    fields = ["seq", "unread", *(["params", "url"] if change is not None else [])]
    Notification.objects.bulk_update(rows, fields)
    record(heads, rows)


@contextmanager
def _named(user_id: UserId, ids: Collection[int]) -> Iterator[tuple[Heads, list[Notification]]]:
    """Lock an inbox and read the named notifications, all of which must be in it."""
    policies.check_number_of_ids(ids)
    with changing(payloads.inbox(user_id)) as heads:
        rows = list(Notification.objects.filter(user_id=user_id, pk__in=set(ids)).order_by("pk"))
        policies.check_all_found(ids, [row.pk for row in rows])
        yield heads, [row for row in rows if row.count]  # what was taken back stays so


def _bring_back(
    heads: Heads, user_id: UserId, rows: Sequence[Notification], *, unread: bool
) -> int:
    """Write ``rows`` as not archived, and as unread too."""
    count = queries.unread(user_id)
    for row in rows:
        row.seq = heads.next(payloads.inbox(user_id))
        row.archived_at = None
        if unread:
            row.read_at = None
            count += 1
        row.unread = count
    _write(rows, "archived_at = NULL, read_at = NULL" if unread else "archived_at = NULL")
    record(heads, rows)
    return count


def _write(rows: Sequence[Notification], others: str, *moments: datetime | None) -> None:
    """Store the changed columns in one statement, in a tenth of the time of ``bulk_update``.

    ``others`` says in SQL what the columns of time become, ``moments`` are its parameters.
    """
    if not rows:
        return
    assert len(rows) <= ROWS_PER_STATEMENT
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH fresh (id, seq, unread) AS (VALUES {', '.join(['(%s, %s, %s)'] * len(rows))}) "  # noqa: S608 - placeholders only
            f"UPDATE notifications_notification SET seq = fresh.seq, unread = fresh.unread, "
            f"{others} "
            "FROM fresh WHERE notifications_notification.id = fresh.id",
            [
                *(value for row in rows for value in (row.pk, row.seq, row.unread)),
                *(connection.ops.adapt_datetimefield_value(moment) for moment in moments),
            ],
        )


def record(
    heads: Heads, rows: Sequence[Notification], people: payloads.People | None = None
) -> None:
    """Record changed rows for publication after the commit; ``people`` is of ``people_in``."""
    named = queries.people_in(rows) if people is None else people
    for row in rows:
        heads.record(payloads.inbox(row.user_id), payloads.notification_event(row, named))
