"""What moderators do to people. Each act has a reason, an entry in the log, and a notification to the person concerned."""

from chat.models import Membership, SiteBan


def mute(*, actor_id: int, room_id: int, user_id: int, seconds: int, reason: str = "") -> Membership:
    """Silence a member for so many seconds; 0 lets them speak again."""
    raise NotImplementedError


def remove(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Put a member out of the room. They may come back: into a public room by themselves."""
    raise NotImplementedError


def ban(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Put somebody out of the room, member or not, and keep them out."""
    raise NotImplementedError


def unban(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Let somebody come back; their state is then ``left``."""
    raise NotImplementedError


def site_ban(*, actor_id: int, user_id: int, reason: str) -> SiteBan:
    """Keep somebody out of the whole site. Their sockets close at once."""
    raise NotImplementedError


def site_unban(*, actor_id: int, user_id: int, reason: str = "") -> SiteBan:
    """Let somebody in again."""
    raise NotImplementedError
