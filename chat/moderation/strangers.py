"""Strangers of a new account: people who have never answered it. In a raid it may not write."""

from collections.abc import Collection, Mapping

from chat.errors import RaidModeOn
from chat.models import Message, Room
from chat.moderation import raid_mode
from chat.moderation.new_accounts import new_accounts
from chat.moderation.raid_mode import Raid


def refusal() -> RaidModeOn:
    """Return the error of a new account that begins something with strangers."""
    return RaidModeOn(
        "Many new accounts are sending spam. For now, new accounts can't write to people who have"
        " never answered them, invite people or create rooms. Try again later."
    )


def check_may_begin(user_id: int) -> None:
    """Raise ``RaidModeOn`` where a new account may not begin anything with other people."""
    if raid_mode.current().refuse_contacts and new_accounts.among([user_id]):
        raise refusal()


def unanswered(
    places: Collection[tuple[int, int]], rooms: Mapping[int, Room], new: Collection[int], raid: Raid
) -> set[tuple[int, int]]:
    """Return the pairs of direct room and new author in which nobody else has written yet."""
    if not raid.refuse_contacts:
        return set()
    return {
        (room_id, author_id)
        for room_id, author_id in set(places)
        if author_id in new
        and (room := rooms.get(room_id)) is not None
        and room.is_direct
        and not Message.objects.filter(room_id=room_id).exclude(author_id=author_id).exists()
    }
