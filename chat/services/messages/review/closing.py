"""Closing the cases of messages, wherever the decision is made.

A case is closed in the transaction that removes or keeps its message. The reports of it are closed
in the same transaction, as far as their reporters fit in it, and the rest right after it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from django.utils import timezone

from chat.models import Case, Message, Report, Room
from chat.notification_kinds import REPORT, REPORT_GONE
from chat.services import notices
from chat.services.messages.review import case_records
from chat.services.persistence import system_user
from notifications.payloads import inbox
from notifications.services import Notice, notify_many
from realtime.core.heads import Heads, changing

# Closed in one transaction, which locks the inboxes of the reporters for about 50 ms.
REPORTS_PER_TRANSACTION: Final = 200

Status = Report.Status
# For the reporters of a person or a room.
ACTED, NO_ACTION = "acted", "no_action"


def reporters_of(message_ids: Collection[int]) -> list[int]:
    """Return reporters of open reports, whose inboxes the transaction that closes them locks."""
    rows = Report.objects.filter(message_id__in=message_ids, status=Status.OPEN).order_by("pk")
    return list(rows.values_list("reporter_id", flat=True)[:REPORTS_PER_TRANSACTION])


def locked_cases(messages: Sequence[Message]) -> dict[int, Case]:
    """Return the open cases of messages, locked, by message.

    Reports that a node of the version before has made without a case get one now.
    """
    ids = [message.pk for message in messages]
    reports = Report.objects.filter(message_id__in=ids, status=Status.OPEN, case=None)
    loose = set(reports.values_list("message_id", flat=True))
    for message in messages:
        if message.pk in loose:
            case = case_records.open_case(message, now=timezone.now())
            reports.filter(message=message).update(case=case, author_id=message.author_id)
    rows = Case.objects.select_for_update().filter(message_id__in=ids, status=Status.OPEN)
    return {case.message_id: case for case in rows.order_by("pk") if case.message_id}


def close(
    heads: Heads,
    messages: Sequence[Message],
    rooms: Mapping[int, Room],
    decision: Status,
    *,
    actor_id: int,
    reason: str,
    reporters: Collection[int],
) -> dict[int, str]:
    """Close the open cases of these messages and notify the reporters whose inboxes are locked.

    Returns the category of the first report of each closed case, by message. ``close_rest`` closes
    the other reports after the commit.
    """
    cases = locked_cases(messages)
    if not cases:
        return {}
    chosen = Case.objects.filter(pk__in=[case.pk for case in cases.values()])
    chosen.update(status=decision, closed_at=timezone.now(), closed_by_id=actor_id, reason=reason)
    rows = Report.objects.select_for_update().filter(
        message_id__in=cases, status=Status.OPEN, reporter_id__in=reporters
    )
    found = list(rows.order_by("pk"))
    _answer(heads, found, {row.pk: row for row in messages}, rooms, decision, actor_id)
    first: dict[int, str] = {}
    categories = Report.objects.filter(case__in=cases.values()).order_by("pk")
    for message_id, category in categories.values_list("message_id", "category"):
        first.setdefault(message_id, category)
    return {message_id: first.get(message_id, "") for message_id in cases}


def close_rest(message_ids: Collection[int] | None = None, *, case_id: int | None = None) -> int:
    """Close the open reports of closed cases, as their cases were. Returns how many there were.

    Of these messages, of one case, or of all: then it finishes what a process that died has left.
    """
    rows = Report.objects.filter(status=Status.OPEN, case__closed_at__isnull=False)
    if case_id is not None:
        rows = rows.filter(case=case_id)
    if message_ids is not None:
        rows = rows.filter(message_id__in=message_ids)
    total = 0
    while found := list(
        rows.order_by("pk").values_list("pk", "reporter_id")[:REPORTS_PER_TRANSACTION]
    ):
        with changing(*{inbox(reporter_id) for _, reporter_id in found}) as heads:
            locked = rows.select_for_update(of=("self",)).filter(pk__in=[pk for pk, _ in found])
            for row in locked.select_related("case", "message__room").order_by("pk"):
                assert row.case is not None
                assert row.case.closed_by_id is not None
                message = row.message
                _answer(
                    heads,
                    [row],
                    {message.pk: message} if message else {},
                    {message.room_id: message.room} if message else {},
                    Status(row.case.status),
                    row.case.closed_by_id,
                )
        total += len(found)
    return total


def _answer(
    heads: Heads,
    rows: Sequence[Report],
    messages: Mapping[int, Message],
    rooms: Mapping[int, Room],
    decision: Status,
    actor_id: int,
) -> None:
    """Mark reports as closed and notify the reporters; the system reports for filters."""
    chosen = Report.objects.filter(pk__in=[row.pk for row in rows])
    chosen.update(status=decision, closed_at=timezone.now(), closed_by_id=actor_id)
    system = system_user().pk
    found = [
        _notice(row, messages.get(row.message_id or 0), rooms, decision)
        for row in rows
        if row.reporter_id != system
    ]
    if found:
        notify_many(heads, found)


def _notice(
    row: Report, message: Message | None, rooms: Mapping[int, Room], decision: Status
) -> Notice:
    if message is None:
        acted = decision is Status.RESOLVED
        outcome = ACTED if acted else NO_ACTION
        return notices.report_notice(None, None, row.reporter_id, REPORT, outcome)
    is_gone = decision is Status.DISMISSED and message.is_deleted
    outcome = REPORT_GONE if is_gone else str(decision)
    return notices.report_notice(message, rooms[message.room_id], row.reporter_id, REPORT, outcome)
