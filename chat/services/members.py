"""Coming, going, and what members are."""

from collections.abc import Sequence

from chat.models import Membership, Role


def join(*, actor_id: int, room_id: int) -> Membership:
    """Become a member of a public room."""
    raise NotImplementedError


def leave(*, actor_id: int, room_id: int) -> Membership:
    """Stop being a member. The last owner's room passes to its longest-standing moderator, else member."""
    raise NotImplementedError


def invite(*, actor_id: int, room_id: int, username: str) -> Membership:
    """Make somebody a member, and tell them."""
    raise NotImplementedError


def add_members(*, room_id: int, user_ids: Sequence[int], role: str = Role.MEMBER) -> int:
    """Make many people members at once, without telling them (an operator's tool). Returns how many were not."""
    raise NotImplementedError


def set_role(*, actor_id: int, room_id: int, user_id: int, role: str, reason: str = "") -> Membership:
    """Give a member another role. For owners."""
    raise NotImplementedError


def set_involvement(*, actor_id: int, room_id: int, involvement: str) -> Membership:
    """Choose what of the room reaches the actor's inbox."""
    raise NotImplementedError
