"""The state of a room with which a client begins, and from which it follows the stream."""

from dataclasses import dataclass

from chat.models import Membership, Message, Room
from chat.queries.members import companions, may_take_over
from chat.queries.messages import Unread, latest, unread_in
from chat.queries.rooms import readable_room, room_head
from realtime.core.users import User


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A room with its newest messages, as of ``seq`` or later."""

    room: Room
    membership: Membership | None
    companions: list[User]  # the other people of a direct room
    seq: int
    messages: list[Message]
    unread: Unread
    may_take_over: bool  # the room has no owner, and the user may become it


def snapshot(room_id: int, user_id: int) -> Snapshot:
    """Return a room that the user may read.

    ``seq`` is read first: a change in between is in the snapshot already, and comes again as an
    event, but no change is missed.
    """
    seq = room_head(room_id)
    access = readable_room(room_id, user_id)
    others = companions([access.room], user_id).get(room_id, [])
    return Snapshot(
        access.room,
        access.membership,
        others,
        seq,
        latest(room_id),
        unread_in(access),
        may_take_over(*access),
    )
