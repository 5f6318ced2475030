"""Cases of moderators. All open reports of a message are one case, with one decision.

If two moderators act on a case, the second one changes nothing and learns who was first.
"""

from collections.abc import Collection
from typing import Final

from django.utils import timezone

from chat import payloads, policies
from chat.errors import TooLate
from chat.models import REASON_MAX_LENGTH, Message, ModerationLog, Report, Room
from chat.notification_kinds import REPORT
from chat.queries import messages, people, rooms
from chat.services import notices
from chat.services.messages import mention_rows, withheld_text
from chat.services.messages.editing import notify_author, take_down
from chat.services.persistence import log, save_message, system_user
from notifications.payloads import inbox, person
from notifications.services import notify_many
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, Forbidden, NotFound

# Closed in one transaction, which locks the inboxes of the reporters for about 50 ms.
REPORTS_PER_TRANSACTION: Final = 200

Status = Report.Status
_ACTIONS: Final = {
    Status.RESOLVED: ModerationLog.Action.RESOLVE,
    Status.DISMISSED: ModerationLog.Action.DISMISS,
}


def decide(*, actor_id: int, message_id: int, status: str, reason: str = "") -> Message:
    """Close a case: ``resolved`` removes the message, ``dismissed`` keeps and shows it.

    The author and the reporters are notified. Raises ``TooLate`` if the case is closed already.
    Reports that do not fit in one transaction are closed in further ones.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    decision = next((known for known in _ACTIONS if known == status), None)
    if decision is None:
        raise BadRequest("status: expected one of {values}", values=", ".join(_ACTIONS))
    _check_site_moderator(actor_id)
    found = messages.message(message_id)
    # The system reports for filters, and needs no notification.
    is_first, system = True, system_user().pk
    while reporters := _waiting(message_id):
        with changing(
            payloads.stream(found.room_id), inbox(found.author_id), *map(inbox, reporters)
        ) as heads:
            rows = _locked(message_id, reporters)
            if not rows:
                continue
            message, room = messages.message(message_id), rooms.room(found.room_id)
            if is_first:
                _carry_out(
                    heads,
                    decision,
                    message,
                    room,
                    actor_id,
                    reason,
                    rows[0].category,
                )
                log(
                    _ACTIONS[decision],
                    actor_id=actor_id,
                    reason=reason,
                    room=room,
                    subject_id=message.author_id,
                    message=message,
                )
            _close(rows, decision, actor_id)
            notify_many(
                heads,
                [
                    notices.report_notice(message, room, row.reporter_id, REPORT, str(decision))
                    for row in rows
                    if row.reporter_id != system
                ],
            )
            is_first, found = False, message
    if is_first:
        raise _too_late(message_id)
    return found


def assign(*, actor_id: int, message_id: int, instead_of: int | None = None) -> None:
    """Take a case, or take it over from ``instead_of``.

    Raises ``TooLate`` if another moderator has it by now.
    """
    _check_site_moderator(actor_id)
    with changing():
        rows = _locked(message_id)
        holder = rows[0].assigned_to_id if rows else None
        if not rows:
            raise _too_late(message_id)
        if holder not in (None, actor_id, instead_of):
            raise TooLate(
                "{name} is already reviewing this case.",
                name=person(people.user(holder))["name"],
            )
        Report.objects.filter(pk__in=[row.pk for row in rows]).update(assigned_to_id=actor_id)


def release(*, actor_id: int, message_id: int) -> None:
    """Give back a case. The case of another moderator does not change."""
    _check_site_moderator(actor_id)
    with changing():
        mine = [row.pk for row in _locked(message_id) if row.assigned_to_id == actor_id]
        Report.objects.filter(pk__in=mine).update(assigned_to_id=None)


def hide_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Hide a message while moderators review it. Repeating it changes nothing."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    _check_site_moderator(actor_id)
    found = messages.message(message_id)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(message_id)
        if message.is_deleted:
            raise NotFound("This message was deleted.")
        if message.is_hidden:
            return message
        withheld_text.hide(message, actor_id=actor_id)
        save_message(heads, message)
        mention_rows.forget(message)
        _log_visibility(ModerationLog.Action.HIDE, message, actor_id, reason)
    return message


def show_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Show a hidden message again, unchanged. Repeating it changes nothing."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    _check_site_moderator(actor_id)
    found = messages.message(message_id)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(message_id)
        if not message.is_hidden:
            return message
        withheld_text.show(message)
        save_message(heads, message)
        mention_rows.note_again(message)
        _log_visibility(ModerationLog.Action.SHOW, message, actor_id, reason)
    return message


def _carry_out(
    heads: Heads,
    decision: Status,
    message: Message,
    room: Room,
    actor_id: int,
    reason: str,
    category: str,
) -> None:
    if decision is Status.RESOLVED and not message.is_deleted:
        take_down(heads, message, room, actor_id=actor_id, reason=reason, category=category)
    elif decision is Status.DISMISSED and message.is_hidden:
        withheld_text.show(message)
        save_message(heads, message)
        mention_rows.note_again(message)
        if message.author_id != actor_id:
            notify_author(heads, message, room, "show", actor_id=actor_id)


def _close(rows: Collection[Report], decision: Status, actor_id: int) -> None:
    chosen = Report.objects.filter(pk__in=[row.pk for row in rows])
    chosen.update(status=decision, closed_at=timezone.now(), closed_by_id=actor_id)


def _waiting(message_id: int) -> list[int]:
    rows = Report.objects.filter(message_id=message_id, status=Status.OPEN).order_by("pk")
    return list(rows.values_list("reporter_id", flat=True)[:REPORTS_PER_TRANSACTION])


def _locked(message_id: int, reporters: Collection[int] | None = None) -> list[Report]:
    """Return the open reports of a message, locked: all, or those of ``reporters``."""
    rows = (
        Report.objects.select_for_update()
        .filter(message_id=message_id, status=Status.OPEN)
        .order_by("pk")
    )
    return list(rows if reporters is None else rows.filter(reporter_id__in=reporters))


def _too_late(message_id: int) -> TooLate | NotFound:
    last = (
        Report.objects.filter(message_id=message_id, closed_at__isnull=False)
        .select_related("closed_by")
        .order_by("-closed_at")
        .first()
    )
    if last is None or last.closed_by is None:
        return NotFound("No one has reported this message.")
    name = person(last.closed_by)["name"]
    if last.status == Status.RESOLVED:
        return TooLate("{name} already closed this case and removed the message.", name=name)
    return TooLate("{name} already closed this case and kept the message.", name=name)


def _log_visibility(
    action: ModerationLog.Action, message: Message, actor_id: int, reason: str
) -> None:
    log(
        action,
        actor_id=actor_id,
        reason=reason,
        room=rooms.room(message.room_id),
        subject_id=message.author_id,
        message=message,
    )


def _check_site_moderator(actor_id: int) -> None:
    if not people.is_site_moderator(actor_id):
        raise Forbidden("Only site moderators can do that.")
