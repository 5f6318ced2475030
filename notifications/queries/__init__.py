"""Reads of inboxes, announcements and broadcasts. Nothing here opens a transaction.

The unread count of an inbox costs one look at an index, however many are unread: every change of a
notification writes the count as of its ``seq`` on the changed row, under the lock of the inbox, so
the row with the highest ``seq`` holds the present count. (A client counts in the same way: it takes
``unread`` from the newest notification it was sent.) Code that deletes old rows must keep the
newest one of each user, and unread ones.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from notifications import payloads
from notifications.kinds import RECALLED
from notifications.models import (
    Announcement,
    AnnouncementReading,
    Broadcast,
    BroadcastEdit,
    Notification,
    Preferences,
)
from notifications.queries.audiences import Audience as Audience
from notifications.queries.audiences import Reach as Reach
from notifications.queries.audiences import reach as reach
from notifications.queries.audiences import reachable as reachable
from realtime.core.users import User, has_field, user_id_of
from realtime.protocol.page import Event
from realtime.protocol.user_ids import UserId, wire_id

INBOX_PAGE = 50  # notifications in one answer
MAX_ANNOUNCEMENTS = 100  # active ones in one answer, the newest: more than anyone reads
# Unread rows about one message: more than one only if old ones were marked as unread.
MAX_GATHERING = 10
MAX_EDITS = 20  # shown of a broadcast


def unread(user_id: UserId) -> int:
    """Return how many notifications of a person are unread."""
    newest = Notification.objects.filter(user_id=user_id).order_by("-seq")
    return newest.values_list("unread", flat=True).first() or 0


def unread_counts(user_ids: Collection[UserId]) -> dict[int, int]:
    """Return the unread counts of several people, in one query."""
    return {user_id: standing.unread for user_id, standing in standings(user_ids).items()}


class Standing(NamedTuple):
    """The state of an inbox before something is added."""

    unread: int
    off: Collection[str]  # kinds that its owner does not want in it


def standings(user_ids: Collection[UserId]) -> dict[int, Standing]:
    """Return the state of several inboxes, in one query."""
    newest = (
        Notification.objects.filter(user_id=OuterRef("pk")).order_by("-seq").values("unread")[:1]
    )
    found = User.objects.filter(pk__in=user_ids).annotate(unread=Subquery(newest))
    rows = found.values_list("pk", "unread", "notification_preferences__inbox_off")
    return {user_id: Standing(count or 0, off or ()) for user_id, count, off in rows}


def preferences(user_id: UserId) -> Preferences:
    """Return a user's preferences; the default is every kind."""
    return Preferences.objects.filter(user_id=user_id).first() or Preferences(
        user_id=user_id, seq=0
    )


def unread_and_preferences(user_id: UserId) -> tuple[int, Preferences]:
    """Return both, for the start of a page, in one query."""
    newest = Notification.objects.filter(user_id=user_id).order_by("-seq").values("unread")[:1]
    found = (
        User.objects.select_related("notification_preferences")
        .annotate(unread=Subquery(newest))
        .get(pk=user_id)
    )
    chosen = getattr(found, "notification_preferences", None)
    return found.unread or 0, chosen or Preferences(user_id=user_id, seq=0)


def newest_seqs(user_ids: Collection[UserId]) -> dict[int, int]:
    """Return the highest seq among the notifications of each person."""
    rows = Notification.objects.filter(user_id__in=user_ids).values_list("user_id")
    return dict(rows.annotate(Max("seq")).order_by())


def old(cutoff: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
    """Return notifications that were read, from before ``cutoff``, and where to continue."""
    rows = _old(cutoff).filter(pk__gt=after).order_by("pk")
    found = list(rows.values_list("pk", flat=True)[:limit])
    return found, found[-1] if len(found) == limit else None


def count_old(cutoff: datetime | None) -> int:
    """Return how many ``old`` would return in all."""
    return _old(cutoff).count() if cutoff else 0


def _old(cutoff: datetime) -> "QuerySet[Notification]":
    """Return what may be removed by its age: all but unread ones and the newest of an inbox."""
    newer = Notification.objects.filter(user_id=OuterRef("user_id"), seq__gt=OuterRef("seq"))
    return Notification.objects.filter(Exists(newer), read_at__isnull=False, created_at__lt=cutoff)


def gathering(user_id: UserId, subject: str) -> list[Notification]:
    """Return the rows that an event about ``subject`` may join or leave, newest first.

    They are unread or taken back.
    """
    waiting = Q(read_at=None) | Q(count=0)
    rows = Notification.objects.filter(
        waiting, user_id=user_id, subject=subject, parts__isnull=False
    )
    return list(rows.order_by("-pk")[:MAX_GATHERING])


def people_in(rows: Iterable[Notification]) -> payloads.People:
    """Return the people that these notifications name, in one query; a row names at most four."""
    return people(each for row in rows for each in (row.actor_id, *row.params.get("people", ())))


def people(user_ids: Iterable[UserId]) -> payloads.People:
    """Return users by id (``wire_id``), in one query; without ids there is no query."""
    ids = {wire_id(user_id) for user_id in user_ids if user_id is not None}
    return {wire_id(pk): user for pk, user in User.objects.in_bulk(ids).items()} if ids else {}


def notification_events(ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the changed notifications of ``inbox.<ident>``: a source of its stream."""
    changed = Notification.objects.filter(user_id=user_id_of(ident), seq__gt=after)
    rows = list(changed.order_by("seq")[:limit])
    people = people_in(rows)
    return (payloads.notification_event(row, people) for row in rows)


def reading_events(ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the announcements that the owner has read: a source of ``inbox.<ident>``."""
    rows = AnnouncementReading.objects.filter(user_id=user_id_of(ident), seq__gt=after).order_by(
        "seq"
    )
    return map(payloads.reading_event, rows[:limit])


def preferences_events(ident: str, after: int, _limit: int) -> Iterator[Event]:
    """Yield the owner's preferences, if they changed: a source of ``inbox.<ident>``."""
    return map(
        payloads.preferences_event,
        Preferences.objects.filter(user_id=user_id_of(ident), seq__gt=after),
    )


def announcement_events(_ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the changed announcements: the source of their stream."""
    rows = Announcement.objects.filter(seq__gt=after).order_by("seq")[:limit]
    return map(payloads.announcement_event, rows)


# -- the inbox -------------------------------------------------------------------------------------


class Shelf(StrEnum):
    """A part of an inbox. Each is read along a partial index of its own."""

    INBOX = "inbox"  # not archived
    UNREAD = "unread"
    ARCHIVED = "archived"


_SHELVES = {
    Shelf.INBOX: Q(archived_at=None),
    Shelf.UNREAD: Q(read_at=None),
    Shelf.ARCHIVED: Q(archived_at__isnull=False)
    & ~Q(count=0),  # rows that were taken back are on no shelf
}


class InboxPage(NamedTuple):
    """Notifications as on the wire, newest first, and whether there are older ones."""

    notices: Sequence[dict[str, Any]]
    more: bool


def inbox_page(
    user_id: UserId,
    *,
    before: int | None = None,
    shelf: Shelf = Shelf.INBOX,
    limit: int = INBOX_PAGE,
) -> InboxPage:
    """Return the newest ``limit`` notifications of a shelf, or those older than ``before``."""
    rows = Notification.objects.filter(_SHELVES[shelf], user_id=user_id).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    shown = found[:limit]
    people = people_in(shown)
    notices = [payloads.notification(row, people) for row in shown]
    return InboxPage(notices, len(found) > limit)


def newest(user_id: UserId) -> int:
    """Return the id of a person's newest unread notification, or 0."""
    rows = Notification.objects.filter(user_id=user_id, read_at=None).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


class ShownAnnouncement(NamedTuple):
    """An active announcement, and when the user read it."""

    row: Announcement
    read_at: datetime | None


def active_announcements(
    user_id: UserId, *, now: datetime, joined: datetime
) -> list[ShownAnnouncement]:
    """Return the active announcements, newest first, in one query.

    One from before the user had an account is shown only if it has an expiry date.
    """
    reading = AnnouncementReading.objects.filter(
        user_id=user_id, announcement=OuterRef("pk")
    ).values("read_at")
    rows = Announcement.objects.filter(
        Q(expires_at=None, created_at__gte=joined) | Q(expires_at__gt=now), recalled_at=None
    )
    rows = rows.annotate(reader_read_at=Subquery(reading[:1])).order_by("-pk")
    return [ShownAnnouncement(row, row.reader_read_at) for row in rows[:MAX_ANNOUNCEMENTS]]


# -- broadcasts ------------------------------------------------------------------------------------


class SentBroadcast(NamedTuple):
    """A broadcast, and what became of it."""

    row: Broadcast
    delivered: int  # people it has reached
    read: int  # people who have read it, as announcement or as notification


def sent_broadcasts(*, before: int | None = None, limit: int = INBOX_PAGE) -> list[SentBroadcast]:
    """Return the newest broadcasts, or those older than ``before``, in three queries."""
    rows = Broadcast.objects.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return counted(rows[:limit])


def counted(rows: Iterable[Broadcast]) -> list[SentBroadcast]:
    """Return broadcasts with what became of them: two queries for all."""
    found = {row.pk: row for row in rows}
    was_read = Q(read_at__isnull=False) & (
        Q(broadcast__recalled_at=None) | Q(read_at__lt=F("broadcast__recalled_at"))
    )
    notified = Notification.objects.filter(broadcast__in=found).order_by().values_list("broadcast")
    counts = {
        pk: (made, read)
        for pk, made, read in notified.annotate(made=Count("pk"), read=Count("pk", filter=was_read))
    }
    readings = (
        AnnouncementReading.objects.filter(announcement__broadcast__in=found)
        .order_by()
        .values_list("announcement__broadcast")
    )
    announced: dict[int, int] = dict(readings.annotate(Count("pk")))
    nobody = (0, 0)
    return [
        SentBroadcast(
            row,
            row.done,
            counts.get(pk, nobody)[1] + announced.get(pk, 0),
        )
        for pk, row in found.items()
    ]


def unfinished(*, now: datetime) -> list[int]:
    """Return the broadcasts that are due or were interrupted, oldest first."""
    due = Q(scheduled_at=None) | Q(scheduled_at__lte=now)
    rows = Broadcast.objects.filter(due, finished_at=None, recalled_at=None).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def unfinished_since() -> datetime | None:
    """Return since when the oldest broadcast of ``unfinished`` could have been sent."""
    rows = Broadcast.objects.filter(finished_at=None, recalled_at=None)
    due = rows.annotate(due=Coalesce("scheduled_at", "created_at")).filter(due__lte=Now())
    return due.order_by("due").values_list("due", flat=True).first()


def unfinished_recalls() -> list[int]:
    """Return the recalled broadcasts of which some notifications still have the words."""
    left = Notification.objects.filter(broadcast=OuterRef("pk")).exclude(kind=RECALLED)
    rows = Broadcast.objects.filter(Exists(left), recalled_at__isnull=False).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def unfinished_edits() -> list[int]:
    """Return the broadcasts whose new content some people do not have yet."""
    rows = Broadcast.objects.filter(edit_after__isnull=False, recalled_at=None).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def reached(row: Broadcast) -> set[int]:
    """Return the users who have a notification of a broadcast."""
    rows = Notification.objects.filter(broadcast=row)
    return set(rows.values_list("user_id", flat=True))


def not_read(row: Broadcast, *, after: str = "", limit: int) -> list[str]:
    """Return users who have not read a broadcast, by username; a message in a room has no readers.

    Of an announcement: those who could see it but have not dismissed it.
    """
    waiting = Notification.objects.filter(broadcast=row, read_at=None, count__gt=0)
    users = reachable().filter(pk__in=waiting.values("user_id"))
    announcement = Announcement.objects.filter(broadcast=row).first()
    if announcement is not None:
        readers = AnnouncementReading.objects.filter(announcement=announcement)
        users = reachable().exclude(pk__in=readers.values("user_id"))
        if row.expires_at is None and has_field("date_joined"):
            users = users.filter(date_joined__lte=announcement.created_at)
    name = User.USERNAME_FIELD
    names = users.filter(**{f"{name}__gt": after}).order_by(name)
    return list(names.values_list(name, flat=True)[:limit])


def edits_of(row: Broadcast) -> list[BroadcastEdit]:
    """Return the newest edits of a broadcast, each with the content before it."""
    rows = BroadcastEdit.objects.filter(broadcast=row).select_related("edited_by")
    return list(rows.order_by("-pk")[:MAX_EDITS])


def left_of(row: Broadcast) -> int:
    """Return how many notifications of a recalled broadcast still have its words."""
    return Notification.objects.filter(broadcast=row).exclude(kind=RECALLED).count()
