"""Direct conversations, of two people or a group. The same people always have the same one.

Nobody is added later: other people are another conversation. A person who leaves a group stays out
until they choose the same people again.
"""

import secrets
from collections.abc import Collection, Sequence
from typing import Final

from django.utils import timezone

from chat import payloads, policies
from chat.models import Membership, Room, direct_key
from chat.moderation import strangers
from chat.queries import members, people
from chat.queries.blocks import check_no_block, check_no_block_in_group
from chat.services.persistence import admit, new_membership, save_room, streams_of
from chat.services.rooms.inviting import check_sent
from notifications.payloads import inbox
from realtime.core.heads import changing
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

MAX_PEOPLE: Final = 9  # of a group, with the one who begins it
SLUG_BYTES: Final = 8  # the addresses of groups are random: ids would not fit


def direct_room(*, actor_id: int, user_id: int) -> Membership:
    """Return the actor's membership in the direct room with ``user_id``, created if missing."""
    if actor_id == user_id:
        raise BadRequest("user: expected someone other than yourself")
    return _conversation(actor_id, [user_id])


def group_room(*, actor_id: int, user_ids: Collection[int]) -> Membership:
    """Return the actor's membership in the conversation of these people, created if missing.

    The actor need not be among ``user_ids``. With one other person it is their direct room. An
    actor who has left the group comes back; nobody else does.
    """
    others = sorted(set(user_ids) - {actor_id})
    if not others or len(others) >= MAX_PEOPLE:
        raise BadRequest(
            "users: expected 1 to {most} other people, got {count}",
            most=MAX_PEOPLE - 1,
            count=len(others),
        )
    return _conversation(actor_id, others)


def _conversation(actor_id: int, others: Sequence[int]) -> Membership:
    ids = sorted([actor_id, *others])
    key = direct_key(*ids)
    users = people.active_users_by_id(ids)
    found = _membership(key, actor_id)
    if found is not None and policies.is_active(found):
        return found
    if found is not None:
        return _come_back(found)
    # Creating the room locks all inboxes, so of two requests at the same moment the second one
    # finds the room.
    with changing(*map(inbox, ids)) as heads:
        found = _membership(key, actor_id)
        if found is not None:
            return found
        _check_may_begin(actor_id, [user for user in users if user.pk != actor_id])
        room = Room(slug=_slug(ids), kind=Room.Kind.DIRECT, direct_key=key, created_by_id=actor_id)
        room.save()
        heads.created(payloads.stream(room.pk))
        save_room(heads, room)
        rows = {user.pk: new_membership(room, user, now=timezone.now()) for user in users}
        for row in rows.values():
            admit(heads, room, row)
    return rows[actor_id]


def _come_back(row: Membership) -> Membership:
    """Let the user into a group that they have left. Messages in between count as read."""
    with changing(*streams_of(row.room_id, row.user_id)) as heads:
        row.refresh_from_db()
        if not policies.is_active(row):
            policies.check_number_of_rooms(members.count_rooms(row.user_id))
            admit(heads, row.room, row)
    return row


def _check_may_begin(actor_id: int, others: Sequence[User]) -> None:
    """Raise why the actor may not begin a conversation with these people."""
    if len(others) == 1:
        check_no_block(actor_id, others[0].pk)
    else:
        check_no_block_in_group(actor_id, others)
    policies.check_not_muted(
        None, site_muted_until=people.site_muted_until(actor_id), now=timezone.now()
    )
    strangers.check_may_begin(actor_id)
    check_sent(actor_id, to=len(others))
    policies.check_number_of_rooms(members.count_rooms(actor_id))


def _membership(key: str, user_id: int) -> Membership | None:
    return (
        Membership.objects.filter(room__direct_key=key, user_id=user_id)
        .select_related("room", "user")
        .first()
    )


def _slug(ids: Sequence[int]) -> str:
    if len(ids) == 2:
        return f"direct_{ids[0]}_{ids[1]}"
    return f"group_{secrets.token_hex(SLUG_BYTES)}"
