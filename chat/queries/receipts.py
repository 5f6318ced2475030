"""Read receipts: how far the members of a room have read, for those who let others see it."""

from collections.abc import Collection
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from chat import policies
from chat.models import Membership, ReceiptsOff, Room, State
from chat.queries.rooms import readable_room

MAX_ROOMS: Final = 100  # of one query: at most 5,000 members


def gives_receipts(user_id: int) -> bool:
    """Return whether the user lets others see how far they have read."""
    return not ReceiptsOff.objects.filter(user_id=user_id).exists()


def receipts(room_id: int, user_id: int) -> list[Membership] | None:
    """Return the memberships of the others who give receipts.

    None: the room has no receipts, or the user is no member or gives none.
    """
    access = readable_room(room_id, user_id)
    if not policies.shows_receipts(access.room) or not policies.is_active(access.membership):
        return None
    rows = list(_giving([room_id]))
    if all(row.user_id != user_id for row in rows):
        return None
    return [row for row in rows if row.user_id != user_id]


def receipts_in(room_ids: Collection[int]) -> dict[int, list[Membership]]:
    """Return the memberships of those who give receipts, by room, in one query."""
    found: dict[int, list[Membership]] = {}
    for row in _giving(room_ids):
        found.setdefault(row.room_id, []).append(row)
    return found


def _giving(room_ids: Collection[int]) -> "QuerySet[Membership]":
    refused = ReceiptsOff.objects.filter(user_id=OuterRef("user_id"))
    return Membership.objects.filter(
        ~Exists(refused),
        Q(room__kind=Room.Kind.DIRECT) | Q(room__read_receipts=True),
        room__in=room_ids,
        room__member_count__lte=policies.RECEIPTS_MAX_MEMBERS,
        state=State.ACTIVE,
    ).only("room_id", "user_id", "read_number", "joined_at")
