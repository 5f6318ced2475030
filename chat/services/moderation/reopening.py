"""Taking a decision back: the case is open again, and everyone who was notified learns it."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from chat import payloads, policies
from chat.errors import TooLate
from chat.models import REASON_MAX_LENGTH, Case, ModerationLog, RemovedText, Report
from chat.policies import Rank
from chat.queries import messages, rooms
from chat.services.messages import notice_rows
from chat.services.messages.editing import bring_back
from chat.services.messages.rendering import render_text
from chat.services.messages.review import case_answers, queueing
from chat.services.moderation import held_posts
from chat.services.persistence import log
from chat.services.rights import check_not_concerned, check_site_moderator
from chat.services.room_notices import Actor
from notifications.payloads import inbox
from realtime.core.heads import changing
from realtime.protocol.errors import Forbidden, NotFound

Status = Report.Status


def reopen(*, actor_id: int, case_id: int, reason: str = "") -> Case:
    """Open a decided case again. A message that was removed is restored, a refused post waits.

    The author and the reporters are notified, and the case is the actor's. Raises ``TooLate`` if
    the case is open, or if the message has another open case.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    check_site_moderator(actor_id)
    case = _decided(case_id, actor_id)
    if case.kind == Case.Kind.MESSAGE:
        _reopen_message(case, actor_id, reason)
    elif case.kind == Case.Kind.HELD:
        with changing(inbox(case.author_id)) as heads:
            held_posts.review_again(heads, case, actor_id=actor_id)
            _open_again(case, actor_id, reason)
    else:
        with changing():
            _open_again(case, actor_id, reason)
    case_answers.reopen_reports(case.pk)
    case.refresh_from_db()
    return case


def _decided(case_id: int, actor_id: int) -> Case:
    case = Case.objects.filter(pk=case_id).first()
    if case is None:
        raise NotFound("There is no such case.")
    check_not_concerned(case, actor_id)
    if case.kind == Case.Kind.APPEAL:
        raise Forbidden(
            "An appeal is decided once. Lift the ban or mute, or restore the message instead."
        )
    if case.released_at is not None:
        raise NotFound("This case is too old: what was reported is no longer kept.")
    return case


def _reopen_message(case: Case, actor_id: int, reason: str) -> None:
    assert case.message_id is not None
    found = messages.message(case.message_id)
    # Rendered before any lock.
    kept = RemovedText.objects.filter(message=found).first()
    text = render_text(found.author_id, rooms.room(found.room_id), kept.body) if kept else None
    with changing(payloads.stream(found.room_id), inbox(found.author_id)) as heads:
        message, room = messages.message(found.pk), rooms.room(found.room_id)
        was_removed = case.status == Status.RESOLVED
        _open_again(case, actor_id, reason)
        removed = RemovedText.objects.filter(message=message).first()
        if was_removed and removed is not None and text is not None:
            actor = Actor(actor_id, Rank.SITE)
            bring_back(heads, message, room, removed, text, actor=actor)
    notice_rows.follow(message.room_id, [message.number])


def _open_again(case: Case, actor_id: int, reason: str) -> None:
    locked = Case.objects.select_for_update().get(pk=case.pk)
    others = Case.objects.filter(status=Status.OPEN, kind=locked.kind, message=locked.message_id)
    if locked.kind != Case.Kind.MESSAGE:
        others = others.filter(author=locked.author_id, room=locked.room_id)
    if locked.is_open or (locked.kind != Case.Kind.HELD and others.exists()):
        raise TooLate("This case is open already.")
    locked.status, locked.closed_at, locked.closed_by, locked.reason = Status.OPEN, None, None, ""
    locked.reopened_at = timezone.now()
    locked.assigned_to_id = actor_id
    locked.claimed_until = locked.reopened_at + timedelta(minutes=settings.HOLDFAST_CLAIM_MINUTES)
    locked.save()
    queueing.place(locked)
    log(
        ModerationLog.Action.REOPEN,
        actor_id=actor_id,
        reason=reason,
        room=locked.room,
        subject_id=locked.author_id,
        message=locked.message,
    )
