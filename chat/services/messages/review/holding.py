"""Posts that a filter holds: their author and moderators see them until a moderator has decided.

A held post takes no number in its room, so no promise about the room's order concerns it. It is a
row of its author's inbox, and a case of the queue. Accepted, it is posted like any other message,
with the author's own key (``posting``).
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from chat import payloads
from chat.errors import Held, Rejected, TooLate
from chat.models import NOTE_MAX_LENGTH, Case, HeldPost, Message, ModerationLog, Report, Room
from chat.queries import queue
from chat.services.messages.post import Acceptance, Post
from chat.services.messages.rendering import Text
from chat.services.messages.review import case_records, queueing
from chat.services.persistence import log, system_user
from notifications.payloads import inbox
from realtime.core.heads import Heads, changing
from realtime.core.users import User
from realtime.protocol.errors import Forbidden, HoldfastError, NotFound

MAX_WAITING: Final = 20  # posts of one author; more would only fill the queue
State, Status = HeldPost.State, Report.Status


def held_before(keys: Collection[tuple[int, UUID]]) -> dict[tuple[int, UUID], HeldPost]:
    """Return the held posts with these keys of their authors. No query without any."""
    if not keys:
        return {}
    authors, used = {author_id for author_id, _ in keys}, {key for _, key in keys}
    rows = HeldPost.objects.filter(author__in=authors, key__in=used)
    return {(row.author_id, row.key): row for row in rows}


def hold(
    heads: Heads, post: Post, text: Text, *, author: User, room: Room, now: datetime
) -> HeldPost:
    """Keep a post for a moderator. The transaction must hold the author's inbox."""
    if waiting(author.pk).count() >= MAX_WAITING:
        # Not `too_many`, for which clients delay everything else that the author sends.
        raise Forbidden(
            "{limit} of your messages wait for a moderator, the most allowed.", limit=MAX_WAITING
        )
    case = Case.objects.create(
        kind=Case.Kind.HELD,
        author=author,
        room=room,
        opened_at=now,
        written_at=now,
        body=text.body,
        author_name=case_records.author_name(author),
        severity=queue.HELD_SEVERITY,
    )
    queueing.place(case)
    row = HeldPost(
        case=case,
        author=author,
        room=room,
        key=post.key,
        after_number=room.last_number,
        reply_to_id=post.reply_to,
        note=", ".join(text.held)[:NOTE_MAX_LENGTH],
        created_at=now,
    )
    save(heads, row)
    return row


def answer(row: HeldPost) -> HoldfastError:
    """Return what the author of a held post is answered, also when they send it again."""
    if row.state == State.REFUSED:
        return Rejected("A moderator did not accept this message.")
    if row.state == State.WITHDRAWN:
        return Rejected("You withdrew this message.")
    return Held("A moderator reviews this message before others see it.")


def check_waiting(acceptance: Acceptance) -> None:
    """Raise ``TooLate`` if the post is decided already, unless its author has appealed.

    The transaction must hold the author's inbox, as every decision does.
    """
    states = [State.WAITING, *([State.REFUSED] if acceptance.is_of_appeal else [])]
    if not HeldPost.objects.filter(pk=acceptance.case_id, state__in=states).exists():
        raise TooLate("Another moderator has already decided this.")


def accept(heads: Heads, acceptance: Acceptance, message: Message) -> None:
    """Close the case of a held post that has become a message."""
    row = HeldPost.objects.select_related("case", "room").get(pk=acceptance.case_id)
    decide(
        heads,
        row,
        State.ACCEPTED,
        actor_id=acceptance.actor_id,
        reason=acceptance.reason,
        message=message,
    )


def decide(
    heads: Heads,
    row: HeldPost,
    state: HeldPost.State,
    *,
    actor_id: int,
    reason: str,
    message: Message | None = None,
) -> None:
    """Store a decision, and log it."""
    is_accepted = state is State.ACCEPTED
    Case.objects.filter(pk=row.pk).update(
        status=Status.DISMISSED if is_accepted else Status.RESOLVED,
        closed_at=timezone.now(),
        closed_by_id=actor_id,
        reason=reason,
    )
    row.state = state
    save(heads, row)
    log(
        ModerationLog.Action.RELEASE if is_accepted else ModerationLog.Action.REFUSE,
        actor_id=actor_id,
        reason=reason,
        room=row.room,
        subject_id=row.author_id,
        message=message,
    )


def withdraw_held(*, actor_id: int, key: UUID) -> HeldPost:
    """Withdraw a post of the actor that waits. Its text is deleted: nobody else has to decide."""
    with changing(inbox(actor_id)) as heads:
        row = waiting(actor_id).select_related("case").filter(key=key).first()
        if row is None:
            raise NotFound("This message no longer waits for a moderator.")
        now = timezone.now()
        Case.objects.filter(pk=row.pk).update(
            status=Status.DISMISSED, closed_at=now, closed_by_id=actor_id, body="", released_at=now
        )
        row.state = State.WITHDRAWN
        save(heads, row)
    return row


def save(heads: Heads, row: HeldPost) -> None:
    """Store a held post as a row of its author's inbox."""
    mine = inbox(row.author_id)
    row.seq = heads.next(mine)
    row.save()
    heads.record(mine, payloads.held_post_event(row))


def waiting(author_id: int) -> "QuerySet[HeldPost]":
    return HeldPost.objects.filter(author=author_id, state=State.WAITING)


def forget(author_id: int) -> None:
    """Delete the held posts of an erased person, whose inbox nobody follows any more."""
    rows = HeldPost.objects.filter(author=author_id)
    cases, now = Case.objects.filter(pk__in=list(rows.values_list("pk", flat=True))), timezone.now()
    cases.filter(status=Status.OPEN).update(
        status=Status.RESOLVED, closed_at=now, closed_by=system_user()
    )
    cases.update(body="", author_name="", released_at=now)
    rows.delete()


def held_keys(texts: Iterable[tuple[Post, object]]) -> set[tuple[int, UUID]]:
    """Return the authors and keys of posts whose text a filter holds."""
    return {
        (post.author_id, post.key) for post, text in texts if isinstance(text, Text) and text.held
    }
