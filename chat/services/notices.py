"""The notifications of chat: what each says about a message, a room or a moderation action."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.urls import reverse

from chat import payloads
from chat.models import Message, Room
from chat.notification_kinds import INVITATION, MODERATION, REACTION, ROOM_ACT
from chat.queries.notified_messages import subject
from notifications.models import Level
from notifications.services import Gathered, Notice, Parts


def message_notice(message: Message, room: Room, user_id: int, kind: str) -> Notice:
    """Return the notification of a message. It never holds a word of it."""
    return Notice(
        user_id=user_id,
        kind=kind,
        params=_message_params(room, message),
        url=permalink(room, message),
        actor_id=message.author_id,
        place=payloads.stream(room.pk),
        subject=subject(room.pk, message.number),
    )


def report_notice(
    message: Message | None, room: Room | None, user_id: int, kind: str, outcome: str
) -> Notice:
    """Return the notification of a reporter: it names neither the moderator nor the author.

    Without a message it is about the report of a person or a room, and names nothing.
    """
    if message is None or room is None:
        return Notice(user_id=user_id, kind=kind, params={"outcome": outcome})
    return Notice(
        user_id=user_id,
        kind=kind,
        params=_message_params(room, message) | {"outcome": outcome},
        url=permalink(room, message),
        subject=subject(room.pk, message.number),
    )


def invitation_notice(room: Room, user_id: int, *, actor_id: int) -> Notice:
    """Return the notification of a person who is invited to a room."""
    return Notice(
        user_id=user_id,
        kind=INVITATION,
        params={"room": _room_param(room)},
        url=room.get_absolute_url() if room.kind == Room.Kind.PUBLIC else "",
        actor_id=actor_id,
        place=payloads.stream(room.pk),
    )


def moderation_notice(
    user_id: int,
    act: str,
    *,
    room: Room | None = None,
    message: Message | None = None,
    actor_id: int | None = None,
    reason: str = "",
    level: str = Level.INFO,
    details: Mapping[str, Any] | None = None,
    url: str | None = None,
) -> Notice:
    """Return the notification of the person that an action of a site moderator affects.

    Its kind knows the acts and the ``details`` of each (``chat.notification_kinds``). Actions of
    owners and moderators of a room have a ``room_notice``.
    """
    params = _message_params(room, message) if room and message else {}
    if room is not None:
        params["room"] = _room_param(room)
    return Notice(
        user_id=user_id,
        kind=MODERATION,
        params={"act": str(act), **params, **(details or {})},
        body=reason,
        url=_address(act, room, message) if url is None else url,
        actor_id=actor_id,
        level=level,
        subject=subject(room.pk, message.number) if room and message else "",
    )


def room_notice(
    user_id: int,
    act: str,
    *,
    room: Room,
    actor_id: int,
    message: Message | None = None,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> Notice:
    """Return the notification of a member about what someone with a role in the room did."""
    notice = moderation_notice(
        user_id,
        act,
        room=room,
        message=message,
        actor_id=actor_id,
        reason=reason,
        details=details,
    )
    return replace(notice, kind=ROOM_ACT, place=payloads.stream(room.pk))


def reactions(message: Message, room: Room) -> Gathered:
    """Return the one notification that gathers all reactions to a message."""

    def params(parts: Parts) -> dict[str, Any]:
        return _message_params(room, message) | {
            "people": parts.people,
            "others": parts.others,
            "emoji": parts.what,
        }

    return Gathered(
        user_id=message.author_id,
        kind=REACTION,
        subject=subject(room.pk, message.number),
        place=payloads.stream(room.pk),
        url=permalink(room, message),
        params=params,
    )


def permalink(room: Room, message: Message) -> str:
    """Return the address of a message."""
    return f"{room.get_absolute_url()}{message.number}/"


def _address(act: str, room: Room | None, message: Message | None) -> str:
    """Return the page about an action: with the appeal, where there is one."""
    match act:
        case "bulk_delete" | "site_mute" | "filter_mute":
            return reverse("decisions")
        case "delete" if message is not None:
            return reverse("appeal", args=[message.pk])
        case "mute" if room is not None:
            return reverse("appeal-room-mute", args=[room.pk])
        case "remove" | "ban":
            return ""
    if room is None:
        return ""
    return permalink(room, message) if message else room.get_absolute_url()


def _message_params(room: Room, message: Message) -> dict[str, Any]:
    return {"room": _room_param(room), "message": message.number}


def _room_param(room: Room) -> dict[str, Any]:
    """Return a room as of now; a direct conversation has no name.

    ``others``: the people of a group, without the author and the reader.
    """
    found = {"id": room.pk, "slug": room.slug, "name": "" if room.is_direct else str(room)}
    if room.is_group:
        found["others"] = str(room.direct_key).count(":") - 1
    return found
