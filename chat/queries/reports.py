"""Open reports."""

from typing import Final

from chat.models import Report

# Of one user, so that nobody can flood the moderators' list.
MAX_OPEN_REPORTS: Final = 100


def count_open_reports(user_id: int) -> int:
    """Return the number of a user's open reports, counted no further than the limit."""
    mine = Report.objects.filter(reporter_id=user_id, status=Report.Status.OPEN)
    return len(mine.values_list("pk")[:MAX_OPEN_REPORTS])


def reviewer_id(message_id: int) -> int | None:
    """Return the moderator who reviews the open case about a message."""
    rows = Report.objects.filter(message_id=message_id, status=Report.Status.OPEN).order_by("pk")
    return rows.values_list("assigned_to_id", flat=True).first()
