"""Reads about people: whom they block, whether they are muted, who they are in a room. As in ``chat.queries.selectors``, every list is bounded."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from django.db.models import Q

from chat import payloads
from chat.models import Block, Membership, Role, Room, SiteMute, State
from realtime.protocol.errors import Forbidden
from realtime.protocol.page import Event

MAX_BLOCKS: Final = 500  # standing ones of one person: every page carries them
# Members; in larger rooms only usernames are searched, which have an index.
SEARCHED_BY_NAME: Final = 5000

Pair = tuple[int, int]  # who blocks, whom


def block_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed blocks of the owner of ``inbox.<ident>``: a source of that stream."""
    rows = (
        Block.objects.filter(user_id=int(ident), seq__gt=after)
        .select_related("blocked")
        .order_by("seq")
    )
    return map(payloads.block_event, rows[:limit])


def blocks(user_id: int) -> list[Block]:
    """Return whom somebody keeps away, in the order in which they did."""
    rows = (
        Block.objects.filter(user_id=user_id, lifted_at=None)
        .select_related("blocked")
        .order_by("pk")
    )
    return list(rows[:MAX_BLOCKS])


def site_mute_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed site mute of the owner of ``inbox.<ident>``: a source of that stream, of one row at most."""
    return map(
        payloads.site_mute_event, SiteMute.objects.filter(pk=int(ident), seq__gt=after)[:limit]
    )


def site_mute(user_id: int) -> SiteMute | None:
    """Return somebody's site mute, which may be over, or None where there never was one."""
    return SiteMute.objects.filter(pk=user_id).first()


def blocked_pairs(user_ids: Collection[int], others: Collection[int]) -> frozenset[Pair]:
    """Return who of ``user_ids`` has blocked whom of ``others``: one query, and none where there is nobody to ask about."""
    if not (user_ids and others):
        return frozenset()
    rows = Block.objects.filter(user_id__in=user_ids, blocked_id__in=others, lifted_at=None)
    return frozenset(rows.values_list("user_id", "blocked_id"))


def check_not_kept_apart(user_id: int, other_id: int) -> None:
    """Raise ``Forbidden`` where one of the two has blocked the other."""
    check_apart(blocked_pairs([user_id, other_id], [user_id, other_id]), user_id, other_id)


def check_apart(pairs: Collection[Pair], user_id: int, other_id: int) -> None:
    """Raise ``Forbidden`` where these blocks stand between ``user_id`` and the other one.

    Who is blocked is told only that it cannot be done; it could as well be an account that is closed.
    """
    if (user_id, other_id) in pairs:
        raise Forbidden("You have blocked this person. Lift the block first.")
    if (other_id, user_id) in pairs:
        raise Forbidden("You cannot write to this person.")


def other_of(room: Room, user_id: int) -> int | None:
    """Return the other person of a direct room."""
    if room.direct_key is None:
        return None
    low, high = map(int, room.direct_key.split(":"))
    return high if user_id == low else low


def check_may_write_to(room: Room, user_id: int) -> None:
    """Raise ``Forbidden`` where a block stands between the two of a direct room. No query for other rooms."""
    other_id = other_of(room, user_id)
    if other_id is not None:
        check_not_kept_apart(user_id, other_id)


# -- people of a room ------------------------------------------------------------------------------


class Members(NamedTuple):
    """A part of the people of a room, and whether there are more behind them."""

    rows: list[Membership]
    more: bool


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
        rows = rows.filter(_called(beginning, by_name=room.member_count <= SEARCHED_BY_NAME))
    if staff:
        rows = rows.exclude(role=Role.MEMBER)
    if ids:
        rows = rows.filter(user_id__in=ids)
    found = list(rows.select_related("user").order_by("user_id")[: limit + 1])
    return Members(found[:limit], len(found) > limit)


def _called(beginning: str, *, by_name: bool) -> Q:
    begins = Q(user__username__startswith=beginning) | Q(
        user__username__startswith=beginning.lower()
    )
    if by_name:
        begins |= Q(user__first_name__istartswith=beginning) | Q(
            user__last_name__istartswith=beginning
        )
    return begins
