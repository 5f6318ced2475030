"""The text of a message that is hidden during a review, or that a moderator removed.

The text moves from the message's row to a table that only moderators read, so no page, replay or
search can show it. All functions run under the lock of the room.
"""

from django.utils import timezone

from chat.models import HeldText, Message, RemovedText


def hide(message: Message, *, actor_id: int) -> None:
    """Move the text of a message to where only moderators read it."""
    HeldText.objects.create(
        message=message,
        body=message.body,
        html=message.html,
        reactions=message.reactions,
        mentions=message.mentions,
        hidden_by_id=actor_id,
    )
    _clear(message)
    message.hidden_at = timezone.now()


def show(message: Message) -> None:
    """Give a hidden message its text back, unchanged."""
    held = HeldText.objects.get(message=message)
    message.body, message.html, message.reactions, message.mentions = (
        held.body,
        held.html,
        held.reactions,
        held.mentions,
    )
    message.hidden_at = None
    held.delete()


def remove(message: Message, *, actor_id: int) -> None:
    """Delete a message as a moderator. Moderators can restore it."""
    if message.is_hidden:
        show(message)
    RemovedText.objects.create(
        message=message,
        body=message.body,
        reactions=message.reactions,
        removed_by_id=actor_id,
        removed_at=timezone.now(),
    )
    _mark_deleted(message)


def delete(message: Message) -> None:
    """Delete a message as its author: no page, search or moderator has its text any more.

    A case that holds the message keeps it (``case_records``).
    """
    _mark_deleted(message)


def _mark_deleted(message: Message) -> None:
    _clear(message)
    message.hidden_at = None
    message.deleted_at = message.deleted_at or timezone.now()


def _clear(message: Message) -> None:
    message.body, message.html, message.mentions, message.reactions = "", "", [], {}
