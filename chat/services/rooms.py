"""Making rooms and changing what they are."""

from chat.models import Membership, Room


def create_room(*, actor_id: int, name: str, kind: str = Room.Kind.PUBLIC, topic: str = "", slug: str = "") -> Membership:
    """Make a room that the actor owns. Returns the actor's membership, with its room."""
    raise NotImplementedError


def direct_room(*, actor_id: int, user_id: int) -> Membership:
    """Return the actor's membership in the one conversation with ``user_id``, which is made by the first call."""
    raise NotImplementedError


def change_room(
    *,
    actor_id: int,
    room_id: int,
    name: str | None = None,
    topic: str | None = None,
    slow_mode: int | None = None,
    read_only: bool | None = None,
    archived: bool | None = None,
    reason: str = "",
) -> Room:
    """Change what is given: name, topic, slow mode (seconds), lock, archive. For owners and moderators."""
    raise NotImplementedError
