"""Reports by members and by filters. Decisions about reports are in ``cases``."""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext

from chat import payloads, policies
from chat.errors import AlreadyReported
from chat.models import NOTE_MAX_LENGTH, Message, Report
from chat.queries import messages, reports
from chat.services.persistence import system_user
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, Forbidden


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
    with changing(payloads.stream(message.room_id)):
        message = messages.message(message_id)
        if reports.count_open_reports(actor_id) >= reports.MAX_OPEN_REPORTS:
            raise Forbidden(
                "You have {count} open reports, the most allowed."
                " Wait until a moderator has reviewed some.",
                count=reports.MAX_OPEN_REPORTS,
            )
        row, made = Report.objects.get_or_create(
            message=message,
            reporter_id=actor_id,
            defaults={
                "category": category,
                "note": note,
                "created_at": timezone.now(),
                "assigned_to_id": reports.reviewer_id(message_id),
            },
        )
    if not made:
        raise AlreadyReported("You've already reported this message.")
    return row


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
    Report.objects.bulk_create(
        [
            Report(
                message_id=message_id,
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
