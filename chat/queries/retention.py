"""Finds what a retention run removes: rooms with old messages, and the rows themselves."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from chat import payloads
from chat.models import Case, HeldText, Membership, Message, Report, Room, State
from chat.queries.notified_messages import number_in
from notifications.models import Notification

# Numbers that the line of a room moves by in one transaction, which locks the room while the
# highest `seq` among them is read: about 20 ms.
LINE_STEP: Final = 10_000


class DueRoom(NamedTuple):
    """A room, and the time before which its messages are no longer kept."""

    room: Room
    cutoff: datetime


def days_of(room: Room) -> int:
    """Return for how many days a room keeps messages; 0: for ever."""
    site: int = settings.HOLDFAST_RETENTION_DAYS
    return site if room.retention_days is None else room.retention_days


def due(now: datetime) -> Iterator[DueRoom]:
    """Yield the rooms with a limited retention, in the order of their ids."""
    limited = Q(retention_days__gt=0)
    if settings.HOLDFAST_RETENTION_DAYS:
        limited |= Q(retention_days=None)
    for room in Room.objects.filter(limited).order_by("pk"):
        yield DueRoom(room, now - timedelta(days=days_of(room)))


def first_kept(room: Room, cutoff: datetime) -> int:
    """Return the number of the oldest message from after ``cutoff``."""
    kept = Message.objects.filter(
        room_id=room.pk, number__gte=room.first_number, created_at__gte=cutoff
    )
    number = kept.order_by("number").values_list("number", flat=True).first()
    return room.last_number + 1 if number is None else number


def removable(room: Room) -> "QuerySet[Message]":
    """Return the messages below the room's line that no case holds."""
    return below_line(room).exclude(in_case())


def below_line(room: Room) -> "QuerySet[Message]":
    return Message.objects.filter(room_id=room.pk, number__lt=room.first_number)


def in_case() -> Q:
    """Return the condition on messages that a case holds: open, or within the time to appeal.

    Or that are reported without a case yet, or whose text moderators withhold.
    """
    message = OuterRef("pk")
    return (
        Q(Exists(Case.objects.filter(message=message, released_at=None)))
        | Q(Exists(Report.objects.filter(message=message, status=Report.Status.OPEN)))
        | Q(Exists(HeldText.objects.filter(message=message)))
    )


def lagging_readers(room: Room, after: int, limit: int) -> list[int]:
    """Return members with an id above ``after`` who have not read all of what is removed."""
    rows = Membership.objects.filter(
        room_id=room.pk,
        user_id__gt=after,
        state=State.ACTIVE,
        read_number__lt=room.first_number - 1,
    )
    return list(rows.order_by("user_id").values_list("user_id", flat=True)[:limit])


def notices_about_removed(room: Room, after: int, limit: int) -> tuple[Sequence[int], int | None]:
    """Return notifications about removed messages of a room, and where to continue, if at all."""
    stream = payloads.stream(room.pk)
    rows = Notification.objects.filter(place=stream, pk__gt=after)
    if room.kept_since is not None:
        rows = rows.filter(created_at__lt=room.kept_since)
    found = list(rows.order_by("pk").values_list("pk", "subject")[:limit])
    about = [pk for pk, subject in found if 0 < (number_in(subject) or 0) < room.first_number]
    return about, found[-1][0] if len(found) == limit else None
