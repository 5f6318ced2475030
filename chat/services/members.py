"""Coming, going, and what members are."""

from collections.abc import Callable, Sequence
from typing import Final

from django.contrib.auth.models import User
from django.utils import timezone

from chat import payloads, policies
from chat.models import REASON_MAX_LENGTH, Involvement, Membership, ModerationLog, Role, Room, State
from chat.policies import Rank
from chat.queries import members, people, rooms
from chat.queries.blocks import blocked_pairs
from chat.services.persistence import (
    admit,
    count_members,
    dismiss,
    log,
    new_membership,
    save_membership,
    streams_of,
)
from chat.services.rights import check_moderates
from notifications.payloads import inbox, person
from notifications.services import notify
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, Unavailable

# Of an operator's bulk: some 0.3 s, during which nobody posts in the room.
MEMBERS_PER_TRANSACTION: Final = 500
MAX_OWNER_ATTEMPTS: Final = 5  # the heir can leave between the question and the lock
RETRY_SECONDS: Final = 1.0


def join(*, actor_id: int, room_id: int) -> Membership:
    """Become a member of a public room. Who is a member already stays one."""
    user = people.active_user_by_id(actor_id)
    rooms.readable_room(room_id, actor_id)
    with changing(*streams_of(room_id, actor_id)) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        policies.check_may_read(room, row)
        if row is not None and policies.is_active(row):
            return row
        policies.check_not_archived(room)
        policies.check_number_of_rooms(members.count_rooms(actor_id))
        row = row or new_membership(room, user, now=timezone.now())
        admit(heads, room, row)
    return row


def leave(*, actor_id: int, room_id: int) -> Membership:
    """Stop being a member. The last owner's room passes to its longest-standing moderator, else member."""

    def act(heads: Heads, room: Room, row: Membership | None) -> Membership:
        row = policies.check_member(room, row)
        if room.is_direct:
            raise Forbidden(
                "A direct conversation cannot be left; choose to be told of nothing instead."
            )
        dismiss(heads, room, row, State.LEFT)
        return row

    return ending(room_id, actor_id, act)


def ending(
    room_id: int, user_id: int, act: Callable[[Heads, Room, Membership | None], Membership]
) -> Membership:
    """Let ``act`` end a membership, and pass the room on where it was the last owner's.

    The next owner's inbox is locked with the rest. So the next owner is found before the lock, and
    must still be the same under it.
    """
    rooms.room(room_id)
    for _ in range(MAX_OWNER_ATTEMPTS):
        owner_id = members.next_owner(room_id, user_id)
        with changing(*streams_of(room_id, user_id, *([owner_id] if owner_id else []))) as heads:
            if members.next_owner(room_id, user_id) != owner_id:
                continue
            room, row = rooms.room_access(room_id, user_id)
            row = act(heads, room, row)
            if owner_id is not None:
                _promote(heads, room, owner_id)
        return row
    raise Unavailable("The room is changing too fast; try again.", retry_after=RETRY_SECONDS)


def invite(*, actor_id: int, room_id: int, username: str) -> Membership:
    """Make somebody a member, and tell them. Members invite into public rooms, owners and moderators into private ones."""
    rooms.readable_room(room_id, actor_id)
    user = people.active_user(username)
    with changing(*streams_of(room_id, user.pk)) as heads:
        room, member = rooms.room_access(room_id, actor_id)
        member = policies.check_member(room, member)
        policies.check_not_direct(room)
        policies.check_not_archived(room)
        if room.kind == Room.Kind.PRIVATE:
            policies.check_rank(policies.rank(member), Rank.MODERATOR)
        row = members.membership(room_id, user.pk)
        if row is not None and policies.is_active(row):
            return row
        if policies.is_banned(row):
            raise Forbidden("{name} is banned from this room.", name=user.username)
        if blocked_pairs([user.pk], [actor_id]):
            raise Forbidden("You cannot add this person.")
        row = row or new_membership(room, user, now=timezone.now())
        admit(heads, room, row)
        name = person(member.user)["name"]
        notify(
            heads,
            user_id=user.pk,
            kind="invitation",
            title=f"{name} added you to {room}",
            url=room.get_absolute_url(),
            actor_id=actor_id,
            place=payloads.stream(room_id),
        )
    return row


def add_members(*, room_id: int, user_ids: Sequence[int], role: str = Role.MEMBER) -> int:
    """Make many people members at once, without telling them: an operator's tool. Returns how many were not members before.

    Who is banned from the room stays so.
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
    """Give a member another role. For owners; a room keeps at least one of them."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    if role not in Role.values:
        raise BadRequest("role: expected one of {values}", values=", ".join(Role.values))
    rooms.room(room_id)
    people.active_user_by_id(user_id)
    with changing(*streams_of(room_id, user_id)) as heads:
        room, actor = rooms.room_access(room_id, actor_id)
        check_moderates(room, actor, actor_id, least=Rank.OWNER)
        row = members.membership(room_id, user_id)
        if row is None or not policies.is_active(row):
            raise NotFound("There is no such member.")
        if row.role == role:
            return row
        if members.is_last_owner(room_id, user_id):
            raise Forbidden("A room needs an owner: make somebody else one first.")
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
        if user_id != actor_id:
            title = f"You are now {_ROLES[Role(role)]} of {room}"
            notify(
                heads,
                user_id=user_id,
                kind="moderation",
                title=title,
                body=reason,
                url=room.get_absolute_url(),
                actor_id=actor_id,
            )
    return row


def transfer(*, actor_id: int, room_id: int, user_id: int) -> Membership:
    """Give a room of the actor's to another member; the actor is a moderator then. Returns the new owner's membership."""
    rooms.room(room_id)
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
        title = f"{person(mine.user)['name']} made you the owner of {room}"
        notify(
            heads,
            user_id=user_id,
            kind="moderation",
            title=title,
            url=room.get_absolute_url(),
            actor_id=actor_id,
        )
    return row


def set_involvement(*, actor_id: int, room_id: int, involvement: str) -> Membership:
    """Choose what of the room reaches the actor's inbox."""
    if involvement not in Involvement.values:
        raise BadRequest(
            "involvement: expected one of {values}", values=", ".join(Involvement.values)
        )
    rooms.room(room_id)
    with changing(*streams_of(room_id, actor_id)) as heads:
        room, row = rooms.room_access(room_id, actor_id)
        row = policies.check_member(room, row)
        if row.involvement != involvement:
            row.involvement = involvement
            save_membership(heads, row)
    return row


_ROLES: Final = {Role.OWNER: "an owner", Role.MODERATOR: "a moderator", Role.MEMBER: "a member"}


def _promote(heads: Heads, room: Room, user_id: int) -> None:
    row = Membership.objects.select_related("user").get(room=room, user_id=user_id)
    row.role = Role.OWNER
    save_membership(heads, row)
    notify(
        heads,
        user_id=user_id,
        kind="moderation",
        title=f"You are now an owner of {room}",
        body="The last owner has left.",
        url=room.get_absolute_url(),
    )


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
