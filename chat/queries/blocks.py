"""Blocks between users, and whether one keeps two of them from writing to each other."""

from collections.abc import Collection
from typing import Final

from chat.models import Block, Room
from realtime.core.users import User
from realtime.protocol.errors import Forbidden

MAX_BLOCKS: Final = 500  # of one user; every page carries them

Pair = tuple[int, int]  # the user who blocks, the user who is blocked


def blocks(user_id: int) -> list[Block]:
    """Return the user's current blocks, oldest first."""
    rows = (
        Block.objects.filter(user_id=user_id, lifted_at=None)
        .select_related("blocked")
        .order_by("pk")
    )
    return list(rows[:MAX_BLOCKS])


def blocked_pairs(user_ids: Collection[int], others: Collection[int]) -> frozenset[Pair]:
    """Return the current blocks of ``others`` by ``user_ids``, in at most one query."""
    if not (user_ids and others):
        return frozenset()
    rows = Block.objects.filter(user_id__in=user_ids, blocked_id__in=others, lifted_at=None)
    return frozenset(rows.values_list("user_id", "blocked_id"))


def check_no_block(user_id: int, other_id: int) -> None:
    """Raise ``Forbidden`` if one of the two has blocked the other."""
    check_no_block_in(blocked_pairs([user_id, other_id], [user_id, other_id]), user_id, other_id)


def check_no_block_in(pairs: Collection[Pair], user_id: int, other_id: int) -> None:
    """Raise ``Forbidden`` if ``pairs`` has a block between ``user_id`` and the other user.

    The error does not reveal a block to the blocked user: a closed account gives the same one.
    """
    if (user_id, other_id) in pairs:
        raise Forbidden("You have blocked this person. Lift the block first.")
    if (other_id, user_id) in pairs:
        raise Forbidden("You cannot write to this person.")


def check_no_block_in_group(user_id: int, others: Collection[User]) -> None:
    """Raise ``Forbidden`` if a block lies between ``user_id`` and one of the others, and say whose.

    Blocks between two of the others do not count: as in a room, they fold messages away.
    """
    ids = [user_id, *(user.pk for user in others)]
    pairs = blocked_pairs(ids, ids)
    for user in others:
        if (user_id, user.pk) in pairs:
            raise Forbidden(
                "You have blocked {name}. Lift the block first, or choose other people.",
                name=user.username,
            )
        if (user.pk, user_id) in pairs:
            raise Forbidden("You cannot write to {name}. Choose other people.", name=user.username)


def partner_id(room: Room, user_id: int) -> int | None:
    """Return the other user of a direct room of two; None for all other rooms.

    A block does not stop a group: the messages are folded away and do not notify.
    """
    if room.direct_key is None or room.is_group:
        return None
    low, high = map(int, room.direct_key.split(":"))
    return high if user_id == low else low


def check_may_write_to(room: Room, user_id: int) -> None:
    """Raise ``Forbidden`` if a block prevents writing in a direct room.

    Other rooms need no query.
    """
    other_id = partner_id(room, user_id)
    if other_id is not None:
        check_no_block(user_id, other_id)
