"""With which rank somebody acts. The moderators of the site are looked up only where the room itself gives too little."""

from django.contrib.auth.models import User
from django.db.models import Q

from chat import policies
from chat.models import Membership, Room
from chat.policies import Rank
from chat.queries import people
from realtime.auth import MODERATORS
from realtime.protocol.errors import Forbidden


def acting_rank(room: Room, member: Membership | None, user_id: int, *, least: Rank) -> Rank:
    """Return the rank that somebody has in a room, or the site's, if the room's is below ``least``."""
    own = Rank.NOBODY if room.is_direct else policies.rank(member)
    return Rank.SITE if own < least and people.is_site_moderator(user_id) else own


def check_moderates(
    room: Room, member: Membership | None, actor_id: int, *, least: Rank = Rank.MODERATOR
) -> Rank:
    """Return the rank of somebody who moderates the room. Raises what others are told."""
    acting = acting_rank(room, member, actor_id, least=least)
    if acting < Rank.SITE:
        policies.check_may_read(room, member)
        policies.check_rank(acting, least)
    return acting


def check_above(room: Room, acting: Rank, subject: Membership | None, subject_id: int) -> None:
    """Raise ``Forbidden`` where somebody acts on an equal or on somebody above; the moderators of the site are above all rooms."""
    policies.check_above(acting, acting_rank(room, subject, subject_id, least=Rank.SITE))


def check_above_on_site(actor_id: int, user_id: int) -> None:
    """Raise ``Forbidden`` for those who do not moderate the site, or who act on themselves or on somebody of the desk, active or not."""
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only moderators of the site may do that.")
    if actor_id == user_id:
        raise Forbidden("You cannot do that to yourself.")
    of_the_desk = Q(is_superuser=True) | Q(is_staff=True) | Q(groups__name=MODERATORS)
    if User.objects.filter(of_the_desk, pk=user_id).exists():
        raise Forbidden(
            "That cannot be done to somebody who works at the desk; take the role away first."
        )
