"""Joining and leaving, and the roles of members."""

from collections.abc import Callable, Sequence
from typing import Final

from django.utils import timezone

from chat import payloads, policies
from chat.models import REASON_MAX_LENGTH, Membership, ModerationLog, Role, Room, State
from chat.policies import Rank
from chat.queries import members, people, rooms
from chat.services.persistence import (
    admit,
    count_members,
    dismiss,
    log,
    new_membership,
    save_membership,
    streams_of,
)
from chat.services.rights import check_may_know, check_moderates
from chat.services.room_notices import Actor, notify_of_act
from notifications.payloads import inbox
from realtime.core.heads import Heads, changing
from realtime.core.users import User
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, Unavailable

# Of an operator's bulk: about 0.3 s, during which nobody can post in the room.
MEMBERS_PER_TRANSACTION: Final = 500
MAX_NEXT_OWNER_ATTEMPTS: Final = 5  # they can leave before the lock
RETRY_SECONDS: Final = 1.0


def join(*, actor_id: int, room_id: int) -> Membership:
    """Join a public room, or accept an invitation. For a member nothing changes."""
    user = people.active_user_by_id(actor_id)
    policies.check_may_join(*rooms.room_access(room_id, actor_id))
    with changing(*streams_of(room_id, actor_id)) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        policies.check_may_join(room, row)
        if row is not None and policies.is_active(row):
            return row
        policies.check_not_archived(room)
        policies.check_number_of_rooms(members.count_rooms(actor_id))
        row = row or new_membership(room, user, now=timezone.now())
        admit(heads, room, row)
    return row


def leave(*, actor_id: int, room_id: int) -> Membership:
    """Leave a room or group, or decline an invitation. Afterwards no member can invite the user.

    A room without an owner is offered to the next one.
    """

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        if row is None or not policies.is_invited(row):
            row = policies.check_member(room, row)
        if room.is_direct and not room.is_group:
            raise Forbidden(
                "You can't leave a direct conversation. Turn off its notifications instead."
            )
        row.refused_at = timezone.now()
        dismiss(heads, room, row, State.LEFT)
        return row

    return end_membership(room_id, actor_id, act)


def end_membership(
    room_id: int, user_id: int, act: Callable[[Heads, Room, Membership | None], Membership]
) -> Membership:
    """Let ``act`` end a membership, and offer the room to the next owner if the last one goes.

    The next owner's inbox is locked with the rest, so they are found before the lock and must be
    the same under the lock.
    """
    rooms.room(room_id)
    for _ in range(MAX_NEXT_OWNER_ATTEMPTS):
        next_owner_id = members.next_owner(room_id, user_id)
        with changing(
            *streams_of(room_id, user_id, *([next_owner_id] if next_owner_id else []))
        ) as heads:
            if members.next_owner(room_id, user_id) != next_owner_id:
                continue
            room, row = rooms.room_access(room_id, user_id)
            row = act(heads, room, row)
            if next_owner_id is not None:
                _offer(heads, room, next_owner_id, left_by=user_id)
        return row
    raise Unavailable("This room is changing right now. Try again.", retry_after=RETRY_SECONDS)


def add_members(*, room_id: int, user_ids: Sequence[int], role: str = Role.MEMBER) -> int:
    """Add many users without notifying them, for operators. Returns how many were added.

    Banned users stay banned.
    """
    policies.check_not_direct(rooms.room(room_id))
    wanted = sorted(set(user_ids))
    chunks = [
        wanted[start : start + MEMBERS_PER_TRANSACTION]
        for start in range(0, len(wanted), MEMBERS_PER_TRANSACTION)
    ]
    return sum(_add_members(room_id, chunk, role) for chunk in chunks)


def set_role(
    *, actor_id: int, room_id: int, user_id: int, role: str, reason: str = ""
) -> Membership:
    """Change a member's role. For owners; a room keeps at least one owner."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    if role not in Role.values:
        raise BadRequest("role: expected one of {values}", values=", ".join(Role.values))
    check_may_know(room_id, actor_id)
    people.active_user_by_id(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, actor = rooms.room_access(room_id, actor_id)
        acting = check_moderates(room, actor, actor_id, least=Rank.OWNER)
        row = members.membership(room_id, user_id)
        if row is None or not policies.is_active(row):
            raise NotFound("There is no such member.")
        if row.role == role:
            return row
        if members.is_last_owner(room_id, user_id):
            raise Forbidden("A room needs an owner. Make someone else an owner first.")
        details = {"from": str(row.role), "to": role}
        row.role = role
        save_membership(heads, row)
        log(
            ModerationLog.Action.ROLE,
            actor_id=actor_id,
            reason=reason,
            room=room,
            subject_id=user_id,
            details=details,
        )
        notify_of_act(
            heads,
            room,
            row,
            "role",
            actor=Actor(actor_id, acting),
            reason=reason,
            details={"role": role},
        )
    return row


def transfer(*, actor_id: int, room_id: int, user_id: int) -> Membership:
    """Make another member the owner; the actor becomes a moderator.

    Returns the new owner's membership.
    """
    check_may_know(room_id, actor_id)
    people.active_user_by_id(user_id)
    with changing(*streams_of(room_id, actor_id, user_id)) as heads:
        room, mine = rooms.room_access(room_id, actor_id)
        mine = policies.check_member(room, mine)
        policies.check_rank(policies.rank(mine), Rank.OWNER)
        row = members.membership(room_id, user_id)
        if row is None or not policies.is_active(row) or user_id == actor_id:
            raise NotFound("There is no such member.")
        for member, role in ((row, Role.OWNER), (mine, Role.MODERATOR)):
            details = {"from": str(member.role), "to": str(role)}
            if member.role != role:
                member.role = role
                save_membership(heads, member)
                log(
                    ModerationLog.Action.ROLE,
                    actor_id=actor_id,
                    reason="",
                    room=room,
                    subject_id=member.user_id,
                    details=details,
                )
        notify_of_act(heads, room, row, "transfer", actor=Actor(actor_id, Rank.OWNER))
    return row


def take_over(*, actor_id: int, room_id: int) -> Membership:
    """Become the owner of a room that has none, as a moderator or one of its oldest members."""
    rooms.room(room_id)
    with changing(*streams_of(room_id, actor_id)) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        row = policies.check_member(room, row)
        policies.check_not_direct(room)
        if not members.may_take_over(room, row):
            raise Forbidden(
                "You can't become the owner of this room: it has an owner, or others come first."
            )
        details = {"from": str(row.role), "to": str(Role.OWNER)}
        row.role = Role.OWNER
        save_membership(heads, row)
        log(
            ModerationLog.Action.ROLE,
            actor_id=actor_id,
            reason="",
            room=room,
            subject_id=actor_id,
            details=details,
        )
    return row


def _offer(heads: Heads, room: Room, user_id: int, *, left_by: int) -> None:
    """Notify the next owner that the room has none. Nobody owns a room without having agreed."""
    row = Membership.objects.select_related("user").get(room=room, user_id=user_id)
    notify_of_act(heads, room, row, "succession", actor=Actor(left_by, Rank.OWNER))


def _add_members(room_id: int, user_ids: Sequence[int], role: str) -> int:
    with changing(*streams_of(room_id, *user_ids)) as heads:
        room = rooms.room(room_id)
        known = {
            row.user_id: row
            for row in Membership.objects.filter(room=room, user_id__in=user_ids).select_related(
                "user"
            )
        }
        users = User.objects.filter(pk__in=user_ids, is_active=True).order_by("pk")
        rows = [
            known.get(user.pk) or new_membership(room, user, now=timezone.now(), role=role)
            for user in users
        ]
        admitted = [
            row
            for row in rows
            if row.pk is None or not (policies.is_active(row) or policies.is_banned(row))
        ]
        if not admitted:
            return 0
        for row in admitted:
            row.state, row.role, row.banned_until = State.ACTIVE, role, None
            row.read_number = row.shown_read_number = max(row.read_number, room.last_number)
            row.seq, row.inbox_seq = (
                heads.next(payloads.stream(room_id)),
                heads.next(inbox(row.user_id)),
            )
        Membership.objects.bulk_update(
            [row for row in admitted if row.pk is not None],
            [
                "state",
                "role",
                "banned_until",
                "read_number",
                "shown_read_number",
                "seq",
                "inbox_seq",
            ],
        )
        Membership.objects.bulk_create([row for row in admitted if row.pk is None])
        count_members(room, len(admitted))
        for row in admitted:
            heads.record(payloads.stream(room_id), payloads.membership_event(row))
            heads.record(inbox(row.user_id), payloads.inbox_event(row))
    return len(admitted)
