"""The moderator of a case: claims, which end by themselves, and assignments, which do not."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from chat.errors import TooLate
from chat.models import Case, Report
from chat.queries import people, queue
from chat.services.rights import check_not_concerned, check_site_moderator
from notifications.payloads import person
from realtime.core.heads import changing
from realtime.protocol.errors import NotFound


def claim(*, actor_id: int, case_id: int) -> bool:
    """Take an open case for HOLDFAST_CLAIM_MINUTES, as opening it does.

    Returns whether the actor has it. The case of another moderator does not change. One statement
    compares and sets, so of two moderators only one gets it.
    """
    check_site_moderator(actor_id)
    until = timezone.now() + timedelta(minutes=settings.HOLDFAST_CLAIM_MINUTES)
    with changing():
        rows = Case.objects.filter(pk=case_id, status=Report.Status.OPEN)
        if rows.filter(assigned_to=actor_id, claimed_until=None).exists():
            return True
        free = queue.visible_to(actor_id, rows).filter(queue.unclaimed(actor_id))
        return bool(free.update(assigned_to_id=actor_id, claimed_until=until))


def let_go(*, actor_id: int, case_id: int) -> None:
    """End the actor's claim when they leave the case. An assignment stays."""
    with changing():
        mine = Case.objects.filter(pk=case_id, assigned_to=actor_id, claimed_until__isnull=False)
        mine.update(assigned_to_id=None, claimed_until=None)


def assign(*, actor_id: int, case_id: int, instead_of: int | None = None) -> None:
    """Take a case until it is closed or released, or take it over from ``instead_of``.

    Raises ``TooLate`` if another moderator has it by now.
    """
    check_site_moderator(actor_id)
    with changing():
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None or not case.is_open:
            raise too_late(case_id)
        check_not_concerned(case, actor_id)
        check_holder(case, actor_id, instead_of)
        Case.objects.filter(pk=case_id).update(assigned_to_id=actor_id, claimed_until=None)


def release(*, actor_id: int, case_id: int) -> None:
    """Give back a case. The case of another moderator does not change."""
    check_site_moderator(actor_id)
    with changing():
        mine = Case.objects.filter(pk=case_id, assigned_to=actor_id, status=Report.Status.OPEN)
        mine.update(assigned_to_id=None, claimed_until=None)


def check_holder(case: Case, actor_id: int, instead_of: int | None) -> None:
    """Raise ``TooLate`` if another moderator has the case, and the actor does not know it."""
    holder = case.holder_id
    if holder not in (None, actor_id, instead_of):
        assert holder is not None
        raise TooLate(
            "{name} is already reviewing this case.", name=person(people.user(holder))["name"]
        )


def too_late(case_id: int) -> TooLate | NotFound:
    """Return the error for a case that is closed: it names who closed it, and how."""
    case = Case.objects.filter(pk=case_id).select_related("closed_by").first()
    if case is None or case.closed_by is None:
        return NotFound("There is no such case.")
    name = person(case.closed_by)["name"]
    if case.kind != Case.Kind.MESSAGE:
        return TooLate("{name} already closed this case.", name=name)
    if case.status == Report.Status.RESOLVED:
        return TooLate("{name} already closed this case and removed the message.", name=name)
    return TooLate("{name} already closed this case and kept the message.", name=name)
