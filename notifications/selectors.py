"""Reads of inboxes, announcements and broadcasts. Nothing here opens a transaction.

The unread count of an inbox costs one look at an index, however many are unread: every change of a notification writes the count as of its
``seq`` on the changed row, under the lock of the inbox, so the row with the highest ``seq`` holds the present count. (A client counts in
the same way: it takes ``unread`` from the newest notification it was sent.) Whoever deletes old rows must leave the newest one of a user,
and unread ones.
"""

from collections.abc import Collection, Iterator

from django.contrib.auth.models import User
from django.db.models import OuterRef, Subquery

from notifications import payloads
from notifications.models import Announcement, AnnouncementReading, Notification
from realtime.protocol.page import Event


def unread(user_id: int) -> int:
    """Return how many notifications of a person are unread."""
    newest = Notification.objects.filter(user_id=user_id).order_by("-seq")
    return newest.values_list("unread", flat=True).first() or 0


def unread_counts(user_ids: Collection[int]) -> dict[int, int]:
    """Return the unread counts of several people, in one query."""
    newest = Notification.objects.filter(user_id=OuterRef("pk")).order_by("-seq").values("unread")[:1]
    counts = User.objects.filter(pk__in=user_ids).annotate(unread=Subquery(newest)).values_list("pk", "unread")
    return {user_id: count or 0 for user_id, count in counts}


def notification_events(ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the changed notifications of ``inbox.<ident>``: a source of its stream."""
    rows = Notification.objects.filter(user_id=int(ident), seq__gt=after).select_related("actor").order_by("seq")
    return map(payloads.notification_event, rows[:limit])


def reading_events(ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the announcements that the owner of ``inbox.<ident>`` has read: a source of its stream."""
    rows = AnnouncementReading.objects.filter(user_id=int(ident), seq__gt=after).order_by("seq")
    return map(payloads.reading_event, rows[:limit])


def announcement_events(_ident: str, after: int, limit: int) -> Iterator[Event]:
    """Yield the changed announcements: the source of their stream."""
    rows = Announcement.objects.filter(seq__gt=after).order_by("seq")[:limit]
    return map(payloads.announcement_event, rows)
