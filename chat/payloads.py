"""The wire format of rooms, memberships and messages (docs/protocol.md), and stream names.

In a stream, the payload of a row changes only together with the row's ``seq``. So ``room_event``
and ``membership_event`` use the counters as of the seq, and HTTP answers (``live=True``) the
current ones.
"""

from collections.abc import Collection, Sequence
from typing import Any

from chat.models import (
    Block,
    Display,
    HeldPost,
    InviteLink,
    Membership,
    Message,
    Room,
    SiteMute,
    State,
)
from notifications.payloads import INBOX, inbox, moment, person
from realtime.core.streams import StreamName
from realtime.core.users import User
from realtime.protocol.page import AccessEnd, Event

ROOM = "room"
ARCHIVED = "archived"  # a value of `closed.reason`

__all__ = ["INBOX", "ROOM", "inbox", "moment", "person"]


def stream(room_id: int) -> StreamName:
    return StreamName(f"{ROOM}.{room_id}")


def message(row: Message) -> dict[str, Any]:
    """Return a message. ``author`` must be loaded."""
    data = {
        "id": row.pk,
        "room": row.room_id,
        "number": row.number,
        "seq": row.seq,
        "author": person(row.author),
        "key": str(row.key),
        "body": row.body,
        "created_at": moment(row.created_at),
        "edited_at": moment(row.edited_at),
        "deleted_at": moment(row.deleted_at),
        "reply_to": row.reply_to_id,
        "reactions": row.reactions,
        "mentions": row.mentions,
    }
    if row.html:
        data["html"] = row.html
    if row.is_hidden:
        data["hidden_at"] = moment(row.hidden_at)
    return data


def membership(row: Membership) -> dict[str, Any]:
    """Return a membership as others see it, without the read number. ``user`` must be loaded."""
    data = {
        "id": row.pk,
        "room": row.room_id,
        "user": person(row.user),
        "role": str(row.role),
        "state": str(row.state),
        "involvement": str(row.involvement),
        "muted_until": moment(row.muted_until),
    }
    if row.banned_until is not None:
        data["banned_until"] = moment(row.banned_until)
    return data


def my_membership(row: Membership) -> dict[str, Any]:
    """Return a membership with the fields that only its own user sees."""
    return membership(row) | {
        "read_number": row.read_number,
        "favourite": row.favourite,
        "favourite_order": row.favourite_order,
        "quiet_until": moment(row.quiet_until),
    }


def room(row: Room, *, live: bool = True) -> dict[str, Any]:
    return {
        "id": row.pk,
        "slug": row.slug,
        "name": row.name,
        "topic": row.topic,
        "kind": str(row.kind),
        "first_number": row.first_number,
        "last_number": row.last_number if live else row.shown_last_number,
        "kept_since": moment(row.kept_since),
        "slow_mode": row.slow_mode,
        "read_only": row.read_only,
        "read_receipts": row.has_receipts,
        "archived_at": moment(row.archived_at),
    }


def company(row: Room, others: Sequence[User]) -> dict[str, Any]:
    """Return the other people of a direct conversation: the one of a pair, or those of a group."""
    people = [*map(person, others)]
    return {
        "partner": people[0] if people and not row.is_group else None,
        "people": people if row.is_group else [],
    }


def unread(mentions: Collection[int], uncounted: Sequence[int]) -> dict[str, Any]:
    """Return what a member has not read: numbers of mentions, and ranges that do not count."""
    ranges: list[list[int]] = []
    for number in uncounted:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return {"mentions": list(mentions), "uncounted": ranges}


def receipt(row: Membership) -> dict[str, Any]:
    """Return how far a member has read. Earlier messages than ``joined_at`` count as read."""
    return {"user": row.user_id, "number": row.read_number, "joined_at": moment(row.joined_at)}


def block(row: Block) -> dict[str, Any]:
    """Return a block. ``blocked`` must be loaded."""
    return {
        "id": row.pk,
        "seq": row.seq,
        "user": person(row.blocked),
        "blocked_at": moment(row.blocked_at),
        "lifted_at": moment(row.lifted_at),
    }


def site_mute(row: SiteMute) -> dict[str, Any]:
    """Return a site mute for the muted user. It may have expired."""
    return {"id": row.pk, "seq": row.seq, "muted_until": moment(row.until)}


def held_post(row: HeldPost) -> dict[str, Any]:
    """Return a held post for its author. ``case`` must be loaded. A decided one has no text."""
    is_waiting = row.state == HeldPost.State.WAITING
    return {
        "id": row.pk,
        "seq": row.seq,
        "room": row.room_id,
        "key": str(row.key),
        "body": row.case.body if is_waiting else "",
        "reply_to": row.reply_to_id,
        "state": row.state,
        "created_at": moment(row.created_at),
    }


def display(user_id: int, row: Display) -> dict[str, Any]:
    """Return how a user wants to see the site, for that user."""
    return {"id": user_id, **row._asdict()}


def invite_link(row: InviteLink) -> dict[str, Any]:
    """Return an invitation link for moderators. ``created_by`` must be loaded."""
    return {
        "id": row.pk,
        "room": row.room_id,
        "created_by": person(row.created_by),
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "uses": row.uses,
        "max_uses": row.max_uses,
        "revoked_at": moment(row.revoked_at),
    }


def invitation(row: Membership) -> dict[str, Any]:
    """Return an open invitation for the invited user. ``room`` and ``invited_by`` are loaded."""
    shown = {name: room(row.room)[name] for name in ("id", "slug", "name", "topic", "kind")}
    return {
        "room": shown,
        "member_count": row.room.member_count,
        "invited_by": person(row.invited_by) if row.invited_by else None,
        "invited_at": moment(row.invited_at),
    }


def message_event(row: Message) -> Event:
    return Event.of("message", row.pk, row.seq, message(row))


def membership_event(row: Membership) -> Event:
    """Return an event of the room. It ends the subscription of a user who is no longer in it."""
    gone = row.state not in (State.ACTIVE, State.INVITED)
    end = AccessEnd(row.user_id, None, None, str(row.state)) if gone else None
    return Event.of("membership", row.pk, row.seq, membership(row), end=end)


def inbox_event(row: Membership) -> Event:
    """Return a membership as an event of its user's inbox."""
    return Event.of("membership", row.pk, row.inbox_seq, my_membership(row))


def room_event(row: Room) -> Event:
    """Return an event of the room. Archiving ends all subscriptions."""
    end = AccessEnd(None, None, None, ARCHIVED) if row.archived_at else None
    return Event.of("room", row.pk, row.seq, room(row, live=False), end=end)


def block_event(row: Block) -> Event:
    """Return an event of the inbox of the user who blocks."""
    return Event.of("block", row.pk, row.seq, block(row))


def site_mute_event(row: SiteMute) -> Event:
    """Return an event of the inbox of the muted user."""
    return Event.of("site_mute", row.pk, row.seq, site_mute(row))


def display_event(user_id: int, row: Display) -> Event:
    """Return an event of the inbox of the user."""
    return Event.of("display", user_id, row.seq, display(user_id, row))


def held_post_event(row: HeldPost) -> Event:
    """Return an event of the inbox of the author."""
    return Event.of("held_post", row.pk, row.seq, held_post(row))
