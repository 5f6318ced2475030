"""Messages of the system in rooms: broadcasts."""

from uuid import UUID, uuid5

from django.conf import settings
from django.utils import timezone

from chat import payloads, policies
from chat.models import HeldText, Message, Report, Revision, Room
from chat.queries import messages, rooms
from chat.services.messages.review import case_records, closing, withheld_text
from chat.services.persistence import save_message, system_user
from chat.text import markdown
from notifications.payloads import inbox
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


def edit_system_message(ident: int, *, title: str, body: str, url: str, level: str) -> bool:
    """Give a message of ``post_system_message`` another text. Returns whether that changed it."""
    text = _in_markdown(title, body, url)
    policies.check_is_text(text, name="body")
    html = markdown.render(text, {}).html
    found = messages.message(ident)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(ident)
        if message.is_deleted:
            return False
        if message.is_hidden:  # readers see it when a moderator shows the message again
            held = HeldText.objects.filter(message=message).exclude(body=text)
            return bool(held.update(body=text, html=html))
        if message.body == text:
            return False
        message.body, message.html, message.edited_at = text, html, timezone.now()
        save_message(heads, message)
        case_records.record([message], Revision.Act.EDIT, actor_id=system_user().pk)
    return True


def recall_system_message(message_id: int) -> bool:
    """Delete a message of ``post_system_message``, and close its case.

    Returns whether it was there.
    """
    found = messages.message(message_id)
    reporters = closing.reporters_of([message_id])
    with changing(payloads.stream(found.room_id), *map(inbox, reporters)) as heads:
        message = messages.message(message_id)
        if message.is_deleted:
            return False
        system = system_user().pk
        withheld_text.delete(message)
        HeldText.objects.filter(message=message).delete()
        save_message(heads, message)
        case_records.record([message], Revision.Act.REMOVE, actor_id=system)
        closing.close(
            heads,
            [message],
            {message.room_id: rooms.room(message.room_id)},
            Report.Status.RESOLVED,
            actor_id=system,
            reason="",
            reporters=reporters,
        )
    closing.close_rest([message_id])
    return True


def _in_markdown(title: str, body: str, url: str) -> str:
    parts = [f"**{title}**" if title else "", body, f"<{_absolute(url)}>" if url else ""]
    return "\n\n".join(part for part in parts if part)


def _absolute(url: str) -> str:
    """Return an address with its host: messages never link to paths (``chat.text.markdown``)."""
    origin: str = next(iter(settings.ALLOWED_ORIGINS), "")
    return origin + url if url.startswith("/") else url
