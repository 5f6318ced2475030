"""Single rooms, together with a user's membership, and whether the user may read or post."""

from typing import NamedTuple

from django.utils import timezone

from chat import payloads, policies
from chat.models import Membership, Room
from chat.queries.members import membership, site_muted_until
from realtime.core import reads as streams


class RoomAccess(NamedTuple):
    """A room and a user's membership of it. None: the user was never a member."""

    room: Room
    membership: Membership | None


def room(room_id: int) -> Room:
    """Raises ``NotFound``, also for numbers that cannot be an id."""
    found = Room.objects.filter(pk=room_id).first() if 0 < room_id <= policies.MAX_ID else None
    if found is None:
        raise policies.no_such_room()
    return found


def room_by_slug(slug: str) -> Room | None:
    return Room.objects.filter(slug=slug).first()


def room_head(room_id: int) -> int:
    """Return the head of the room's stream."""
    if not 0 < room_id <= policies.MAX_ID:
        raise policies.no_such_room()
    return streams.head_and_floor(payloads.stream(room_id))[0]


def room_access(room_id: int, user_id: int) -> RoomAccess:
    """Raises ``NotFound``; does not check whether the user may read the room."""
    return RoomAccess(room(room_id), membership(room_id, user_id))


def readable_room(room_id: int, user_id: int) -> RoomAccess:
    """Raises ``NotFound`` or ``Forbidden`` unless the user may read the room."""
    found = room_access(room_id, user_id)
    policies.check_may_read(*found)
    return found


def writable_room(room_id: int, user_id: int) -> RoomAccess:
    """Raises the reason if the user cannot post in the room now."""
    found = room_access(room_id, user_id)
    policies.check_may_write(
        *found, site_muted_until=site_muted_until(found.membership), now=timezone.now()
    )
    return found
