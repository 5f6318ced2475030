"""Moderation of users in one room: mute, remove and ban.

Every action has a reason and an entry in the log, and notifies the user.
"""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from chat import policies
from chat.models import Membership, ModerationLog, Room, State
from chat.payloads import moment
from chat.policies import Rank
from chat.queries import members, people, rooms
from chat.services.moderation.values import ban_end, clean_reason
from chat.services.persistence import (
    dismiss,
    log,
    new_membership,
    save_membership,
    streams_of,
)
from chat.services.rights import check_above, check_may_know, check_moderates
from chat.services.room_notices import Actor, notify_of_act
from chat.services.rooms.members import end_membership
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import Forbidden, NotFound


def mute(
    *, actor_id: int, room_id: int, user_id: int, seconds: int, reason: str = ""
) -> Membership:
    """Mute a member for this many seconds; 0 unmutes."""
    reason = clean_reason(reason)
    policies.check_seconds(seconds, name="muted_for", limit=policies.MAX_MUTE)
    check_may_know(room_id, actor_id)
    people.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = rooms.room_access(room_id, user_id)
        acting = _check_may_act(room, row, user_id, actor_id)
        row = _known_member(row)
        until = timezone.now() + timedelta(seconds=seconds) if seconds else None
        if row.muted_until == until:
            return row
        row.muted_until = until
        save_membership(heads, row)
        _note(
            heads,
            ModerationLog.Action.MUTE if until else ModerationLog.Action.UNMUTE,
            room,
            row,
            Actor(actor_id, acting),
            reason,
            {"until": moment(until)} if until else {},
        )
    return row


def remove(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Remove a member from the room, or withdraw an invitation.

    A removed member may join a public room again.
    """
    reason = clean_reason(reason)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        acting = _check_may_act(room, row, user_id, actor_id)
        is_invited = policies.is_invited(row)
        row = row if row is not None and is_invited else _known_member(row)
        dismiss(heads, room, row, State.REMOVED)
        _note(
            heads,
            ModerationLog.Action.REMOVE,
            room,
            row,
            Actor(actor_id, acting),
            reason,
            was_member=not is_invited,
        )
        return row

    check_may_know(room_id, actor_id)
    people.user(user_id)
    return end_membership(room_id, user_id, act)


def ban(
    *, actor_id: int, room_id: int, user_id: int, seconds: int | None = None, reason: str = ""
) -> Membership:
    """Ban a user from the room, member or not, for this many seconds or until it is lifted.

    A user who is banned already stays banned until the new time.
    """
    reason = clean_reason(reason)
    until = ban_end(seconds)
    check_may_know(room_id, actor_id)
    user = people.user(user_id)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        acting = _check_may_act(room, row, user_id, actor_id)
        if row is not None and policies.is_banned(row) and row.banned_until == until:
            return row
        was_member = policies.is_active(row)
        row = row or new_membership(room, user, now=timezone.now())
        dismiss(heads, room, row, State.BANNED, until=until)
        _note(
            heads,
            ModerationLog.Action.BAN,
            room,
            row,
            Actor(actor_id, acting),
            reason,
            {"until": moment(until)} if until else None,
            was_member=was_member,
        )
        return row

    return end_membership(room_id, user_id, act)


def unban(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Lift a ban. The user's state is then ``left``.

    They can join, and be invited again unless they had left the room by themselves.
    """
    reason = clean_reason(reason)
    check_may_know(room_id, actor_id)
    people.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = rooms.room_access(room_id, user_id)
        acting = _check_may_act(room, row, user_id, actor_id)
        if row is None or row.state != State.BANNED:
            raise NotFound("This person isn't banned from the room.")
        dismiss(heads, room, row, State.LEFT)
        _note(
            heads,
            ModerationLog.Action.UNBAN,
            room,
            row,
            Actor(actor_id, acting),
            reason,
            was_member=False,
        )
    return row


def _check_may_act(room: Room, subject: Membership | None, subject_id: int, actor_id: int) -> Rank:
    """Return the rank of an actor who moderates the room and outranks the subject, or raise."""
    acting = check_moderates(room, members.membership(room.pk, actor_id), actor_id)
    policies.check_not_direct(room)
    if subject_id == actor_id:
        raise Forbidden("You can't do that to yourself.")
    check_above(room, acting, subject, subject_id)
    return acting


def _known_member(row: Membership | None) -> Membership:
    if row is None or not policies.is_active(row):
        raise NotFound("There is no such member.")
    return row


def _note(
    heads: Heads,
    action: ModerationLog.Action,
    room: Room,
    row: Membership,
    actor: Actor,
    reason: str,
    details: dict[str, Any] | None = None,
    *,
    was_member: bool = True,
) -> None:
    """Log an action and notify the user."""
    log(
        action,
        actor_id=actor.user_id,
        reason=reason,
        room=room,
        subject_id=row.user_id,
        details=details,
    )
    is_lifted = action in (ModerationLog.Action.UNMUTE, ModerationLog.Action.UNBAN)
    notify_of_act(
        heads,
        room,
        row,
        action,
        actor=actor,
        reason=reason,
        level="success" if is_lifted else "warning",
        details=details,
        was_member=was_member,
    )
