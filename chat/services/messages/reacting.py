"""Reactions to messages. An emoji is one sign, in whichever of its forms it is sent."""

from typing import Any

from django.conf import settings
from django.utils import timezone

from chat import payloads, policies
from chat.models import Message
from chat.queries import members, messages, rooms
from chat.queries.blocks import check_may_write_to
from chat.services.messages import recipients
from chat.services.messages.editing import standing
from chat.services.persistence import save_message
from notifications.payloads import inbox
from realtime.core.heads import changing
from realtime.protocol.errors import TooMany


def react(*, actor_id: int, message_id: int, emoji: str, on: bool) -> Message:
    """Add or remove the actor's reaction. Repeating it changes nothing."""
    emoji = policies.clean_emoji(emoji)
    found = messages.readable_message(message_id, actor_id)
    inboxes = [inbox(found.author_id)] if found.author_id != actor_id else []
    with changing(payloads.stream(found.room_id), *inboxes) as heads:
        room, member = rooms.room_access(found.room_id, actor_id)
        policies.check_may_react(
            room,
            member,
            site_muted_until=members.site_muted_until(member),
            now=timezone.now(),
        )
        if on:
            check_may_write_to(room, actor_id)
        message = standing(message_id, room)
        before = _in_one_form(message, emoji)
        reacted = message.reactions.get(emoji, [])
        if (actor_id in reacted) == on:
            message.reactions = before
            return message
        if on:
            _check_room_for_reaction(message, emoji)
            message.reactions[emoji] = [*reacted, actor_id]
        else:
            message.reactions[emoji] = [user_id for user_id in reacted if user_id != actor_id]
            if not message.reactions[emoji]:
                del message.reactions[emoji]
        save_message(heads, message)
        recipients.notify_of_reaction(heads, message, room, actor_id=actor_id, emoji=emoji, on=on)
    return message


def _in_one_form(message: Message, emoji: str) -> dict[str, Any]:
    """Join the reactions of older forms of an emoji, and return the reactions from before."""
    before: dict[str, Any] = message.reactions
    joined: dict[str, list[int]] = {}
    for sign, users in before.items():
        form = emoji if policies.full_emoji(sign) == emoji else sign
        joined[form] = list(dict.fromkeys([*joined.get(form, ()), *users]))
    message.reactions = joined
    return before


def _check_room_for_reaction(message: Message, emoji: str) -> None:
    kinds: int = settings.HOLDFAST_MAX_REACTION_KINDS
    if emoji not in message.reactions and len(message.reactions) >= kinds:
        raise TooMany(
            "This message has {limit} different reactions, the most allowed. Choose one of them.",
            limit=kinds,
        )
    limit: int = settings.HOLDFAST_MAX_REACTIONS
    if sum(map(len, message.reactions.values())) >= limit:
        raise TooMany("This message has {limit} reactions, the most allowed.", limit=limit)
