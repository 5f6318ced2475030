"""Appeals: a user asks once that another moderator reviews a decision about them."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from chat import policies
from chat.errors import AlreadyReported
from chat.models import (
    APPEAL_MAX_LENGTH,
    REASON_MAX_LENGTH,
    Appeal,
    Case,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Room,
)
from chat.moderation import site_bans
from chat.queries import appeals, messages, people, queue
from chat.services import notices
from chat.services.messages.editing import restore_message
from chat.services.messages.review import case_records, queueing
from chat.services.moderation import claims, room_actions
from chat.services.moderation.held_posts import accept_on_appeal
from chat.services.moderation.site_actions import site_mute, site_unban
from chat.services.persistence import log
from chat.services.rights import check_not_concerned, check_site_moderator
from notifications.payloads import inbox
from notifications.services import notify
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, NotFound

Status = Report.Status


def appeal_removal(*, actor_id: int, message_id: int, text: str) -> Appeal:
    """Appeal against the removal of the actor's message by a moderator."""
    text = _clean(text)
    message = messages.message(message_id)
    removed = RemovedText.objects.filter(pk=message_id).first()
    if message.author_id != actor_id or removed is None:
        raise NotFound("There is no decision about you that you can appeal.")
    _check_in_time(removed.removed_at)
    return _file(
        actor_id,
        text,
        room=message.room,
        message=message,
        decided_by_id=removed.removed_by_id,
        decided_at=removed.removed_at,
    )


def appeal_refusal(*, actor_id: int, case_id: int, text: str) -> Appeal:
    """Appeal against the refusal of the actor's held message."""
    text = _clean(text)
    refusal = appeals.refusal_of(actor_id, case_id)
    if refusal is None:
        raise NotFound("There is no decision about you that you can appeal.")
    _check_in_time(refusal.decided_at)
    return _file(
        actor_id,
        text,
        room=refusal.room,
        held_id=case_id,
        decided_by_id=refusal.decided_by_id,
        decided_at=refusal.decided_at,
    )


def appeal_room_mute(*, actor_id: int, room_id: int, text: str) -> Appeal:
    """Appeal against the actor's mute in a room, while it lasts."""
    text = _clean(text)
    mute = appeals.room_mute_of(actor_id, room_id)
    if mute is None:
        raise NotFound("There is no decision about you that you can appeal.")
    return _file(
        actor_id,
        text,
        room=mute.room,
        muted_id=actor_id,
        decided_by_id=mute.decided_by_id,
        decided_at=mute.decided_at,
    )


def appeal_ban(*, actor_id: int, text: str) -> Appeal:
    """Appeal against the actor's ban from the site."""
    text = _clean(text)
    ban = site_bans.current_ban(actor_id)
    if ban is None:
        raise NotFound("There is no decision about you that you can appeal.")
    _check_in_time(ban.created_at)
    return _file(
        actor_id, text, ban=ban, decided_by_id=ban.created_by_id, decided_at=ban.created_at
    )


def appeal_mute(*, actor_id: int, text: str) -> Appeal:
    """Appeal against the actor's mute in all rooms, by a moderator or by a filter."""
    text = _clean(text)
    mute = people.site_mute(actor_id)
    if mute is None or mute.until is None or mute.until <= timezone.now():
        raise NotFound("There is no decision about you that you can appeal.")
    return _file(
        actor_id,
        text,
        muted_id=actor_id,
        decided_by_id=mute.created_by_id,
        decided_at=mute.created_at,
    )


def decide_appeal(
    *,
    actor_id: int,
    case_id: int,
    is_accepted: bool,
    answer: str,
    instead_of: int | None = None,
) -> None:
    """Answer an appeal. Accepted, the decision is taken back first.

    The message is restored or posted, or the ban or mute lifted.

    Neither the appellant nor the moderator who made the decision may do it.
    """
    answer = policies.clean(answer, name="answer", limit=REASON_MAX_LENGTH, required=True)
    check_site_moderator(actor_id)
    appeal = Appeal.objects.select_related("case", "ban").filter(pk=case_id).first()
    if appeal is None or not appeal.case.is_open:
        raise claims.too_late(case_id)
    check_not_concerned(appeal.case, actor_id)
    claims.check_holder(appeal.case, actor_id, instead_of)
    if is_accepted:
        _undo(appeal, actor_id, answer)
    with changing(inbox(appeal.case.author_id)) as heads:
        case = Case.objects.select_for_update().get(pk=case_id)
        if not case.is_open:
            raise claims.too_late(case_id)
        case.status = Status.RESOLVED if is_accepted else Status.DISMISSED
        case.closed_at, case.closed_by_id, case.reason = timezone.now(), actor_id, answer
        case.save(update_fields=["status", "closed_at", "closed_by", "reason"])
        outcome = "accepted" if is_accepted else "rejected"
        log(
            ModerationLog.Action.APPEAL,
            actor_id=actor_id,
            reason=answer,
            room=case.room,
            subject_id=case.author_id,
            message=Message.objects.filter(pk=appeal.message_id or 0).first(),
            details={"outcome": outcome},
        )
        notice = notices.moderation_notice(
            case.author_id,
            f"appeal_{outcome}",
            actor_id=actor_id,
            reason=answer,
            level="success" if is_accepted else "info",
        )
        notify(heads, notice)


def _undo(appeal: Appeal, actor_id: int, answer: str) -> None:
    """Take the decision back, unless someone has done it already."""
    try:
        if appeal.message_id is not None:
            restore_message(actor_id=actor_id, message_id=appeal.message_id, reason=answer)
        elif appeal.held_id is not None:
            accept_on_appeal(actor_id=actor_id, case_id=appeal.held_id, reason=answer)
        elif appeal.muted_id is not None and appeal.case.room_id is not None:
            _unmute_in_room(appeal, appeal.case.room_id, actor_id, answer)
        elif appeal.muted_id is not None:
            mute = people.site_mute(appeal.muted_id)
            if mute is not None and mute.created_at == appeal.decided_at:  # not a later one
                site_mute(actor_id=actor_id, user_id=appeal.muted_id, seconds=0, reason=answer)
        else:
            site_unban(actor_id=actor_id, user_id=appeal.case.author_id, reason=answer)
    except NotFound:
        return


def _unmute_in_room(appeal: Appeal, room_id: int, actor_id: int, answer: str) -> None:
    mute = appeals.room_mute_of(appeal.case.author_id, room_id)
    if mute is not None and mute.decided_at == appeal.decided_at:  # not a later one
        room_actions.mute(
            actor_id=actor_id,
            room_id=room_id,
            user_id=appeal.case.author_id,
            seconds=0,
            reason=answer,
        )


def _file(
    actor_id: int,
    text: str,
    *,
    decided_by_id: int,
    decided_at: datetime,
    room: Room | None = None,
    **about: object,
) -> Appeal:
    now = timezone.now()
    try:
        with changing():
            case = Case.objects.create(
                kind=Case.Kind.APPEAL,
                author_id=actor_id,
                room=room,
                opened_at=now,
                written_at=now,
                body=text,
                author_name="",
                severity=queue.APPEAL_SEVERITY,
                times=1,
                weight=1,
            )
            case.author_name = case_records.author_name(case.author)
            case.save(update_fields=["author_name"])
            queueing.place(case)
            return Appeal.objects.create(
                case=case,
                text=text,
                decided_by_id=decided_by_id,
                decided_at=decided_at,
                **about,
            )
    except IntegrityError as error:
        raise AlreadyReported("You have already appealed this decision.") from error


def _clean(text: str) -> str:
    policies.check_is_text(text, name="text")
    text = text.strip()
    if not text or len(text) > APPEAL_MAX_LENGTH:
        raise BadRequest(
            "text: expected 1 to {limit} characters, got {count}",
            limit=APPEAL_MAX_LENGTH,
            count=len(text),
        )
    return text


def _check_in_time(decided_at: datetime) -> None:
    days: int = settings.HOLDFAST_APPEAL_DAYS
    if decided_at + timedelta(days=days) < timezone.now():
        raise NotFound("The {days} days in which you could appeal are over.", days=days)
