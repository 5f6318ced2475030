"""Stores changed rows: each takes its numbers and is recorded once in a transaction.

A row is stored when it has its final values, so one transaction makes one event of it.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import F
from django.utils import timezone

from chat import payloads
from chat.models import (
    SYSTEM_USERNAME,
    Involvement,
    Membership,
    Message,
    ModerationLog,
    Role,
    Room,
    SiteMute,
    State,
)
from notifications.payloads import inbox
from realtime.core.heads import Heads
from realtime.core.users import User


def streams_of(room_id: int, *user_ids: int) -> set[str]:
    """Return the streams that show the memberships of these users in a room."""
    return {payloads.stream(room_id), *map(inbox, user_ids)}


def save_room(heads: Heads, room: Room) -> None:
    stream = payloads.stream(room.pk)
    room.seq = heads.next(stream)
    room.shown_last_number = room.last_number
    room.save()
    heads.record(stream, payloads.room_event(room))


def save_membership(heads: Heads, row: Membership) -> None:
    """Store a membership as a row of the room's stream and of the user's inbox."""
    stream, mine = payloads.stream(row.room_id), inbox(row.user_id)
    row.seq, row.inbox_seq = heads.next(stream), heads.next(mine)
    row.shown_read_number = row.read_number
    row.save()
    heads.record(stream, payloads.membership_event(row))
    heads.record(mine, payloads.inbox_event(row))


def save_message(heads: Heads, row: Message) -> None:
    stream = payloads.stream(row.room_id)
    row.seq = heads.next(stream)
    row.save()
    heads.record(stream, payloads.message_event(row))


def save_site_mute(heads: Heads, row: SiteMute) -> None:
    """Store a site mute as a row of the user's inbox."""
    mine = inbox(row.user_id)
    row.seq = heads.next(mine)
    row.save()
    heads.record(mine, payloads.site_mute_event(row))


def new_membership(
    room: Room, user: User, *, role: str = Role.MEMBER, state: str = State.ACTIVE, now: datetime
) -> Membership:
    """Return a membership of a new member; earlier messages count as read."""
    involvement = Involvement.EVERYTHING if room.is_direct else Involvement.MENTIONS
    return Membership(
        room=room,
        user=user,
        role=role,
        state=state,
        involvement=involvement,
        read_number=room.last_number,
        joined_at=now,
    )


def admit(heads: Heads, room: Room, row: Membership, *, role: str = Role.MEMBER) -> None:
    """Store a membership, new or not, that becomes active."""
    row.state, row.role, row.banned_until, row.refused_at = State.ACTIVE, role, None, None
    row.read_number = max(row.read_number, room.last_number)
    row.joined_at = timezone.now()
    save_membership(heads, row)
    count_members(room, 1)


def dismiss(
    heads: Heads, room: Room, row: Membership, state: str, *, until: datetime | None = None
) -> None:
    """Store a membership that ends, or a ban of a user who never was a member.

    The ban ends by itself at ``until``.
    """
    was_active = row.pk is not None and row.state == State.ACTIVE
    row.state, row.role, row.banned_until = state, Role.MEMBER, until
    save_membership(heads, row)
    if was_active:
        count_members(room, -1)


def count_members(room: Room, change: int) -> None:
    """Change the number of active members, under the lock of the room."""
    room.member_count += change
    Room.objects.filter(pk=room.pk).update(member_count=F("member_count") + change)


def log(
    action: str,
    *,
    actor_id: int,
    reason: str,
    room: Room | None = None,
    subject_id: int | None = None,
    message: Message | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    ModerationLog.objects.create(
        action=action,
        actor_id=actor_id,
        reason=reason,
        room=room,
        subject_id=subject_id,
        message=message,
        details=details or {},
    )


def system_user() -> User:
    """Return the author of system messages. It is created again if the tables were emptied."""
    defaults = {"first_name": "Holdfast", "is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=SYSTEM_USERNAME, defaults=defaults)[0]
