"""Open reports, and the cases that hold a message."""

from collections.abc import Collection
from typing import Final

from chat.models import Case, Report
from realtime.protocol.errors import Forbidden

# Of one user, so that nobody can flood the moderators' list.
MAX_OPEN_REPORTS: Final = 100


def count_open_reports(user_id: int) -> int:
    """Return the number of a user's open reports, counted no further than the limit."""
    mine = Report.objects.filter(reporter_id=user_id, status=Report.Status.OPEN)
    return len(mine.values_list("pk")[:MAX_OPEN_REPORTS])


def check_number(user_id: int) -> None:
    """Raise ``Forbidden`` if a user has as many open reports as allowed."""
    if count_open_reports(user_id) >= MAX_OPEN_REPORTS:
        raise Forbidden(
            "You have {count} open reports, the most allowed."
            " Wait until a moderator has reviewed some.",
            count=MAX_OPEN_REPORTS,
        )


def is_message_reported(message_id: int) -> bool:
    """Tell whether someone, or a filter, has ever reported a message."""
    return Report.objects.filter(message_id=message_id).exists()


def is_reported(room_id: int) -> bool:
    """Tell whether any message of a room has ever been reported."""
    return Report.objects.filter(message__room_id=room_id).exists()


def held_cases(message_ids: Collection[int]) -> list[Case]:
    """Return the cases that hold these messages: open ones, and those within the time to appeal."""
    if not message_ids:
        return []
    return list(Case.objects.filter(message_id__in=message_ids, released_at=None).order_by("pk"))


def last_report(message_id: int, reporter_id: int) -> Report | None:
    """Return the newest report of a message by one user."""
    rows = Report.objects.filter(message_id=message_id, reporter_id=reporter_id)
    return rows.order_by("-pk").first()


def has_open_case(message_id: int) -> bool:
    return Case.objects.filter(message_id=message_id, status=Report.Status.OPEN).exists()


def count_held(author_id: int) -> int:
    """Return how many messages of an author cases hold."""
    rows = Case.objects.filter(author_id=author_id, released_at=None)
    return rows.values("message_id").distinct().count()
