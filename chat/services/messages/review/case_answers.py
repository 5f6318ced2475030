"""Notifies the reporters of a case when its decision is changed.

Each step takes the reports that fit in one transaction, and finds its work from the rows.
"""

from collections.abc import Collection

from django.db.models import QuerySet
from django.utils import timezone

from chat.models import Case, Report
from chat.notification_kinds import REPORT
from chat.services import notices
from chat.services.messages.review.closing import REPORTS_PER_TRANSACTION
from chat.services.persistence import system_user
from notifications.payloads import inbox
from notifications.services import notify_many
from realtime.core.heads import changing

Status = Report.Status
# Outcomes for reporters, beside those of the decisions.
REOPENED, RESTORED = "reopened", "restored"


def reopen_reports(case_id: int) -> None:
    """Open the reports of a case that is open again."""
    closed = Report.objects.filter(case=case_id, case__status=Status.OPEN)
    _change(closed.exclude(status=Status.OPEN), Status.OPEN, REOPENED, None)


def keep_after_all(message_ids: Collection[int], *, actor_id: int) -> None:
    """Change the decision of cases whose message was restored: it was kept."""
    removed = Case.objects.filter(
        message__in=message_ids, status=Status.RESOLVED, message__deleted_at=None
    )
    ids = list(removed.values_list("pk", flat=True))
    with changing():
        Case.objects.filter(pk__in=ids, status=Status.RESOLVED).update(
            status=Status.DISMISSED, closed_at=timezone.now(), closed_by_id=actor_id
        )
    reports = Report.objects.filter(case__in=ids, status=Status.RESOLVED)
    _change(reports, Status.DISMISSED, RESTORED, actor_id)


def _change(rows: "QuerySet[Report]", status: Status, outcome: str, actor_id: int | None) -> None:
    """Give reports another status, and notify their reporters; the system reports for filters."""
    system, now = system_user().pk, timezone.now()
    while found := list(
        rows.order_by("pk").values_list("pk", "reporter_id")[:REPORTS_PER_TRANSACTION]
    ):
        with changing(*{inbox(reporter_id) for _, reporter_id in found}) as heads:
            locked = rows.select_for_update(of=("self",)).filter(pk__in=[pk for pk, _ in found])
            reports = list(locked.select_related("message__room").order_by("pk"))
            Report.objects.filter(pk__in=[row.pk for row in reports]).update(
                status=status,
                is_abusive=False,
                closed_by_id=actor_id,
                closed_at=None if actor_id is None else now,
            )
            told = [
                notices.report_notice(
                    row.message,
                    row.message.room if row.message else None,
                    row.reporter_id,
                    REPORT,
                    outcome,
                )
                for row in reports
                if row.reporter_id != system
            ]
            if told:
                notify_many(heads, told)
