"""Members of a room."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from chat import policies
from chat.models import Membership, Role, Room, SiteMute, State

MAX_MEMBERS: Final = 200  # of one answer
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


def _named(beginning: str, *, by_name: bool) -> Q:
    begins = Q(user__username__startswith=beginning) | Q(
        user__username__startswith=beginning.lower()
    )
    if by_name:
        begins |= Q(user__first_name__istartswith=beginning) | Q(
            user__last_name__istartswith=beginning
        )
    return begins


def partners(rooms: Iterable[Room], user_id: int) -> dict[int, User]:
    """Return the other person of each direct room."""
    direct = [room.pk for room in rooms if room.is_direct]
    if not direct:
        return {}
    rows = (
        Membership.objects.filter(room_id__in=direct)
        .exclude(user_id=user_id)
        .select_related("user")
    )
    return {row.room_id: row.user for row in rows}


def banned_now() -> Q:
    """Return the condition on memberships of ``policies.is_banned``."""
    return Q(state=State.BANNED) & (Q(banned_until=None) | Q(banned_until__gt=timezone.now()))


def count_rooms(user_id: int) -> int:
    """Return the number of a user's rooms, counted no further than the limit of rooms."""
    mine = Membership.objects.filter(user_id=user_id, state=State.ACTIVE)
    return len(mine.values_list("pk")[: policies.MAX_ROOMS_PER_USER])


def is_last_owner(room_id: int, user_id: int) -> bool:
    owners = Membership.objects.filter(
        room_id=room_id, state=State.ACTIVE, role=Role.OWNER
    ).order_by("pk")
    return list(owners.values_list("user_id", flat=True)[:2]) == [user_id]


def next_owner(room_id: int, user_id: int) -> int | None:
    """Return the user who becomes the owner when this one leaves.

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
