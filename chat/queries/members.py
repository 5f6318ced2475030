"""Members of a room."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from chat import policies
from chat.models import Membership, Role, Room, SiteMute, State
from chat.queries import names
from realtime.auth import MODERATORS
from realtime.auth.accounts import shown_name
from realtime.core.users import User

MAX_MEMBERS: Final = 200  # of one answer
MAX_STAFF: Final = 200  # badges of a room, and of the site
SITE: Final = "site"  # the badge of site moderators, in every room
# Members without a role who may take over a room that has no owner: a stranger who joins may not.
MAX_NEXT_OWNERS: Final = 5
# Larger rooms are searched by username only, because names have no index.
SEARCHED_BY_NAME: Final = 5000  # members


class Members(NamedTuple):
    """A page of members, and whether there are more after it."""

    rows: list[Membership]
    more: bool


def membership(room_id: int, user_id: int) -> Membership | None:
    rows = Membership.objects.filter(room_id=room_id, user_id=user_id).select_related("user")
    return with_site_mute(rows).first()


def with_site_mute(rows: "QuerySet[Membership]") -> "QuerySet[Membership]":
    """Load the end of each user's site mute, for ``site_muted_until``."""
    until = SiteMute.objects.filter(pk=OuterRef("user_id")).values("until")
    annotated: QuerySet[Membership] = rows.annotate(site_muted_until=Subquery(until))
    return annotated


def site_muted_until(row: Membership | None) -> datetime | None:
    """Return until when a member is muted on the whole site.

    Raises ``KeyError`` for a row that was read without ``with_site_mute``: a permission must not
    take "not loaded" for "not muted".
    """
    until: datetime | None = vars(row)["site_muted_until"] if row is not None else None
    return until


def members(
    room: Room,
    *,
    beginning: str = "",
    staff: bool = False,
    ids: Collection[int] = (),
    after_user: int = 0,
    limit: int,
) -> Members:
    """Return active members in the order of their user ids: by name, staff only, or by id."""
    rows = Membership.objects.filter(room=room, state=State.ACTIVE, user_id__gt=after_user)
    if beginning:
        rows = rows.filter(_named(beginning, by_name=room.member_count <= SEARCHED_BY_NAME))
    if staff:
        rows = rows.exclude(role=Role.MEMBER)
    if ids:
        rows = rows.filter(user_id__in=ids)
    found = list(rows.select_related("user").order_by("user_id")[: limit + 1])
    return Members(found[:limit], len(found) > limit)


def staff(room: Room) -> dict[int, str]:
    """Return the roles that badges show in a room, by user id: "site", or the role in the room."""
    found: dict[int, str] = {}
    if not room.is_direct:
        rows = Membership.objects.filter(room=room, state=State.ACTIVE).exclude(role=Role.MEMBER)
        found |= {user: str(role) for user, role in rows.values_list("user_id", "role")[:MAX_STAFF]}
    moderates = Q(is_superuser=True) | Q(groups__name=MODERATORS)
    site = User.objects.filter(moderates, is_active=True).values_list("pk", flat=True).distinct()
    return found | dict.fromkeys(site[:MAX_STAFF], SITE)


def _named(beginning: str, *, by_name: bool) -> Q:
    begins = names.begins(beginning, user="user__")
    if by_name:
        begins |= Q(user__first_name__istartswith=beginning) | Q(
            user__last_name__istartswith=beginning
        )
    return begins


def companions(rooms: Iterable[Room], user_id: int) -> dict[int, list[User]]:
    """Return the other people of each direct room, by name.

    Those who left a group are among them: its name stays, and no two groups have the same one.
    """
    direct = [room.pk for room in rooms if room.is_direct]
    if not direct:
        return {}
    rows = (
        Membership.objects.filter(room_id__in=direct)
        .exclude(user_id=user_id)
        .select_related("user")
    )
    found: dict[int, list[User]] = {}
    for row in sorted(rows, key=lambda row: (shown_name(row.user).casefold(), row.user_id)):
        found.setdefault(row.room_id, []).append(row.user)
    return found


def banned_now() -> Q:
    """Return the condition on memberships of ``policies.is_banned``."""
    return Q(state=State.BANNED) & (Q(banned_until=None) | Q(banned_until__gt=timezone.now()))


def opened_by_others(user_id: int) -> Q:
    """Return the condition on memberships of direct conversations that others began."""
    return Q(room__kind=Room.Kind.DIRECT) & ~Q(room__created_by=user_id)


def count_rooms(user_id: int) -> int:
    """Return the number of a user's rooms, counted no further than the limit of rooms.

    Conversations that others began are not counted: nobody else may use up a user's limit.
    """
    mine = Membership.objects.filter(user_id=user_id, state=State.ACTIVE)
    mine = mine.exclude(opened_by_others(user_id))
    return len(mine.values_list("pk")[: policies.MAX_ROOMS_PER_USER])


def is_last_owner(room_id: int, user_id: int) -> bool:
    owners = Membership.objects.filter(
        room_id=room_id, state=State.ACTIVE, role=Role.OWNER
    ).order_by("pk")
    return list(owners.values_list("user_id", flat=True)[:2]) == [user_id]


def next_owner(room_id: int, user_id: int) -> int | None:
    """Return the user who is offered the room when this one leaves.

    It is the moderator who joined first, otherwise the member who joined first. None if the room
    keeps another owner, or has no other member.
    """
    if not is_last_owner(room_id, user_id):
        return None
    others = Membership.objects.filter(
        room_id=room_id, state=State.ACTIVE, user__is_active=True
    ).exclude(user_id=user_id)
    moderators = others.filter(role=Role.MODERATOR).order_by("joined_at", "pk")
    members_by_age = others.order_by("joined_at", "pk")
    return (
        moderators.values_list("user_id", flat=True).first()
        or members_by_age.values_list("user_id", flat=True).first()
    )


def may_take_over(room: Room, row: Membership | None) -> bool:
    """Return whether a user may become the owner of a room that has none.

    Its moderators may. Without moderators, the members who joined first may.
    """
    if room.is_direct or row is None or not policies.is_active(row) or row.role == Role.OWNER:
        return False
    active = Membership.objects.filter(room=room, state=State.ACTIVE)
    # Distinct, because the staff of a room may be many; the index has the roles.
    staff = set(active.exclude(role=Role.MEMBER).values_list("role", flat=True).distinct())
    if Role.OWNER in staff:
        return False
    if Role.MODERATOR in staff:
        return row.role == Role.MODERATOR
    oldest = active.filter(user__is_active=True).order_by("joined_at", "pk")
    return row.pk in list(oldest.values_list("pk", flat=True)[:MAX_NEXT_OWNERS])
