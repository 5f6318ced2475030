"""Bulk actions on messages: deleting, restoring and erasing in batches, shown live to everyone.

Each batch is a transaction that locks one room for about 0.1 s. The process that runs a bulk may
die, or run beside another one, so every message is checked again under the lock.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db.models import F
from django.utils import timezone

from chat import payloads, policies
from chat.models import (
    REASON_MAX_LENGTH,
    Bulk,
    BulkAuthor,
    HeldText,
    Mention,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Revision,
    Room,
)
from chat.queries import people, rooms
from chat.queries.blocks import blocked_pairs
from chat.services import notices
from chat.services.messages import mention_rows, notice_rows, recipients
from chat.services.messages.recipients import Planned
from chat.services.messages.rendering import RawText, Text, render_texts
from chat.services.messages.review import case_answers, case_records, closing
from chat.services.moderation.bulk_selection import (
    MAX_BULK,
    Choice,
    chosen,
    columns,
    count,
    newest_id,
)
from chat.services.persistence import log
from chat.services.traces import note_texts
from chat.text.filters import FilterSet
from chat.text.search_words import stored_words
from notifications.payloads import inbox
from notifications.services import Notice, notify_many
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, Forbidden, NotFound

BATCH: Final = 100  # messages of one step, which locks a room for about 0.1 s
AUTHORS_PER_TRANSACTION: Final = 50  # notified at the end, each with the lock of an inbox


def begin_removal(*, actor_id: int, choice: Choice, expected: int, reason: str) -> Bulk:
    """Begin to delete messages.

    ``expected`` is the number that the moderator saw and confirmed.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH, required=True)
    _check_moderates(actor_id)
    found = count(choice)
    if found != expected:
        raise BadRequest(
            "number: {found} messages match now, you confirmed {expected}."
            " Check the selection again.",
            found=found,
            expected=expected,
        )
    return _begin(
        Bulk(
            act=Bulk.Act.DELETE,
            actor_id=actor_id,
            reason=reason,
            expected=found,
            **columns(choice),
        )
    )


def begin_undo(*, actor_id: int, bulk_id: int, reason: str = "") -> Bulk:
    """Begin to restore the messages of a bulk that nobody has restored or erased since."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    _check_moderates(actor_id)
    source = Bulk.objects.filter(pk=bulk_id, act=Bulk.Act.DELETE).first()
    if source is None:
        raise NotFound("There is no such bulk removal.")
    if source.author_id == actor_id:
        raise Forbidden("These are your own messages. Another moderator must restore them.")
    expected = RemovedText.objects.filter(bulk=source).count()
    if not expected:
        raise NotFound("There is nothing left to restore.")
    return _begin(
        Bulk(
            act=Bulk.Act.RESTORE,
            actor_id=actor_id,
            reason=reason,
            source=source,
            author_id=source.author_id,
            expected=expected,
        )
    )


def begin_erasure(*, actor_id: int, user_id: int, reason: str = "") -> Bulk:
    """Begin to erase all messages of a user, also removed ones.

    Only ``services.erasure`` calls it.
    """
    earlier = Bulk.objects.filter(act=Bulk.Act.ERASE, author_id=user_id).order_by("-pk").first()
    if (
        earlier is not None
        and earlier.finished_at
        and Message.objects.filter(author_id=user_id, pk__gt=earlier.last_id).exists()
    ):
        earlier = None
    expected = len(Message.objects.filter(author_id=user_id).values_list("pk")[:MAX_BULK])
    return earlier or _begin(
        Bulk(
            act=Bulk.Act.ERASE,
            actor_id=actor_id,
            reason=reason,
            author_id=user_id,
            expected=expected,
        )
    )


def unfinished_since() -> datetime | None:
    """Return when the oldest bulk that is not finished was begun."""
    rows = Bulk.objects.filter(finished_at=None).order_by("pk")
    return rows.values_list("created_at", flat=True).first()


def run_bulk(*, bulk_id: int, seconds: float) -> Bulk:
    """Continue a bulk for at most ``seconds``. ``finished_at`` is set when it is done."""
    end = time.monotonic() + seconds
    while True:
        bulk = Bulk.objects.filter(pk=bulk_id).first()
        if bulk is None:
            raise NotFound("There is no such bulk action.")
        if bulk.finished_at is not None or not _step(bulk) or time.monotonic() >= end:
            return Bulk.objects.get(pk=bulk_id)


def _step(bulk: Bulk) -> bool:
    """Run the next batch. Returns whether there was one."""
    rows = _next(bulk)
    if not rows:
        return _note_authors(bulk)
    by_room: dict[int, list[int]] = {}
    for row in rows:
        by_room.setdefault(row.room_id, []).append(row.pk)
    act = _restore if bulk.act == Bulk.Act.RESTORE else _remove
    for room_id, ids in by_room.items():
        act(bulk, room_id, ids)
    last = max(getattr(row, _order(bulk)) for row in rows)
    with changing():
        Bulk.objects.filter(pk=bulk.pk, cursor__lt=last).update(cursor=last)
    return True


# -- what is chosen --------------------------------------------------------------------------------


def _next(bulk: Bulk) -> list[Message]:
    if bulk.act == Bulk.Act.RESTORE:
        left = (
            RemovedText.objects.filter(bulk=bulk.source, pk__gt=bulk.cursor)
            .exclude(message__author=bulk.actor_id)  # nobody decides about themselves
            .order_by("pk")
            .values_list("pk", flat=True)[:BATCH]
        )
        return list(Message.objects.filter(pk__in=list(left)).only("pk", "room_id").order_by("pk"))
    order = _order(bulk)
    return list(
        chosen(bulk)
        .filter(**{f"{order}__gt": bulk.cursor})
        .only("pk", "room_id", "number")
        .order_by(order)[:BATCH]
    )


def _order(bulk: Bulk) -> str:
    """Return the column whose index has the messages: number in a room, else the id."""
    return "number" if bulk.room_id is not None and bulk.author_id is None else "pk"


# -- what is done ----------------------------------------------------------------------------------


def _begin(bulk: Bulk) -> Bulk:
    bulk.last_id = newest_id()
    with changing():
        bulk.save()
    return bulk


def _remove(bulk: Bulk, room_id: int, ids: Sequence[int]) -> None:
    authors = set(Message.objects.filter(pk__in=ids).values_list("author_id", flat=True))
    is_erasure = bulk.act == Bulk.Act.ERASE
    # An erasure decides no case: moderators still do, about the text that the case keeps.
    reporters = [] if is_erasure else closing.reporters_of(ids)
    with changing(payloads.stream(room_id), *map(inbox, {*authors, *reporters})) as heads:
        rows = list(Message.objects.filter(pk__in=ids).select_related("author").order_by("number"))
        affected = rows if is_erasure else [row for row in rows if not row.is_deleted]
        now = timezone.now()
        held = HeldText.objects.in_bulk(ids)  # of messages under review
        if is_erasure:
            _erase_removed_texts(ids)
        else:
            note_texts((row.author_id, row.body) for row in affected if row.is_public)
            RemovedText.objects.bulk_create(
                _kept(row, held.get(row.pk), bulk, now) for row in affected
            )
        HeldText.objects.filter(pk__in=held).delete()
        room = rooms.room(room_id)
        with_text = [row for row in affected if not row.is_deleted]
        for row in affected:
            row.body, row.html, row.mentions, row.reactions = "", "", [], {}
            row.deleted_at, row.hidden_at = row.deleted_at or now, None
        _store(heads, room, affected)
        act = Revision.Act.ERASE if is_erasure else Revision.Act.REMOVE
        case_records.record(with_text, act, actor_id=bulk.actor_id, now=now)
        Mention.objects.filter(
            room_id=room_id, number__in=[row.number for row in affected]
        ).delete()
        if not is_erasure:
            closing.close(
                heads,
                affected,
                {room_id: room},
                Report.Status.RESOLVED,
                actor_id=bulk.actor_id,
                reason=bulk.reason,
                reporters=reporters,
            )
        _progress(bulk, affected)
    if not is_erasure:
        closing.close_rest(ids)
    notice_rows.follow(room_id, [row.number for row in rows])


def _erase_removed_texts(ids: Sequence[int]) -> None:
    """Delete texts that moderators removed, except those that a case holds."""
    held = case_records.held_messages(ids)
    RemovedText.objects.filter(pk__in=set(ids) - held).delete()


def erase_again(*, author_id: int, room_id: int, message_ids: Sequence[int]) -> None:
    """Erase the messages of an erased person that a case no longer holds."""
    bulk = Bulk.objects.filter(act=Bulk.Act.ERASE, author_id=author_id).order_by("-pk").first()
    if bulk is not None:
        _remove(bulk, room_id, message_ids)


def _restore(bulk: Bulk, room_id: int, ids: Sequence[int]) -> None:
    room = rooms.room(room_id)
    found = list(RemovedText.objects.filter(pk__in=ids).select_related("message").order_by("pk"))
    texts = render_texts(
        [RawText(row.message.author_id, room, row.body) for row in found], FilterSet()
    )
    known = {row.pk: text for row, text in zip(found, texts, strict=True) if isinstance(text, Text)}
    people = recipients.mentioned([Planned(room, text) for text in known.values()])
    with changing(payloads.stream(room_id)) as heads:
        removed = {
            row.pk: row for row in RemovedText.objects.filter(pk__in=known, bulk=bulk.source)
        }
        rows = list(
            Message.objects.filter(pk__in=removed).select_related("author").order_by("number")
        )
        for row in rows:
            text = known[row.pk]
            row.body, row.html, row.mentions = text.body, text.html, list(text.mentions)
            row.reactions, row.deleted_at = removed[row.pk].reactions, None
        RemovedText.objects.filter(pk__in=removed).delete()
        _store(heads, room, rows)
        case_records.record(rows, Revision.Act.RESTORE, actor_id=bulk.actor_id)
        mention_rows.note(_mentions(rows, known, people))
        _progress(bulk, rows)
    case_answers.keep_after_all(list(removed), actor_id=bulk.actor_id)
    notice_rows.follow(room_id, [row.number for row in rows])


def _mentions(
    rows: Sequence[Message], texts: Mapping[int, Text], people: recipients.Candidates
) -> list[Mention]:
    """Return the mentions of restored messages, except of members who blocked the author."""
    preferences = recipients.preferences(people)
    apart = blocked_pairs(
        {user_id for ids in people.values() for user_id in ids}, {row.author_id for row in rows}
    )
    wanted = {
        author_id: recipients.without_blocked(preferences, author_id, apart)
        for author_id in {row.author_id for row in rows}
    }
    return [
        mention
        for row in rows
        for mention in mention_rows.mentions(row, texts[row.pk], people, wanted[row.author_id])
    ]


def _kept(row: Message, held: HeldText | None, bulk: Bulk, now: datetime) -> RemovedText:
    said = held or row
    return RemovedText(
        message=row,
        body=said.body,
        reactions=said.reactions,
        removed_by_id=bulk.actor_id,
        removed_at=now,
        bulk=bulk,
    )


def _store(heads: Heads, room: Room, rows: Sequence[Message]) -> None:
    stream = payloads.stream(room.pk)
    for row in rows:
        row.seq = heads.next(stream)
        row.search_text = stored_words(row.body, row.html)
        heads.record(stream, payloads.message_event(row))
    if rows:
        texts = ["body", "html", "search_text", "mentions", "reactions"]
        Message.objects.bulk_update(rows, ["seq", *texts, "deleted_at", "hidden_at"])


def _progress(bulk: Bulk, rows: Sequence[Message]) -> None:
    """Count messages, also for each author."""
    Bulk.objects.filter(pk=bulk.pk, finished_at=None).update(done=F("done") + len(rows))
    if bulk.act == Bulk.Act.ERASE:
        return
    for author_id, number in Counter(row.author_id for row in rows).items():
        BulkAuthor.objects.get_or_create(bulk=bulk, author_id=author_id)
        chosen = BulkAuthor.objects.filter(bulk=bulk, author_id=author_id)
        chosen.update(messages=F("messages") + number)


def _note_authors(bulk: Bulk) -> bool:
    """Log what was done to some of the authors, and notify them. Returns whether some are left.

    Each author has an entry of their own, so that it is in the record of each of them.
    """
    waiting = BulkAuthor.objects.filter(bulk=bulk, noted_at=None).order_by("pk")
    authors = list(waiting.values_list("author_id", flat=True)[:AUTHORS_PER_TRANSACTION])
    with changing(*map(inbox, authors)) as heads:
        rows = list(waiting.select_for_update().filter(author_id__in=authors))
        for row in rows:
            _log(bulk, row)
        found = [
            _notice(bulk, row) for row in rows if row.messages and row.author_id != bulk.actor_id
        ]
        if found:
            notify_many(heads, found)
        waiting.filter(pk__in=[row.pk for row in rows]).update(noted_at=timezone.now())
        if not waiting.exists():
            Bulk.objects.filter(pk=bulk.pk, finished_at=None).update(finished_at=timezone.now())
            return False
    return True


def _notice(bulk: Bulk, row: BulkAuthor) -> Notice:
    is_removal = bulk.act == Bulk.Act.DELETE
    return notices.moderation_notice(
        row.author_id,
        "bulk_delete" if is_removal else "bulk_restore",
        actor_id=bulk.actor_id,
        reason=bulk.reason,
        level="warning" if is_removal else "info",
        details={"messages": row.messages},
    )


def _log(bulk: Bulk, row: BulkAuthor) -> None:
    log(
        ModerationLog.Action.BULK,
        actor_id=bulk.actor_id,
        reason=bulk.reason,
        room=bulk.room,
        subject_id=row.author_id,
        details={"bulk": bulk.pk, "act": str(bulk.act), "messages": row.messages},
    )


def _check_moderates(actor_id: int) -> None:
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")
