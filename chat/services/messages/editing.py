"""Changing existing messages: editing, deleting and restoring."""

import time
from collections.abc import Collection
from uuid import uuid5

from django.utils import timezone

from chat import payloads, policies
from chat.errors import BlockedWord, ChangedMeanwhile, MutingWord, NotYours
from chat.models import (
    REASON_MAX_LENGTH,
    Membership,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Revision,
    Room,
)
from chat.moderation import raid_mode
from chat.moderation.new_accounts import new_accounts
from chat.policies import Rank
from chat.queries import filter_cache, members, messages, people, rooms
from chat.queries.blocks import blocked_pairs, check_may_write_to
from chat.queries.moderation.reports import is_message_reported
from chat.services.messages import mention_rows, notice_rows, recipients
from chat.services.messages.muting import mute_by_filter
from chat.services.messages.recipients import Planned
from chat.services.messages.rendering import (
    RawText,
    RenderJob,
    Text,
    render_jobs,
    render_text,
)
from chat.services.messages.review import case_answers, case_records, closing, withheld_text
from chat.services.messages.review.reports import flag
from chat.services.messages.site_limits import Author, check_edit
from chat.services.persistence import log, save_message
from chat.services.rights import acting_rank, check_moderates, check_not_author
from chat.services.room_notices import Actor, notify_of_act
from chat.services.traces import note_texts
from chat.text.filters import FilterSet
from chat.text.rate_limit import post_rate_limit
from chat.text.sameness import links
from notifications.payloads import inbox
from notifications.services import notify_many
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import Forbidden, NotFound


def admit_edit(
    *, actor_id: int, message_id: int, body: str, flags: tuple[str, ...] = ()
) -> RenderJob:
    """Return the new text of a message that the actor may edit, to be rendered.

    It is a read. ``edit_message`` decides the same again under the lock.
    """
    policies.check_text(body)
    found = messages.readable_message(message_id, actor_id)
    room, member = rooms.room_access(found.room_id, actor_id)
    message = standing(message_id, room)
    author = _author(_check_may_edit(room, member, message, actor_id))
    check_edit(author, body)
    text = RawText(
        actor_id,
        room,
        body,
        flags,
        is_new=author.is_new,
        is_limited=author.is_limited,
        before=message,
    )
    return render_jobs([text], filter_cache.current())[0]


def edit_message(
    *,
    actor_id: int,
    message_id: int,
    body: str,
    flags: tuple[str, ...] = (),
    seen: str | None = None,
    text: Text | None = None,
) -> Message:
    """Edit the actor's own message. Only newly mentioned members are notified.

    ``text`` is the rendered body, if the caller has rendered it. An edit that mentions someone new
    or adds a link counts as a post for slow mode and for the rate limit. ``seen`` is the time of
    the edit that the actor has seen, or "" if there was none; None overwrites any text.

    Raises the errors of ``post_messages``, and ``NotYours``.
    """
    found = messages.readable_message(message_id, actor_id)
    room = rooms.room(found.room_id)
    filters = filter_cache.current()
    if text is None or text.filters is not filters:
        text = _rendered(actor_id, room, body, filters, flags)
    check_not_held(text)
    candidates = recipients.mentioned([Planned(room, text)])
    with changing(
        payloads.stream(room.pk), *(inbox(user_id) for user_id in candidates.get(room.pk, ()))
    ) as heads:
        room, member = rooms.room_access(room.pk, actor_id)
        message = standing(message_id, room)
        member = _check_may_edit(room, member, message, actor_id)
        if message.body == text.body:
            return message
        if seen is not None and seen != (payloads.moment(message.edited_at) or ""):
            raise ChangedMeanwhile(
                "This message was changed meanwhile, on another page or device. Compare both texts,"
                " and save again."
            )
        is_refused = raid_mode.current().refuse_links and _author(member).is_new
        policies.check_links(text.html, member, now=timezone.now(), is_refused=is_refused)
        if _reaches_further(message, text):
            _count_as_post(room, member, message, text)
        message.body, message.html, message.mentions = text.body, text.html, list(text.mentions)
        message.search_text, message.edited_at = text.words, timezone.now()
        apart = blocked_pairs(candidates.get(room.pk, ()), [actor_id])
        wanted = recipients.without_blocked(recipients.preferences(candidates), actor_id, apart)
        notices = recipients.mention_notices(
            message, room, text, candidates, wanted, notice_rows.notified(message, wanted)
        )
        save_message(heads, message)
        case_records.record([message], Revision.Act.EDIT, actor_id=actor_id, now=message.edited_at)
        flag([(message, reason) for reason in text.flags])
        if text.flags:
            note_texts([(actor_id, text.body)])
        mention_rows.forget(message)
        mention_rows.note(mention_rows.mentions(message, text, candidates, wanted))
        if notices:
            notify_many(heads, notices)
    notice_rows.follow(message.room_id, [message.number])
    return message


def check_not_held(text: Text) -> None:
    """Raise ``BlockedWord`` for a text that a filter would hold: an edit cannot wait."""
    if text.held:
        raise BlockedWord(
            "Moderators review such a text before others see it, so you can't change a message to"
            " it. Post it as a new message instead."
        )


def _rendered(
    actor_id: int, room: Room, body: str, filters: FilterSet, flags: tuple[str, ...]
) -> Text:
    try:
        return render_text(actor_id, room, body, filters, flags)
    except MutingWord as error:
        mute_by_filter(user_id=actor_id, filter_text=error.filter)
        raise


def _check_may_edit(
    room: Room, member: Membership | None, message: Message, actor_id: int
) -> Membership:
    member = policies.check_may_write(
        room, member, site_muted_until=members.site_muted_until(member), now=timezone.now()
    )
    if message.author_id != actor_id:
        raise NotYours("You can only edit your own messages.")
    check_may_write_to(room, actor_id)
    return member


def _author(member: Membership) -> Author:
    return Author(
        member.user_id,
        is_new=member.user_id in new_accounts.among([member.user_id]),
        is_limited=policies.rank(member) < Rank.MODERATOR,
    )


def _reaches_further(message: Message, text: Text) -> bool:
    """Tell whether a new text mentions someone new, or adds a link."""
    return bool(
        set(text.mentions) - set(message.mentions)
        or (text.everybody and mention_rows.EVERYBODY not in message.html)
        or set(links(text.html)) - set(links(message.html))
    )


def _count_as_post(room: Room, member: Membership, message: Message, text: Text) -> None:
    """Raise ``SlowMode`` or ``RateLimited`` where a post with this text would."""
    if policies.rank(member) >= Rank.MODERATOR:
        return
    slow = raid_mode.current().slow_mode
    policies.check_slow_mode(room, member, now=timezone.now(), at_least=slow)
    key, now = uuid5(message.key, text.body), time.monotonic()
    post_rate_limit.check(member.user_id, key, text.body, now)
    new = set(text.mentions) - set(message.mentions)
    post_rate_limit.check_mentions(member.user_id, key, len(new), now)
    if policies.slow_seconds(room, member, at_least=slow):
        Membership.objects.filter(pk=member.pk).update(last_posted_at=timezone.now())


def delete_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Delete a message. Repeating it changes nothing.

    An author deletes for good, except for what a case keeps. A text that a moderator removed can be
    restored, also after its author has deleted the message as well. A moderator's removal closes
    the open case of the message.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    found = messages.message(message_id)
    is_author = found.author_id == actor_id
    reporters = [] if is_author else closing.reporters_of([message_id])
    with changing(
        payloads.stream(found.room_id), inbox(found.author_id), *map(inbox, reporters)
    ) as heads:
        room, member = rooms.room_access(found.room_id, actor_id)
        message = messages.message(message_id)
        policies.check_kept(room, message.number)
        _check_may_delete(room, member, message, actor_id)
        if is_author:
            _check_not_hidden(message)
        if message.is_deleted:
            return message
        if is_author:
            withheld_text.delete(message)
            save_message(heads, message)
            case_records.record([message], Revision.Act.DELETE, actor_id=actor_id)
            mention_rows.forget(message)
        else:
            acting = acting_rank(room, member, actor_id, least=Rank.MODERATOR)
            actor = Actor(actor_id, acting)
            take_down(heads, message, room, actor=actor, reason=reason, reporters=reporters)
    if not is_author:
        closing.close_rest([message_id])
    notice_rows.follow(message.room_id, [message.number])
    return message


def take_down(
    heads: Heads,
    message: Message,
    room: Room,
    *,
    actor: Actor,
    reason: str,
    reporters: Collection[int],
) -> None:
    """Remove a message as a moderator: close its case, log it and notify the author.

    The transaction must hold the room, the author's inbox and those of ``reporters``. The author
    sees the category of the first report if there is no reason. ``closing.close_rest`` closes the
    reports by others after the commit.
    """
    note_texts([(message.author_id, case_records.current_text(message))])
    withheld_text.remove(message, actor_id=actor.user_id)
    save_message(heads, message)
    case_records.record([message], Revision.Act.REMOVE, actor_id=actor.user_id)
    mention_rows.forget(message)
    closed = closing.close(
        heads,
        [message],
        {room.pk: room},
        Report.Status.RESOLVED,
        actor_id=actor.user_id,
        reason=reason,
        reporters=reporters,
    )
    log(
        ModerationLog.Action.RESOLVE if closed else ModerationLog.Action.DELETE,
        actor_id=actor.user_id,
        reason=reason,
        room=room,
        subject_id=message.author_id,
        message=message,
    )
    category = closed.get(message.pk, "")
    notify_author(heads, message, room, "delete", actor=actor, reason=reason, category=category)


def restore_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Restore a message that a moderator deleted."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    found = messages.message(message_id)
    room = rooms.room(found.room_id)
    removed = RemovedText.objects.filter(message=found).first()
    text = render_text(found.author_id, room, removed.body) if removed else None
    with changing(payloads.stream(room.pk), inbox(found.author_id)) as heads:
        room, member = rooms.room_access(room.pk, actor_id)
        check_not_author(found, actor_id)
        message = messages.message(message_id)
        if room.is_direct:
            _check_reported(room, member, message, actor_id)
        else:
            acting = check_moderates(room, member, actor_id)
        removed = RemovedText.objects.filter(message=message).first()
        if removed is None or text is None:
            raise NotFound(
                "There is nothing to restore: the message isn't deleted, or its author deleted it."
            )
        actor = Actor(actor_id, Rank.SITE if room.is_direct else acting)
        bring_back(heads, message, room, removed, text, actor=actor, reason=reason)
    case_answers.keep_after_all([message_id], actor_id=actor_id)
    notice_rows.follow(message.room_id, [message.number])
    return message


def bring_back(
    heads: Heads,
    message: Message,
    room: Room,
    removed: RemovedText,
    text: Text,
    *,
    actor: Actor,
    reason: str = "",
) -> None:
    """Restore a message that a moderator removed, log it and notify the author.

    The transaction must hold the room and the author's inbox.
    """
    message.body, message.html, message.mentions = text.body, text.html, list(text.mentions)
    message.reactions, message.deleted_at = removed.reactions, None
    removed.delete()
    save_message(heads, message)
    case_records.record([message], Revision.Act.RESTORE, actor_id=actor.user_id)
    mention_rows.note_again(message)
    log(
        ModerationLog.Action.RESTORE,
        actor_id=actor.user_id,
        reason=reason,
        room=room,
        subject_id=message.author_id,
        message=message,
    )
    notify_author(heads, message, room, "restore", actor=actor, reason=reason)


def standing(message_id: int, room: Room) -> Message:
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
    elif room.is_direct:
        _check_reported(room, member, message, actor_id)
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


def _check_reported(room: Room, member: Membership | None, message: Message, actor_id: int) -> None:
    """Raise unless a site moderator acts on a message of a conversation that was reported.

    For everyone else, and without a report, a message of others does not exist.
    """
    is_reported = is_message_reported(message.pk) or hasattr(message, "removed_text")
    if people.is_site_moderator(actor_id) and is_reported:
        return
    if policies.is_active(member):
        raise NotYours("You can only delete your own messages.")
    raise policies.no_such_message()


def notify_author(
    heads: Heads,
    message: Message,
    room: Room,
    act: str,
    *,
    actor: Actor,
    reason: str = "",
    category: str = "",
) -> None:
    """Notify an author of what a moderator, of the site or of the room, did to their message."""
    row = members.membership(room.pk, message.author_id)
    if row is None:
        return
    notify_of_act(
        heads,
        room,
        row,
        act,
        actor=actor,
        message=message,
        reason=reason,
        level="warning" if act == "delete" else "info",
        details={"category": category} if category else None,
        was_member=policies.is_active(row),
    )
