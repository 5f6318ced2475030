"""Reports by members and by filters. Decisions about reports are in ``cases``.

A report freezes the message as it is (``case_records``).
"""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext

from chat import payloads, policies
from chat.errors import AlreadyReported
from chat.models import NOTE_MAX_LENGTH, Message, Report
from chat.queries import messages
from chat.queries.moderation import reports
from chat.services.messages import notice_rows
from chat.services.messages.review import case_records, hiding, queueing
from chat.services.persistence import system_user
from chat.services.traces import note_texts
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, Forbidden, NotFound


def report(*, actor_id: int, message_id: int, category: str, note: str = "") -> Report:
    """Report a message that the actor can read. Only moderators see the reporter."""
    if category not in Report.Category.values:
        raise BadRequest(
            "category: expected one of {values}", values=", ".join(Report.Category.values)
        )
    note = policies.clean(note, name="note", limit=NOTE_MAX_LENGTH)
    message = messages.readable_message(message_id, actor_id)
    if message.author_id == actor_id:
        raise Forbidden("You can't report your own message. Edit or delete it instead.")
    # Under the lock of the room, so that a retention run does not remove the message meanwhile.
    with changing(payloads.stream(message.room_id)) as heads:
        message = messages.message(message_id)
        reports.check_number(actor_id)
        last = reports.last_report(message_id, actor_id)
        if last is not None and not _may_report_again(message, last):
            raise AlreadyReported("You've already reported this message.")
        now = timezone.now()
        if message.is_deleted and not reports.has_open_case(message_id):
            raise NotFound("This message was deleted.")
        case = case_records.open_case(message, now=now)
        queueing.count(case, [(actor_id, category)])
        found = Report.objects.create(
            message=message,
            author_id=message.author_id,
            reporter_id=actor_id,
            category=category,
            note=note,
            created_at=now,
            case=case,
        )
        note_texts([(message.author_id, case.body)])
        hiding.hide_if_many_reported(heads, message, case)
    if message.is_hidden:
        notice_rows.follow(message.room_id, [message.number])
    return found


def _may_report_again(message: Message, last: Report) -> bool:
    """Return whether a message was changed since a decision about the last report of it."""
    if last.closed_at is None or message.edited_at is None:
        return False
    return message.edited_at > last.closed_at


def flag(found: Sequence[tuple[Message, str]]) -> None:
    """Report messages as the system, in the transaction that posts them.

    Each pair is a message and a reason. A message with several reasons makes one report.
    """
    if not found:
        return
    now, reporter = timezone.now(), system_user()
    reasons: dict[int, list[str]] = {}
    for message, reason in found:
        reasons.setdefault(message.pk, []).append(reason)
    already = Report.objects.filter(
        message__in=reasons, reporter=reporter, status=Report.Status.OPEN
    )
    for message_id in already.values_list("message_id", flat=True):
        del reasons[message_id]
    by_id = {message.pk: message for message, _ in found}
    cases = {
        message_id: case_records.open_case(by_id[message_id], now=now) for message_id in reasons
    }
    for case in cases.values():
        queueing.count(case, [(reporter.pk, Report.Category.OTHER)])
    Report.objects.bulk_create(
        [
            Report(
                message_id=message_id,
                author_id=by_id[message_id].author_id,
                case=cases[message_id],
                reporter=reporter,
                category=Report.Category.OTHER,
                note=gettext("Found by: %(what)s")
                % {"what": ", ".join(each)[: NOTE_MAX_LENGTH - 20]},
                created_at=now,
            )
            for message_id, each in reasons.items()
        ],
        ignore_conflicts=True,
    )
