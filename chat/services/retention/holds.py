"""The end of holds: a case loses the texts of its message when nobody can appeal any more.

Until then it stays, also if the author deletes the message or is erased. Every step finds its work
from the rows themselves, so a run can stop anywhere, and two at once do no harm.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from chat import payloads
from chat.models import Appeal, Bulk, Case, Message, Report, Revision
from chat.queries import messages
from chat.services.messages.review import case_records, queueing
from chat.services.moderation.bulk import erase_again
from realtime.core.heads import changing
from realtime.protocol.errors import NotFound

CASES_PER_TRANSACTION: Final = 100


def cutoff(now: datetime) -> datetime:
    """Return the time before which a case was closed if nobody can appeal any more."""
    return now - timedelta(days=settings.HOLDFAST_APPEAL_DAYS)


def count_ended(now: datetime) -> int:
    """Return how many holds ``end_batch`` would end."""
    return _ended(now).count()


def end_batch(now: datetime) -> tuple[int, int | None]:
    """End holds whose time has passed. Returns how many, and None when none is left.

    The erasure of an author that went on around a hold is finished here.
    """
    found = list(_ended(now).order_by("closed_at")[:CASES_PER_TRANSACTION])
    by_room: dict[int | None, list[Case]] = {}
    for case in found:
        by_room.setdefault(case.room_id, []).append(case)
    for room_id, cases in by_room.items():
        ids = [case.pk for case in cases]
        with changing(*([payloads.stream(room_id)] if room_id else [])):
            Revision.objects.filter(case__in=ids).delete()
            Appeal.objects.filter(case__in=ids).update(text="")
            Case.objects.filter(pk__in=ids).update(body="", author_name="", released_at=now)
        if room_id is not None:
            _finish_erasures(room_id, cases)
    return len(found), 0 if len(found) == CASES_PER_TRANSACTION else None


def adopt_batch(now: datetime) -> tuple[int, int | None]:
    """Give reports a case that a node of the version before has made without one."""
    rows = Report.objects.filter(case=None).order_by("pk")
    found = list(rows.values_list("pk", "message_id")[:CASES_PER_TRANSACTION])
    for report_id, message_id in found:
        try:
            message = messages.message(message_id)
        except NotFound:
            continue
        with changing(payloads.stream(message.room_id)):
            report = Report.objects.get(pk=report_id)
            case = (
                case_records.open_case(message, now=now)
                if report.status == Report.Status.OPEN
                else _closed_case(report, message)
            )
            if report.case_id is None and case.is_open:
                queueing.count(case, [(report.reporter_id, report.category)])
            report.case, report.author_id = case, message.author_id
            report.save(update_fields=["case", "author"])
    return len(found), 0 if len(found) == CASES_PER_TRANSACTION else None


def close_abandoned(now: datetime) -> int:
    """Close cases whose reports a node of the version before has closed. Returns how many."""
    is_open = Report.objects.filter(case=OuterRef("pk"), status=Report.Status.OPEN)
    rows = Case.objects.filter(~Exists(is_open), status=Report.Status.OPEN, kind=Case.Kind.MESSAGE)
    found = list(rows.order_by("pk")[:CASES_PER_TRANSACTION])
    for case in found:
        assert case.room_id is not None
        with changing(payloads.stream(case.room_id)):
            last = Report.objects.filter(case=case).order_by("-closed_at").first()
            rows.filter(pk=case.pk).update(
                status=last.status if last else Report.Status.DISMISSED,
                closed_at=last.closed_at if last else now,
                closed_by=last.closed_by if last else None,
            )
    return len(found)


def _ended(now: datetime) -> "QuerySet[Case]":
    """Return the cases whose time has passed, unless an appeal about them is still open."""
    appeals = Appeal.objects.filter(case__status=Report.Status.OPEN)
    about_message = appeals.filter(message=OuterRef("message"))
    about_held = appeals.filter(held=OuterRef("pk"))
    rows = Case.objects.filter(released_at=None, closed_at__lt=cutoff(now))
    return rows.exclude(Exists(about_message) | Exists(about_held))


def _closed_case(report: Report, message: Message) -> Case:
    """Return the case of a report that was closed by a node of the version before."""
    open_or_closed = Case.objects.filter(message_id=message.pk).order_by("-pk").first()
    return open_or_closed or Case.objects.create(
        message_id=message.pk,
        author_id=message.author_id,
        room_id=message.room_id,
        status=report.status,
        opened_at=report.created_at,
        closed_at=report.closed_at,
        closed_by_id=report.closed_by_id,
        body=case_records.current_text(message),
        author_name=case_records.author_name(message.author),
        written_at=message.edited_at or message.created_at,
    )


def _finish_erasures(room_id: int, cases: list[Case]) -> None:
    authors = {case.author_id for case in cases}
    erased = Bulk.objects.filter(act=Bulk.Act.ERASE, author_id__in=authors)
    for author_id in set(erased.values_list("author_id", flat=True)):
        ids = {
            case.message_id
            for case in cases
            if case.author_id == author_id and case.message_id is not None
        }
        erase_again(
            author_id=author_id,
            room_id=room_id,
            message_ids=sorted(ids - case_records.held_messages(ids)),
        )
