"""The notifications of chat: what each says about a message, a room or a moderation action."""

from collections.abc import Mapping
from typing import Any

from chat import payloads
from chat.models import Message, Room
from chat.notification_kinds import INVITATION, MODERATION, REACTION
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


def report_notice(message: Message, room: Room, user_id: int, kind: str, outcome: str) -> Notice:
    """Return the notification of a reporter: it names neither the moderator nor the author."""
    return Notice(
        user_id=user_id,
        kind=kind,
        params=_message_params(room, message) | {"outcome": outcome},
        url=permalink(room, message),
        subject=subject(room.pk, message.number),
    )


def invitation_notice(room: Room, user_id: int, *, actor_id: int) -> Notice:
    """Return the notification of a person who was added to a room."""
    return Notice(
        user_id=user_id,
        kind=INVITATION,
        params={"room": _room_param(room)},
        url=room.get_absolute_url(),
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
) -> Notice:
    """Return the notification of the person that a moderation action affects.

    Its kind knows the acts and the ``details`` of each (``chat.notification_kinds``).
    """
    params = _message_params(room, message) if room and message else {}
    if room is not None:
        params["room"] = _room_param(room)
    if room is None or act in ("remove", "ban"):
        url = ""
    else:
        url = permalink(room, message) if message else room.get_absolute_url()
    return Notice(
        user_id=user_id,
        kind=MODERATION,
        params={"act": str(act), **params, **(details or {})},
        body=reason,
        url=url,
        actor_id=actor_id,
        level=level,
        subject=subject(room.pk, message.number) if room and message else "",
    )


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


def _message_params(room: Room, message: Message) -> dict[str, Any]:
    return {"room": _room_param(room), "message": message.number}


def _room_param(room: Room) -> dict[str, Any]:
    """Return a room as of now; a direct conversation has no name."""
    return {"id": room.pk, "slug": room.slug, "name": "" if room.is_direct else str(room)}
