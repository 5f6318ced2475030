"""Decisions of moderators about a user, as the user sees them, and reports of a room for owners."""

from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from chat.models import (
    SYSTEM_USERNAME,
    Appeal,
    Case,
    HeldPost,
    Membership,
    ModerationLog,
    RemovedText,
    Report,
    Room,
    SiteBan,
    SiteMute,
    State,
)

MAX_DECISIONS: Final = 50  # newest first
MAX_CASES: Final = 100  # of a room
_ADDRESSES: Final = {
    "removal": "appeal",
    "refusal": "appeal-held",
    "mute": "appeal-room-mute",
}
_REMOVALS: Final = (ModerationLog.Action.DELETE, ModerationLog.Action.RESOLVE)


class Decision(NamedTuple):
    """A decision about one message of the user, or about them in one room, and their appeal."""

    kind: str  # removal, refusal, mute
    number: int  # of the message, of the case of the held one, of the room
    room: Room
    text: str
    decided_at: datetime
    decided_by_id: int
    reason: str
    appeal: Appeal | None
    until: datetime | None = None

    @property
    def address(self) -> str:
        return reverse(_ADDRESSES[self.kind], args=[self.number])


def decisions_of(user_id: int) -> list[Decision]:
    """Return the newest decisions about a user that can still be taken back."""
    removed = RemovedText.objects.filter(message__author=user_id).order_by("-pk")
    refused = _refused_of(user_id).order_by("-pk")
    found = [
        *_removals(removed[:MAX_DECISIONS]),
        *_refusals(refused[:MAX_DECISIONS]),
        *room_mutes_of(user_id),
    ]
    return sorted(found, key=lambda each: each.decided_at, reverse=True)[:MAX_DECISIONS]


def removal_of(user_id: int, message_id: int) -> Decision | None:
    rows = RemovedText.objects.filter(pk=message_id, message__author=user_id)
    return next(iter(_removals(rows)), None)


def refusal_of(user_id: int, case_id: int) -> Decision | None:
    """Return the refusal of a held message whose text is still kept."""
    return next(iter(_refusals(_refused_of(user_id).filter(pk=case_id))), None)


def room_mute_of(user_id: int, room_id: int) -> Decision | None:
    """Return the mute of a member that is in effect."""
    return next((mute for mute in room_mutes_of(user_id) if mute.number == room_id), None)


def room_mutes_of(user_id: int) -> list[Decision]:
    """Return the mutes of a member that are in effect."""
    rows = Membership.objects.filter(
        user=user_id, state=State.ACTIVE, muted_until__gt=timezone.now()
    )
    found = []
    for row in rows.select_related("room").order_by("-muted_until")[:MAX_DECISIONS]:
        entries = ModerationLog.objects.filter(
            subject=user_id, room=row.room_id, action=ModerationLog.Action.MUTE
        )
        if entry := entries.order_by("-pk").first():
            found.append(_mute(row, entry))
    return found


def _mute(row: Membership, entry: ModerationLog) -> Decision:
    appeals = Appeal.objects.filter(muted=row.user_id, decided_at=entry.created_at)
    return Decision(
        kind="mute",
        number=row.room_id,
        room=row.room,
        text="",
        decided_at=entry.created_at,
        decided_by_id=entry.actor_id,
        reason=entry.reason,
        appeal=appeals.select_related("case").first(),
        until=row.muted_until,
    )


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


def _removals(removed: "QuerySet[RemovedText]") -> list[Decision]:
    rows = list(removed.select_related("message__room", "bulk"))
    ids = [row.pk for row in rows]
    entries = ModerationLog.objects.filter(message__in=ids, action__in=_REMOVALS)
    reasons = dict(entries.order_by("pk").values_list("message_id", "reason"))
    found = Appeal.objects.filter(message__in=ids).select_related("case")
    appeals = {(row.message_id, row.decided_at): row for row in found}
    return [
        Decision(
            kind="removal",
            number=row.pk,
            room=row.message.room,
            text=row.body,
            decided_at=row.removed_at,
            decided_by_id=row.removed_by_id,
            reason=row.bulk.reason if row.bulk else reasons.get(row.pk, ""),
            appeal=appeals.get((row.pk, row.removed_at)),
        )
        for row in rows
    ]


def _refused_of(user_id: int) -> "QuerySet[HeldPost]":
    return HeldPost.objects.filter(
        author=user_id, state=HeldPost.State.REFUSED, case__released_at=None
    )


def _refusals(refused: "QuerySet[HeldPost]") -> list[Decision]:
    rows = list(refused.select_related("case", "room"))
    found = Appeal.objects.filter(held__in=[row.pk for row in rows]).select_related("case")
    appeals = {(row.held_id, row.decided_at): row for row in found}
    return [
        Decision(
            kind="refusal",
            number=row.pk,
            room=row.room,
            text=case.body,
            decided_at=case.closed_at,
            decided_by_id=case.closed_by_id,
            reason=case.reason,
            appeal=appeals.get((row.pk, case.closed_at)),
        )
        for row in rows
        if (case := row.case).closed_at is not None and case.closed_by_id is not None
    ]
