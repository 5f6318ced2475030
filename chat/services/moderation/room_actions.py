"""Moderation of users in one room: mute, remove and ban.

Every action has a reason and an entry in the log, and notifies the user.
"""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from chat import policies
from chat.models import Membership, ModerationLog, Room, State
from chat.payloads import moment
from chat.queries import members, people, rooms
from chat.services import notices
from chat.services.moderation.values import ban_end, clean_reason
from chat.services.persistence import (
    dismiss,
    log,
    new_membership,
    save_membership,
    streams_of,
)
from chat.services.rights import check_above, check_moderates
from chat.services.rooms.members import end_membership
from notifications.services import notify
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import Forbidden, NotFound


def mute(
    *, actor_id: int, room_id: int, user_id: int, seconds: int, reason: str = ""
) -> Membership:
    """Mute a member for this many seconds; 0 unmutes."""
    reason = clean_reason(reason)
    policies.check_seconds(seconds, name="muted_for", limit=policies.MAX_MUTE)
    rooms.room(room_id)
    people.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = rooms.room_access(room_id, user_id)
        _check_may_act(room, row, user_id, actor_id)
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
            user_id,
            actor_id,
            reason,
            {"until": moment(until)} if until else {},
        )
    return row


def remove(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Remove a member from the room. They may join a public room again."""
    reason = clean_reason(reason)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        _check_may_act(room, row, user_id, actor_id)
        row = _known_member(row)
        dismiss(heads, room, row, State.REMOVED)
        _note(heads, ModerationLog.Action.REMOVE, room, user_id, actor_id, reason)
        return row

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
    user = people.user(user_id)

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        _check_may_act(room, row, user_id, actor_id)
        if row is not None and policies.is_banned(row) and row.banned_until == until:
            return row
        row = row or new_membership(room, user, now=timezone.now())
        dismiss(heads, room, row, State.BANNED, until=until)
        details = {"until": moment(until)} if until else None
        _note(heads, ModerationLog.Action.BAN, room, user_id, actor_id, reason, details)
        return row

    return end_membership(room_id, user_id, act)


def unban(*, actor_id: int, room_id: int, user_id: int, reason: str = "") -> Membership:
    """Lift a ban. The user's state is then ``left``, so they can join or be invited again."""
    reason = clean_reason(reason)
    rooms.room(room_id)
    people.user(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, row = rooms.room_access(room_id, user_id)
        _check_may_act(room, row, user_id, actor_id)
        if row is None or row.state != State.BANNED:
            raise NotFound("This person isn't banned from the room.")
        dismiss(heads, room, row, State.LEFT)
        _note(heads, ModerationLog.Action.UNBAN, room, user_id, actor_id, reason)
    return row


def _check_may_act(room: Room, subject: Membership | None, subject_id: int, actor_id: int) -> None:
    """Raise unless the actor moderates the room and outranks the subject."""
    acting = check_moderates(room, members.membership(room.pk, actor_id), actor_id)
    policies.check_not_direct(room)
    if subject_id == actor_id:
        raise Forbidden("You can't do that to yourself.")
    check_above(room, acting, subject, subject_id)


def _known_member(row: Membership | None) -> Membership:
    if row is None or not policies.is_active(row):
        raise NotFound("There is no such member.")
    return row


def _note(
    heads: Heads,
    action: ModerationLog.Action,
    room: Room,
    user_id: int,
    actor_id: int,
    reason: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Log an action and notify the user."""
    log(
        action,
        actor_id=actor_id,
        reason=reason,
        room=room,
        subject_id=user_id,
        details=details,
    )
    is_lifted = action in (ModerationLog.Action.UNMUTE, ModerationLog.Action.UNBAN)
    notice = notices.moderation_notice(
        user_id,
        action,
        room=room,
        actor_id=actor_id,
        reason=reason,
        level="success" if is_lifted else "warning",
        details=details,
    )
    notify(heads, notice)
