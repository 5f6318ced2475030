"""With which rank somebody acts. The moderators of the site are looked up only where the room itself gives too little."""

from chat import policies, selectors
from chat.models import Membership, Room
from chat.policies import Rank


def acting_rank(room: Room, member: Membership | None, user_id: int, *, least: Rank) -> Rank:
    """Return the rank that somebody has in a room, or the site's, if the room's is below ``least``."""
    own = Rank.NOBODY if room.is_direct else policies.rank(member)
    return Rank.SITE if own < least and selectors.is_site_moderator(user_id) else own


def check_moderates(room: Room, member: Membership | None, actor_id: int, *, least: Rank = Rank.MODERATOR) -> Rank:
    """Return the rank of somebody who moderates the room. Raises what others are told."""
    acting = acting_rank(room, member, actor_id, least=least)
    if acting < Rank.SITE:
        policies.check_may_read(room, member)
        policies.check_rank(acting, least)
    return acting


def check_above(room: Room, acting: Rank, subject: Membership | None, subject_id: int) -> None:
    """Raise ``Forbidden`` where somebody acts on an equal or on somebody above; the moderators of the site are above all rooms."""
    policies.check_above(acting, acting_rank(room, subject, subject_id, least=Rank.SITE))
