"""Bulk actions on messages: deleting, restoring and erasing in batches, shown live to everyone.

Each batch is a transaction that locks one room for about 0.1 s. The process that runs a bulk may
die, or run beside another one, so every message is checked again under the lock.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, QuerySet
from django.utils import timezone

from chat import payloads, policies
from chat.models import (
    REASON_MAX_LENGTH,
    Bulk,
    HeldText,
    Mention,
    Message,
    ModerationLog,
    RemovedText,
    Room,
)
from chat.queries import people, rooms
from chat.queries.blocks import blocked_pairs
from chat.services import notices
from chat.services.messages import mention_rows, recipients
from chat.services.messages.recipients import Planned
from chat.services.messages.rendering import RawText, Text, render_texts
from chat.services.persistence import log
from chat.text.filters import MAX_LENGTH, FilterSet
from notifications.payloads import inbox
from notifications.services import notify
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, TooMany

MAX_BULK: Final = 100_000  # messages of one bulk
BATCH: Final = 100  # messages of one step, which locks a room for about 0.1 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The messages of an author, of a room, or of both, narrowed by words and time."""

    author_id: int | None = None
    room_id: int | None = None
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None


def count(choice: Choice) -> int:
    """Return how many messages match. Raises ``TooMany`` above ``MAX_BULK``."""
    _check(choice)
    found = len(_chosen(_unsaved(choice)).values_list("pk")[: MAX_BULK + 1])
    if found > MAX_BULK:
        raise TooMany("More than {most} messages match. Choose a shorter period.", most=MAX_BULK)
    return found


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
            **_columns(choice),
        )
    )


def begin_undo(*, actor_id: int, bulk_id: int, reason: str = "") -> Bulk:
    """Begin to restore the messages of a bulk that nobody has restored or erased since."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    _check_moderates(actor_id)
    source = Bulk.objects.filter(pk=bulk_id, act=Bulk.Act.DELETE).first()
    if source is None:
        raise NotFound("There is no such bulk removal.")
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
    standing = Bulk.objects.filter(act=Bulk.Act.ERASE, author_id=user_id).order_by("-pk").first()
    if (
        standing is not None
        and standing.finished_at
        and Message.objects.filter(author_id=user_id, pk__gt=standing.last_id).exists()
    ):
        standing = None
    expected = len(Message.objects.filter(author_id=user_id).values_list("pk")[:MAX_BULK])
    return standing or _begin(
        Bulk(
            act=Bulk.Act.ERASE,
            actor_id=actor_id,
            reason=reason,
            author_id=user_id,
            expected=expected,
        )
    )


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
        _finish(bulk)
        return False
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
            .order_by("pk")
            .values_list("pk", flat=True)[:BATCH]
        )
        return list(Message.objects.filter(pk__in=list(left)).only("pk", "room_id").order_by("pk"))
    order = _order(bulk)
    return list(
        _chosen(bulk)
        .filter(**{f"{order}__gt": bulk.cursor})
        .only("pk", "room_id", "number")
        .order_by(order)[:BATCH]
    )


def _order(bulk: Bulk) -> str:
    """Return the column whose index has the messages: number in a room, else the id."""
    return "number" if bulk.room_id is not None and bulk.author_id is None else "pk"


def _chosen(bulk: Bulk) -> "QuerySet[Message]":
    rows = Message.objects.filter(pk__lte=bulk.last_id or policies.MAX_ID)
    if bulk.act != Bulk.Act.ERASE:
        rows = rows.filter(deleted_at=None)
    if bulk.author_id is not None:
        rows = rows.filter(author_id=bulk.author_id)
    if bulk.room_id is not None:
        rows = rows.filter(room_id=bulk.room_id)
    if bulk.words:
        # A search by words would reveal texts of direct rooms to the moderator.
        rows = rows.filter(body__icontains=bulk.words).exclude(room__kind=Room.Kind.DIRECT)
    if bulk.since is not None:
        rows = rows.filter(created_at__gte=bulk.since)
    return rows.filter(created_at__lte=bulk.until) if bulk.until is not None else rows


def _unsaved(choice: Choice) -> Bulk:
    return Bulk(act=Bulk.Act.DELETE, **_columns(choice))


def _columns(choice: Choice) -> dict[str, object]:
    names = ("author_id", "room_id", "words", "since", "until")
    return {name: getattr(choice, name) for name in names}


def _check(choice: Choice) -> None:
    if choice.author_id is None and choice.room_id is None:
        raise BadRequest("author, room: expected an author, a room, or both")
    if choice.author_id is not None:
        people.user(choice.author_id)
    if choice.room_id is not None:
        policies.check_not_direct(rooms.room(choice.room_id))
    policies.clean(choice.words, name="words", limit=MAX_LENGTH)


# -- what is done ----------------------------------------------------------------------------------


def _begin(bulk: Bulk) -> Bulk:
    bulk.last_id = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with changing():
        bulk.save()
        _log(bulk, {"bulk": bulk.pk, "act": str(bulk.act), "messages": bulk.expected})
    return bulk


def _remove(bulk: Bulk, room_id: int, ids: Sequence[int]) -> None:
    authors = set(Message.objects.filter(pk__in=ids).values_list("author_id", flat=True))
    with changing(payloads.stream(room_id), *map(inbox, authors)) as heads:
        rows = list(Message.objects.filter(pk__in=ids).select_related("author").order_by("number"))
        erased = bulk.act == Bulk.Act.ERASE
        if erased:
            RemovedText.objects.filter(pk__in=ids).delete()
        standing = rows if erased else [row for row in rows if not row.is_deleted]
        now = timezone.now()
        held = HeldText.objects.in_bulk(ids)  # of messages under review
        if not erased:
            RemovedText.objects.bulk_create(
                _kept(row, held.get(row.pk), bulk, now) for row in standing
            )
        HeldText.objects.filter(pk__in=held).delete()
        room = rooms.room(room_id)
        reacted = [row for row in standing if row.reactions or row.pk in held]
        for row in standing:
            row.body, row.html, row.mentions, row.reactions = "", "", [], {}
            row.deleted_at, row.hidden_at = row.deleted_at or now, None
        _store(heads, room, standing)
        for row in reacted:
            recipients.withdraw_reactions(heads, row, room)
        Mention.objects.filter(
            room_id=room_id, number__in=[row.number for row in standing]
        ).delete()
        _progress(bulk, len(standing))


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
        mention_rows.note(_mentions(rows, known, people))
        _progress(bulk, len(rows))


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
        heads.record(stream, payloads.message_event(row))
    if rows:
        Message.objects.bulk_update(
            rows, ["seq", "body", "html", "mentions", "reactions", "deleted_at", "hidden_at"]
        )


def _progress(bulk: Bulk, number: int) -> None:
    Bulk.objects.filter(pk=bulk.pk).update(done=F("done") + number)


def _finish(bulk: Bulk) -> None:
    names: Iterable[str] = (
        [inbox(bulk.author_id)] if bulk.author_id is not None and bulk.act != Bulk.Act.ERASE else []
    )
    with changing(*names) as heads:
        if not Bulk.objects.filter(pk=bulk.pk, finished_at=None).update(finished_at=timezone.now()):
            return  # another process ran it as well
        bulk.refresh_from_db()
        _log(bulk, {"bulk": bulk.pk, "act": str(bulk.act), "done": bulk.done})
        if names and bulk.done and bulk.author_id != bulk.actor_id:
            assert bulk.author_id is not None
            notice = notices.moderation_notice(
                bulk.author_id,
                "bulk_delete" if bulk.act == Bulk.Act.DELETE else "bulk_restore",
                actor_id=bulk.actor_id,
                reason=bulk.reason,
                level="warning" if bulk.act == Bulk.Act.DELETE else "info",
                details={"messages": bulk.done},
            )
            notify(heads, notice)


def _log(bulk: Bulk, details: dict[str, object]) -> None:
    action = ModerationLog.Action.BULK
    log(
        action,
        actor_id=bulk.actor_id,
        reason=bulk.reason,
        room=bulk.room,
        subject_id=bulk.author_id,
        details=details,
    )


def _check_moderates(actor_id: int) -> None:
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")
