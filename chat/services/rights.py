"""The rank with which a user acts.

Site moderators are looked up only where the role in the room is too low.
"""

from django.db.models import Q

from chat import policies
from chat.models import Case, Membership, Message, Room
from chat.policies import Rank
from chat.queries import people, queue, rooms
from realtime.auth import MODERATORS
from realtime.core.users import User
from realtime.protocol.errors import Forbidden


def acting_rank(room: Room, member: Membership | None, user_id: int, *, least: Rank) -> Rank:
    """Return the rank of a user in a room: the site's, if the room's is below ``least``."""
    own = Rank.NOBODY if room.is_direct else policies.rank(member)
    return Rank.SITE if own < least and people.is_site_moderator(user_id) else own


def check_may_know(room_id: int, actor_id: int) -> None:
    """Raise that there is no such room, unless the actor may know that it exists.

    Asked before anything else is looked up, so that no other answer betrays a secret room. Site
    moderators know of all rooms, but not of the conversations of others.
    """
    room, member = rooms.room_access(room_id, actor_id)
    if policies.is_active(member):
        return
    if room.is_direct or not people.is_site_moderator(actor_id):
        policies.check_may_read(room, member)


def check_moderates(
    room: Room, member: Membership | None, actor_id: int, *, least: Rank = Rank.MODERATOR
) -> Rank:
    """Return the rank of a user who moderates the room. Raises why they do not."""
    acting = acting_rank(room, member, actor_id, least=least)
    if acting < Rank.SITE or (room.is_direct and not policies.is_active(member)):
        policies.check_may_read(room, member)
        policies.check_rank(acting, least)
    return acting


def check_above(room: Room, acting: Rank, subject: Membership | None, subject_id: int) -> None:
    """Raise ``Forbidden`` unless the actor outranks the subject. Site moderators are highest."""
    policies.check_above(acting, acting_rank(room, subject, subject_id, least=Rank.SITE))


def check_site_moderator(actor_id: int) -> None:
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")


def check_not_author(message: Message, actor_id: int) -> None:
    """Raise ``Forbidden`` for a decision of moderators about the actor's message."""
    if message.author_id == actor_id:
        raise Forbidden("This is about your own message. Another moderator must decide it.")


def check_not_concerned(case: Case, actor_id: int) -> None:
    """Raise ``Forbidden`` for a case about the actor, or about a decision of theirs."""
    if queue.is_concerned(case, actor_id):
        raise Forbidden("This case is about you. Another moderator must decide it.")


def is_staff(user_id: int) -> bool:
    """Return whether a user is a moderator of the site or an administrator, active or not."""
    staff = Q(is_superuser=True) | Q(is_staff=True) | Q(groups__name=MODERATORS)
    return User.objects.filter(staff, pk=user_id).exists()


def check_above_on_site(actor_id: int, user_id: int) -> None:
    """Raise ``Forbidden`` unless a site moderator acts on an ordinary user.

    Acting on oneself or on staff, active or not, is refused.
    """
    check_site_moderator(actor_id)
    if actor_id == user_id:
        raise Forbidden("You can't do that to yourself.")
    if is_staff(user_id):
        raise Forbidden(
            "You can't do that to a site moderator or an administrator. Remove their role first."
        )
