"""Changing existing messages: editing, deleting, restoring and reacting."""

from django.conf import settings
from django.utils import timezone

from chat import payloads, policies
from chat.errors import NotYours
from chat.models import REASON_MAX_LENGTH, Membership, Message, ModerationLog, RemovedText, Room
from chat.policies import Rank
from chat.queries import filter_cache, members, messages, rooms
from chat.queries.blocks import blocked_pairs, check_may_write_to
from chat.services import notices
from chat.services.messages import mention_rows, recipients, withheld_text
from chat.services.messages.recipients import Planned
from chat.services.messages.rendering import render_text
from chat.services.messages.reports import flag
from chat.services.persistence import log, save_message
from chat.services.rights import acting_rank, check_moderates
from notifications.payloads import inbox
from notifications.services import notify, notify_many
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import Forbidden, NotFound, TooMany


def edit_message(
    *, actor_id: int, message_id: int, body: str, flags: tuple[str, ...] = ()
) -> Message:
    """Edit the actor's own message. Only newly mentioned members are notified.

    Raises the errors of ``post_messages``, and ``NotYours``.
    """
    found = messages.readable_message(message_id, actor_id)
    room = rooms.room(found.room_id)
    text = render_text(actor_id, room, body, filter_cache.current(), flags)
    people = recipients.mentioned([Planned(room, text)])
    with changing(
        payloads.stream(room.pk), *(inbox(user_id) for user_id in people.get(room.pk, ()))
    ) as heads:
        room, member = rooms.room_access(room.pk, actor_id)
        message = _standing(message_id, room)
        member = policies.check_may_write(
            room,
            member,
            site_muted_until=members.site_muted_until(member),
            now=timezone.now(),
        )
        if message.author_id != actor_id:
            raise NotYours("You can only edit your own messages.")
        if message.body == text.body:
            return message
        check_may_write_to(room, actor_id)
        policies.check_links(text.html, member, now=timezone.now())
        message.body, message.html, message.mentions = text.body, text.html, list(text.mentions)
        message.edited_at = timezone.now()
        apart = blocked_pairs(people.get(room.pk, ()), [actor_id])
        wanted = recipients.without_blocked(recipients.preferences(people), actor_id, apart)
        notices = recipients.mention_notices(message, room, text, people, wanted)
        save_message(heads, message)
        flag([(message, reason) for reason in text.flags])
        mention_rows.forget(message)
        mention_rows.note(mention_rows.mentions(message, text, people, wanted))
        if notices:
            notify_many(heads, notices)
    return message


def delete_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Delete a message. Repeating it changes nothing.

    An author deletes for good; what a moderator deletes can be restored.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    found = messages.message(message_id)
    with changing(payloads.stream(found.room_id), inbox(found.author_id)) as heads:
        room, member = rooms.room_access(found.room_id, actor_id)
        message = messages.message(message_id)
        policies.check_kept(room, message.number)
        is_author = message.author_id == actor_id
        _check_may_delete(room, member, message, actor_id)
        was_deleted = message.is_deleted
        if is_author:
            _check_not_hidden(message)
            withheld_text.erase(message)
        if was_deleted:
            return message
        if not is_author:
            take_down(heads, message, room, actor_id=actor_id, reason=reason)
        else:
            save_message(heads, message)
            _forget(heads, message, room)
    return message


def take_down(
    heads: Heads, message: Message, room: Room, *, actor_id: int, reason: str, category: str = ""
) -> None:
    """Delete a message as a moderator, log it and notify the author.

    The transaction must hold the room and the author's inbox. ``category`` is the one of the report
    that led to it; the author sees it if there is no reason.
    """
    withheld_text.remove(message, actor_id=actor_id)
    save_message(heads, message)
    _forget(heads, message, room)
    log(
        ModerationLog.Action.DELETE,
        actor_id=actor_id,
        reason=reason,
        room=room,
        subject_id=message.author_id,
        message=message,
    )
    if message.author_id != actor_id:
        notify_author(
            heads, message, room, "delete", actor_id=actor_id, reason=reason, category=category
        )


def _forget(heads: Heads, message: Message, room: Room) -> None:
    """Withdraw notifications and mentions of a message that is gone."""
    recipients.withdraw_reactions(heads, message, room)
    mention_rows.forget(message)


def restore_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Restore a message that a moderator deleted."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    found = messages.message(message_id)
    room = rooms.room(found.room_id)
    removed = RemovedText.objects.filter(message=found).first()
    text = render_text(found.author_id, room, removed.body) if removed else None
    with changing(payloads.stream(room.pk), inbox(found.author_id)) as heads:
        room, member = rooms.room_access(room.pk, actor_id)
        check_moderates(room, member, actor_id)
        message = messages.message(message_id)
        removed = RemovedText.objects.filter(message=message).first()
        if removed is None or text is None:
            raise NotFound(
                "There is nothing to restore: the message isn't deleted, or its author deleted it."
            )
        message.body, message.html, message.mentions = text.body, text.html, list(text.mentions)
        message.reactions, message.deleted_at = removed.reactions, None
        removed.delete()
        save_message(heads, message)
        mention_rows.note_again(message)
        log(
            ModerationLog.Action.RESTORE,
            actor_id=actor_id,
            reason=reason,
            room=room,
            subject_id=message.author_id,
            message=message,
        )
        if message.author_id != actor_id:
            notify_author(heads, message, room, "restore", actor_id=actor_id, reason=reason)
    return message


def react(*, actor_id: int, message_id: int, emoji: str, on: bool) -> Message:
    """Add or remove the actor's reaction. Repeating it changes nothing."""
    policies.check_emoji(emoji)
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
        message = _standing(message_id, room)
        people = message.reactions.get(emoji, [])
        if (actor_id in people) == on:
            return message
        if on:
            _check_room_for_reaction(message, emoji)
            message.reactions[emoji] = [*people, actor_id]
        else:
            message.reactions[emoji] = [user_id for user_id in people if user_id != actor_id]
            if not message.reactions[emoji]:
                del message.reactions[emoji]
        save_message(heads, message)
        recipients.notify_of_reaction(heads, message, room, actor_id=actor_id, emoji=emoji, on=on)
    return message


def _standing(message_id: int, room: Room) -> Message:
    """Return a message that can be changed: neither deleted, nor under review, nor too old."""
    message = messages.message(message_id)
    policies.check_kept(room, message.number)
    if message.is_deleted:
        raise NotFound("This message was deleted.")
    _check_not_hidden(message)
    return message


def _check_not_hidden(message: Message) -> None:
    """Raise ``Forbidden`` during a review, so that moderators decide about the same text."""
    if message.is_hidden:
        raise Forbidden(
            "Moderators are reviewing this message. You can't change it until they have decided."
        )


def _check_may_delete(
    room: Room, member: Membership | None, message: Message, actor_id: int
) -> None:
    if message.author_id == actor_id:
        policies.check_may_read(room, member)
    elif acting_rank(room, member, actor_id, least=Rank.MODERATOR) < Rank.MODERATOR:
        if (
            policies.reading_problem(
                room.kind,
                policies.effective_state(member.state, member.banned_until) if member else None,
            )
            is not None
        ):
            raise policies.no_such_message()
        raise NotYours("You can only delete your own messages.")


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


def notify_author(
    heads: Heads,
    message: Message,
    room: Room,
    act: str,
    *,
    actor_id: int,
    reason: str = "",
    category: str = "",
) -> None:
    """Notify an author of what a moderator did to their message."""
    notice = notices.moderation_notice(
        message.author_id,
        act,
        room=room,
        message=message,
        actor_id=actor_id,
        reason=reason,
        level="warning" if act == "delete" else "info",
        details={"category": category} if category else None,
    )
    notify(heads, notice)
