"""Cases of moderators. All open reports of a message belong to one case, with one decision.

If two moderators act on a case, the second one changes nothing and learns who was first.
"""

from typing import Final

from django.utils import timezone

from chat import payloads, policies
from chat.errors import TooLate
from chat.models import REASON_MAX_LENGTH, Case, Message, ModerationLog, Report, Room
from chat.policies import Rank
from chat.queries import messages, rooms
from chat.queries.moderation.reports import is_message_reported
from chat.services.messages import mention_rows, notice_rows
from chat.services.messages.editing import notify_author, take_down
from chat.services.messages.review import closing, hiding, withheld_text
from chat.services.moderation import claims, held_posts
from chat.services.persistence import log, save_message, system_user
from chat.services.rights import check_not_author, check_not_concerned, check_site_moderator
from chat.services.room_notices import Actor
from notifications.payloads import inbox
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, NotFound

Status = Report.Status
_ACTIONS: Final = {
    Status.RESOLVED: ModerationLog.Action.RESOLVE,
    Status.DISMISSED: ModerationLog.Action.DISMISS,
}


def decide(
    *,
    actor_id: int,
    message_id: int,
    status: str,
    reason: str = "",
    instead_of: int | None = None,
    is_abusive: bool = False,
) -> Message:
    """Close the case of a message: ``resolved`` removes the message, ``dismissed`` keeps it.

    The author and the reporters are notified. ``is_abusive`` notes in the reporters' records that
    the reports were. Raises ``TooLate`` if the case is closed already, or if another moderator than
    ``instead_of`` reviews it.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    decision = _decision(status)
    check_site_moderator(actor_id)
    found = messages.message(message_id)
    check_not_author(found, actor_id)
    reporters = closing.reporters_of([message_id])
    with changing(
        payloads.stream(found.room_id), inbox(found.author_id), *map(inbox, reporters)
    ) as heads:
        message, room = messages.message(message_id), rooms.room(found.room_id)
        case = closing.locked_cases([message]).get(message.pk)
        if case is None:
            raise _too_late(message_id)
        claims.check_holder(case, actor_id, instead_of)
        if decision is Status.RESOLVED and not message.is_deleted:
            actor = Actor(actor_id, Rank.SITE)
            take_down(heads, message, room, actor=actor, reason=reason, reporters=reporters)
        else:
            _show_again(heads, message, room, actor_id)
            closing.close(
                heads,
                [message],
                {room.pk: room},
                decision,
                actor_id=actor_id,
                reason=reason,
                reporters=reporters,
            )
            log(
                _ACTIONS[decision],
                actor_id=actor_id,
                reason=reason,
                room=room,
                subject_id=message.author_id,
                message=message,
            )
        if is_abusive and decision is Status.DISMISSED:
            _mark_abusive(case)
    closing.close_rest([message_id])
    notice_rows.follow(message.room_id, [message.number])
    return message


def close_case(
    *,
    actor_id: int,
    case_id: int,
    status: str,
    reason: str = "",
    instead_of: int | None = None,
    is_abusive: bool = False,
) -> None:
    """Close any case but an appeal. The reporters of a person or a room are notified.

    ``resolved`` removes a message and refuses a held one; of a person or a room, it says that
    moderators have acted.
    """
    case = Case.objects.filter(pk=case_id).first()
    if case is None or not case.is_open:
        raise claims.too_late(case_id)
    if case.kind == Case.Kind.APPEAL:
        raise BadRequest("case: expected no appeal. Open it to decide it.")
    if case.message_id is not None:
        decide(
            actor_id=actor_id,
            message_id=case.message_id,
            status=status,
            reason=reason,
            instead_of=instead_of,
            is_abusive=is_abusive,
        )
        return
    decision = _decision(status)
    if case.kind == Case.Kind.HELD:
        is_accepted = decision is Status.DISMISSED
        held_posts.decide_held(
            actor_id=actor_id,
            case_id=case_id,
            is_accepted=is_accepted,
            reason=reason,
            instead_of=instead_of,
        )
        return
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    check_site_moderator(actor_id)
    check_not_concerned(case, actor_id)
    with changing():
        case = Case.objects.select_for_update().get(pk=case_id)
        if not case.is_open:
            raise claims.too_late(case_id)
        claims.check_holder(case, actor_id, instead_of)
        Case.objects.filter(pk=case_id).update(
            status=decision, closed_at=timezone.now(), closed_by_id=actor_id, reason=reason
        )
        log(
            _ACTIONS[decision],
            actor_id=actor_id,
            reason=reason,
            room=case.room,
            subject_id=case.author_id,
        )
        if is_abusive and decision is Status.DISMISSED:
            _mark_abusive(case)
    closing.close_rest(case_id=case_id)


def hide_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Hide a message while moderators review it. Repeating it changes nothing."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    check_site_moderator(actor_id)
    found = messages.message(message_id)
    if rooms.room(found.room_id).is_direct and not is_message_reported(message_id):
        raise policies.no_such_message()
    check_not_author(found, actor_id)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(message_id)
        if message.is_deleted:
            raise NotFound("This message was deleted.")
        if message.is_hidden:
            return message
        hiding.hide(heads, message, actor_id=actor_id, reason=reason)
    notice_rows.follow(message.room_id, [message.number])
    return message


def show_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Show a hidden message again, unchanged. Repeating it changes nothing."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    check_site_moderator(actor_id)
    found = messages.message(message_id)
    check_not_author(found, actor_id)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(message_id)
        if not message.is_hidden:
            return message
        hiding.show(heads, message, actor_id=actor_id, reason=reason)
    notice_rows.follow(message.room_id, [message.number])
    return message


def _show_again(heads: Heads, message: Message, room: Room, actor_id: int) -> None:
    """Show a message that was hidden during the review."""
    if not message.is_hidden:
        return
    withheld_text.show(message)
    save_message(heads, message)
    mention_rows.note_again(message)
    notify_author(heads, message, room, "show", actor=Actor(actor_id, Rank.SITE))


def _too_late(message_id: int) -> TooLate | NotFound:
    closed = Case.objects.filter(message_id=message_id, closed_at__isnull=False)
    last = closed.order_by("-pk").values_list("pk", flat=True).first()
    return NotFound("No one has reported this message.") if last is None else claims.too_late(last)


def _decision(status: str) -> Status:
    decision = next((known for known in _ACTIONS if known == status), None)
    if decision is None:
        raise BadRequest("status: expected one of {values}", values=", ".join(_ACTIONS))
    return decision


def _mark_abusive(case: Case) -> None:
    """Note in the record of the reporters that these reports were abusive."""
    Report.objects.filter(case=case).exclude(reporter=system_user()).update(is_abusive=True)
