"""Changing a message that stands: editing, deleting, restoring, reacting."""

from chat.models import Message


def edit_message(*, actor_id: int, message_id: int, body: str) -> Message:
    """Give a message of one's own another text."""
    raise NotImplementedError


def delete_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Delete a message: one's own for ever, another's as a moderator, who can restore it."""
    raise NotImplementedError


def restore_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Bring back a message that a moderator deleted."""
    raise NotImplementedError


def react(*, actor_id: int, message_id: int, emoji: str, on: bool) -> Message:
    """Add or take away one's reaction; a repeat changes nothing."""
    raise NotImplementedError
