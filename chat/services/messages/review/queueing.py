"""The place of a case in the queue, which each report may raise.

All functions run in the transaction that stores the reports.
"""

from collections.abc import Iterable

from chat.models import Case
from chat.queries import queue
from chat.services.persistence import system_user


def count(case: Case, reports: Iterable[tuple[int, str]]) -> None:
    """Count reports of a case, each by a reporter and with a category."""
    system = system_user().pk
    for reporter_id, category in reports:
        severity = queue.severity(category)
        if reporter_id == system or not queue.counts_for_urgency(reporter_id):
            severity = queue.LEAST_SEVERITY
        else:
            case.weight += 1
        if severity > case.severity:
            case.severity, case.category = severity, category
        case.times += 1
    place(case)


def place(case: Case) -> None:
    """Store the numbers of a case, and its place in the queue."""
    case.urgency = queue.urgency(case)
    case.save(update_fields=["category", "severity", "times", "weight", "urgency"])
