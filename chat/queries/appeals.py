"""Decisions of moderators about a user, as the user sees them, and reports of a room for owners."""

from datetime import datetime
from typing import Final, NamedTuple

from django.utils import timezone

from chat.models import (
    SYSTEM_USERNAME,
    Appeal,
    Case,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    SiteBan,
    SiteMute,
)

MAX_DECISIONS: Final = 50  # newest first
MAX_CASES: Final = 100  # of a room
_REMOVALS: Final = (ModerationLog.Action.DELETE, ModerationLog.Action.RESOLVE)


class Removal(NamedTuple):
    """A message of the user that moderators removed, and the appeal against it."""

    message: Message
    text: str
    removed_at: datetime
    reason: str
    appeal: Appeal | None


def removals_of(user_id: int) -> list[Removal]:
    """Return the newest removed messages of a user that can still be restored."""
    rows = RemovedText.objects.filter(message__author=user_id).select_related(
        "message__room", "bulk"
    )
    return _removals(list(rows.order_by("-pk")[:MAX_DECISIONS]))


def removal_of(user_id: int, message_id: int) -> Removal | None:
    rows = RemovedText.objects.filter(pk=message_id, message__author=user_id)
    return next(iter(_removals(list(rows.select_related("message__room", "bulk")))), None)


def appeal_of_ban(ban: SiteBan) -> Appeal | None:
    return Appeal.objects.filter(ban=ban).select_related("case").first()


class Mute(NamedTuple):
    """The user's mute in all rooms, and the appeal against it."""

    row: SiteMute
    is_by_filter: bool
    appeal: Appeal | None


def mute_of(user_id: int) -> Mute | None:
    """Return the mute that is in effect."""
    row = SiteMute.objects.filter(pk=user_id, until__gt=timezone.now()).first()
    if row is None:
        return None
    found = Appeal.objects.filter(muted=user_id, decided_at=row.created_at).select_related("case")
    return Mute(row, row.created_by.username == SYSTEM_USERNAME, found.first())


def reports_of_room(room_id: int, user_id: int) -> list[Case]:
    """Return the open reports of messages in a room, except those about the user."""
    rows = Case.objects.filter(
        room=room_id, status=Report.Status.OPEN, kind=Case.Kind.MESSAGE
    ).exclude(author=user_id)
    return list(rows.select_related("message", "author").order_by("-urgency")[:MAX_CASES])


def _removals(rows: list[RemovedText]) -> list[Removal]:
    ids = [row.pk for row in rows]
    entries = ModerationLog.objects.filter(message__in=ids, action__in=_REMOVALS)
    reasons = dict(entries.order_by("pk").values_list("message_id", "reason"))
    found = Appeal.objects.filter(message__in=ids).select_related("case")
    appeals = {(row.message_id, row.decided_at): row for row in found}
    return [
        Removal(
            row.message,
            row.body,
            row.removed_at,
            row.bulk.reason if row.bulk else reasons.get(row.pk, ""),
            appeals.get((row.pk, row.removed_at)),
        )
        for row in rows
    ]
