"""The queue of cases: what waits for moderators, in which order, and who may see it.

Nobody sees a case about themselves: not as the author or the person, nor as an owner of the room.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chat.models import Appeal, Case, Membership, Report, Role, State

Category = Report.Category
_SEVERITIES: Final[dict[str, int]] = {
    Category.ILLEGAL: 4,
    Category.ABUSE: 3,
    Category.OTHER: 2,
    Category.SPAM: 1,
}
# Of reports by filters, whose category says nothing, and of reporters who do not count.
LEAST_SEVERITY: Final = 1
APPEAL_SEVERITY: Final = 2
HELD_SEVERITY: Final = 2  # someone waits for the decision, as with an appeal
# Of a message that is hidden because many reported it: if they were wrong, each minute counts.
HIDDEN_SEVERITY: Final = 4
# The parts of an urgency, in bits: 2^40 ids are more than a site will ever have.
_AGE_BITS, _WEIGHT_BITS = 40, 12


def severity(category: str) -> int:
    return _SEVERITIES.get(category, LEAST_SEVERITY)


def urgency(case: Case) -> int:
    """Return the place of a case in the queue as one number, which no two cases share.

    The more severe case comes first, then the one with more reports, then the older one.
    """
    weight = min(case.weight, (1 << _WEIGHT_BITS) - 1)
    age = (1 << _AGE_BITS) - 1 - case.pk
    return (case.severity << _WEIGHT_BITS | weight) << _AGE_BITS | age


def open_cases(user_id: int) -> "QuerySet[Case]":
    """Return the open cases that a moderator may see, in no order."""
    return visible_to(user_id, Case.objects.filter(status=Report.Status.OPEN))


def visible_to(user_id: int, rows: "QuerySet[Case]") -> "QuerySet[Case]":
    """Leave out cases about the user, and appeals against their own decisions."""
    owned = Membership.objects.filter(
        room=OuterRef("room_id"), user=user_id, role=Role.OWNER, state=State.ACTIVE
    )
    mine = Appeal.objects.filter(case=OuterRef("pk"), decided_by=user_id)
    return rows.exclude(author=user_id).exclude(
        Q(kind=Case.Kind.ROOM) & Exists(owned) | Q(kind=Case.Kind.APPEAL) & Exists(mine)
    )


def decided_once() -> Q:
    """Return the condition on cases whose decision cannot be taken back, once they are closed."""
    return Q(kind=Case.Kind.APPEAL) | Q(kind=Case.Kind.HELD, status=Report.Status.DISMISSED)


def is_decided_once(case: Case) -> bool:
    if case.kind == Case.Kind.HELD:
        return case.status == Report.Status.DISMISSED
    return case.kind == Case.Kind.APPEAL


def is_concerned(case: Case, user_id: int) -> bool:
    """Return whether a case is hidden from a user because it is about them."""
    return not visible_to(user_id, Case.objects.filter(pk=case.pk)).exists()


def unclaimed(user_id: int) -> Q:
    """Return the condition on cases that no other moderator has now."""
    ended = Q(claimed_until__lte=timezone.now())
    return Q(assigned_to=None) | Q(assigned_to=user_id) | ended


def counts_for_urgency(user_id: int) -> bool:
    """Return whether the reports of a user count: not if too many were abusive recently."""
    return user_id in without_abusive([user_id])


def without_abusive(user_ids: Collection[int]) -> set[int]:
    """Return those of these users whose reports count."""
    since = timezone.now() - timedelta(days=settings.HOLDFAST_ABUSIVE_REPORT_DAYS)
    abusive = Report.objects.filter(reporter__in=user_ids, is_abusive=True, closed_at__gte=since)
    counted = abusive.order_by().values_list("reporter").annotate(number=Count("pk"))
    most: int = settings.HOLDFAST_ABUSIVE_REPORTS
    return set(user_ids) - {user_id for user_id, number in counted if number >= most}
