"""Messages of the system in rooms: broadcasts."""

from uuid import UUID, uuid5

from django.conf import settings
from django.utils import timezone

from chat import payloads, policies
from chat.models import Message, Room
from chat.queries import messages, rooms
from chat.services.messages import withheld_text
from chat.services.persistence import save_message, system_user
from chat.text import markdown
from realtime.core.heads import changing


def post_system_message(
    ident: int,
    *,
    key: UUID,
    title: str,
    body: str,
    url: str,
    level: str,
    author_id: int | None = None,
) -> int:
    """Post a message of the system in the room ``ident``. Returns the message's id.

    Repeating it with the same ``key`` posts nothing. Nobody is notified, and slow mode, read-only
    rooms, filters and the length limit do not apply, because an operator is the author.
    """
    rooms.room(ident)
    author = system_user()
    text = _in_markdown(title, body, url)
    policies.check_is_text(text, name="body")
    with changing(payloads.stream(ident)) as heads:
        room = rooms.room(ident)
        policies.check_not_archived(room)
        own_key = uuid5(key, str(ident))  # one broadcast goes to many rooms
        known = Message.objects.filter(author=author, key=own_key).first()
        if known is not None:
            return known.pk
        room.last_number += 1
        Room.objects.filter(pk=room.pk).update(last_number=room.last_number)
        html = markdown.render(text, {}).html
        message = Message(
            room=room,
            number=room.last_number,
            author=author,
            key=own_key,
            body=text,
            html=html,
            created_at=timezone.now(),
            is_public=room.kind == Room.Kind.PUBLIC,
        )
        save_message(heads, message)
    return message.pk


def recall_system_message(message_id: int) -> None:
    """Delete a message of ``post_system_message``. Repeating it changes nothing."""
    found = messages.message(message_id)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(message_id)
        if message.is_deleted:
            return
        withheld_text.erase(message)
        save_message(heads, message)


def _in_markdown(title: str, body: str, url: str) -> str:
    parts = [f"**{title}**" if title else "", body, f"<{_absolute(url)}>" if url else ""]
    return "\n\n".join(part for part in parts if part)


def _absolute(url: str) -> str:
    """Return an address with its host: messages never link to paths (``chat.text.markdown``)."""
    origin: str = next(iter(settings.ALLOWED_ORIGINS), "")
    return origin + url if url.startswith("/") else url
