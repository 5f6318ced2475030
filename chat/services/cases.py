"""Cases: what moderators do about a reported message. All open reports of a message are one case, assigned and decided together.

Two moderators may look at the same case. Whoever comes second changes nothing and is told who was first.
"""

from collections.abc import Collection
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import override

from chat import payloads, policies
from chat.errors import TooLate
from chat.models import REASON_MAX_LENGTH, Message, ModerationLog, Report, Room
from chat.queries import messages, people, rooms
from chat.services import mention_rows, recipients, withheld_text
from chat.services.editing import take_down, tell_author
from chat.services.persistence import log, save_message, system_user
from notifications.payloads import inbox, person
from notifications.services import Notice, notify_many
from realtime.core.heads import Heads, changing
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from realtime.site import languages

# Whose reporters are told together: so many inboxes are locked, some 50 ms.
REPORTS_PER_TRANSACTION: Final = 200
REPORT_KIND: Final = "report"  # of the notifications to those who reported

Status = Report.Status
_ACTIONS: Final = {
    Status.RESOLVED: ModerationLog.Action.RESOLVE,
    Status.DISMISSED: ModerationLog.Action.DISMISS,
}
_OUTCOMES: Final = {
    Status.RESOLVED: "the message was removed",
    Status.DISMISSED: "the message stays",
}


def decide(*, actor_id: int, message_id: int, status: str, reason: str = "") -> Message:
    """Close the case about a message: ``resolved`` removes it, ``dismissed`` lets it stand and shows it again where it was hidden.

    Author and reporters are told in their inboxes. Raises ``TooLate`` where the case is decided already. More reports than
    one transaction takes are closed in further ones.
    """
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    decision = next((known for known in _ACTIONS if known == status), None)
    if decision is None:
        raise BadRequest("status: expected one of {values}", values=", ".join(_ACTIONS))
    _check_site_moderator(actor_id)
    found = messages.message(message_id)
    is_first, system = True, system_user().pk  # which reports what filters find, and reads no inbox
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
                    reason or _category(rows, message.author_id),
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
                    _outcome(row, room, message, decision)
                    for row in rows
                    if row.reporter_id != system
                ],
            )
            is_first, found = False, message
    if is_first:
        raise _too_late(message_id)
    return found


def assign(*, actor_id: int, message_id: int, instead_of: int | None = None) -> None:
    """Take a case, or take it over from ``instead_of``. Raises ``TooLate`` where somebody else has it by now."""
    _check_site_moderator(actor_id)
    with changing():
        rows = _locked(message_id)
        holder = rows[0].assigned_to_id if rows else None
        if not rows:
            raise _too_late(message_id)
        if holder not in (None, actor_id, instead_of):
            raise TooLate(
                "{name} was first and looks at this case.",
                name=person(people.user(holder))["name"],
            )
        Report.objects.filter(pk__in=[row.pk for row in rows]).update(assigned_to_id=actor_id)


def release(*, actor_id: int, message_id: int) -> None:
    """Give a case back, for others to take. One that is somebody else's stays so."""
    _check_site_moderator(actor_id)
    with changing():
        mine = [row.pk for row in _locked(message_id) if row.assigned_to_id == actor_id]
        Report.objects.filter(pk__in=mine).update(assigned_to_id=None)


def hide_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Let nobody read a message while moderators look at it. A repeat changes nothing."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    _check_site_moderator(actor_id)
    found = messages.message(message_id)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(message_id)
        if message.is_deleted:
            raise NotFound("This message is deleted.")
        if message.is_hidden:
            return message
        withheld_text.hold(message, actor_id=actor_id)
        save_message(heads, message)
        mention_rows.forget(message)
        _log_visibility(ModerationLog.Action.HIDE, message, actor_id, reason)
    return message


def show_message(*, actor_id: int, message_id: int, reason: str = "") -> Message:
    """Let everybody read a hidden message again, as it was. A repeat changes nothing."""
    reason = policies.clean(reason, name="reason", limit=REASON_MAX_LENGTH)
    _check_site_moderator(actor_id)
    found = messages.message(message_id)
    with changing(payloads.stream(found.room_id)) as heads:
        message = messages.message(message_id)
        if not message.is_hidden:
            return message
        withheld_text.give_back(message)
        save_message(heads, message)
        mention_rows.note_again(message)
        _log_visibility(ModerationLog.Action.SHOW, message, actor_id, reason)
    return message


def _carry_out(
    heads: Heads, decision: Status, message: Message, room: Room, actor_id: int, reason: str
) -> None:
    if decision is Status.RESOLVED and not message.is_deleted:
        take_down(heads, message, room, actor_id=actor_id, reason=reason)
    elif decision is Status.DISMISSED and message.is_hidden:
        withheld_text.give_back(message)
        save_message(heads, message)
        mention_rows.note_again(message)
        if message.author_id != actor_id:
            tell_author(
                heads,
                message,
                room,
                actor_id,
                "looked at your message and shows it again",
                "",
                level="info",
            )


def _close(rows: Collection[Report], decision: Status, actor_id: int) -> None:
    chosen = Report.objects.filter(pk__in=[row.pk for row in rows])
    chosen.update(status=decision, closed_at=timezone.now(), closed_by_id=actor_id)


def _outcome(row: Report, room: Room, message: Message, decision: Status) -> Notice:
    """Make what a reporter is told. It names neither the moderator nor the author, and holds no word of the message."""
    title = f"Thank you for your report; {_OUTCOMES[decision]}."
    return Notice(
        user_id=row.reporter_id,
        kind=REPORT_KIND,
        title=title,
        url=recipients.permalink(room, message),
    )


def _category(rows: Collection[Report], author_id: int) -> str:
    """Return what an author reads where a moderator gave no reason: in the author's language, not the moderator's."""
    with override(languages.remembered(author_id) or settings.LANGUAGE_CODE):
        return str(next(iter(rows)).get_category_display())


def _waiting(message_id: int) -> list[int]:
    rows = Report.objects.filter(message_id=message_id, status=Status.OPEN).order_by("pk")
    return list(rows.values_list("reporter_id", flat=True)[:REPORTS_PER_TRANSACTION])


def _locked(message_id: int, reporters: Collection[int] | None = None) -> list[Report]:
    """Return the open reports of a message, locked; only those of ``reporters``, whose inboxes are."""
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
        return NotFound("Nobody has reported this message.")
    name = person(last.closed_by)["name"]
    if last.status == Status.RESOLVED:
        return TooLate("{name} was first: the message was removed.", name=name)
    return TooLate("{name} was first: the message stays.", name=name)


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
        raise Forbidden("Only moderators of the site may do that.")
