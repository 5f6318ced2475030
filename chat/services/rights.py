"""The rank with which a user acts.

Site moderators are looked up only where the role in the room is too low.
"""

from django.contrib.auth.models import User
from django.db.models import Q

from chat import policies
from chat.models import Membership, Room
from chat.policies import Rank
from chat.queries import people
from realtime.auth import MODERATORS
from realtime.protocol.errors import Forbidden


def acting_rank(room: Room, member: Membership | None, user_id: int, *, least: Rank) -> Rank:
    """Return the rank of a user in a room: the site's, if the room's is below ``least``."""
    own = Rank.NOBODY if room.is_direct else policies.rank(member)
    return Rank.SITE if own < least and people.is_site_moderator(user_id) else own


def check_moderates(
    room: Room, member: Membership | None, actor_id: int, *, least: Rank = Rank.MODERATOR
) -> Rank:
    """Return the rank of a user who moderates the room. Raises why they do not."""
    acting = acting_rank(room, member, actor_id, least=least)
    if acting < Rank.SITE:
        policies.check_may_read(room, member)
        policies.check_rank(acting, least)
    return acting


def check_above(room: Room, acting: Rank, subject: Membership | None, subject_id: int) -> None:
    """Raise ``Forbidden`` unless the actor outranks the subject. Site moderators are highest."""
    policies.check_above(acting, acting_rank(room, subject, subject_id, least=Rank.SITE))


def check_above_on_site(actor_id: int, user_id: int) -> None:
    """Raise ``Forbidden`` unless a site moderator acts on an ordinary user.

    Acting on oneself or on staff, active or not, is refused.
    """
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")
    if actor_id == user_id:
        raise Forbidden("You can't do that to yourself.")
    of_the_desk = Q(is_superuser=True) | Q(is_staff=True) | Q(groups__name=MODERATORS)
    if User.objects.filter(of_the_desk, pk=user_id).exists():
        raise Forbidden(
            "You can't do that to a site moderator or an administrator. Remove their role first."
        )
