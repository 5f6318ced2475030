"""What the pages of a report, a person and a message show beside the row: bounded reads along indexes."""

from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery

from chat import selectors
from chat.models import Membership, Message, ModerationLog, RemovedText, Report, SiteBan

MAX_SHOWN: Final = 20  # rows of each table; the lists have the rest
MOST_LOOKED_AT: Final = 10_000  # reports, for those that are about one person; some 0.1 s
SURROUNDINGS: Final = 4  # messages on each side of a reported one


def of_message(message_id: int) -> dict[str, Any]:
    """Return the reports of a message and what was done about it."""
    return {"reports": list(_reports().filter(message_id=message_id)[:MAX_SHOWN]), "entries": _entries(message_id=message_id)}


def of_person(user_id: int) -> dict[str, Any]:
    """Return the record of somebody: rooms, reports about their messages, what moderators did, and a standing ban."""
    rooms = Membership.objects.filter(user_id=user_id).select_related("room", "user").order_by("-inbox_seq")
    return {
        "person_id": user_id,
        "memberships": [row for row in rooms[:MAX_SHOWN] if not row.room.is_direct],
        "reports": list(_reports_about(user_id)[:MAX_SHOWN]),
        "entries": _entries(subject_id=user_id),
        "ban": SiteBan.objects.filter(user_id=user_id, lifted_at=None).select_related("created_by").first(),
    }


def of_report(report: Report) -> dict[str, Any]:
    """Return what a decision about a report needs: the message among its neighbours, the other reports, and the author's record."""
    message = report.message
    return {
        **of_person(message.author_id),
        "around": around(message),
        "others": [other for other in _reports().filter(message=message)[:MAX_SHOWN] if other.pk != report.pk],
        "removed": RemovedText.objects.filter(pk=message.pk).first(),
        "membership": Membership.objects.filter(room_id=message.room_id, user_id=message.author_id).select_related("room", "user").first(),
    }


def around(message: Message) -> list[Message]:
    """Return a message with its neighbours, oldest first."""
    before = selectors.before(message.room_id, message.number, limit=SURROUNDINGS).messages[::-1]
    after = selectors.after(message.room_id, message.number, limit=SURROUNDINGS).messages
    return [*before, message, *after]


def waiting(limit: int) -> list[Report]:
    """Return the open reports that have waited longest, and one more than ``limit`` where there are more."""
    return list(_reports().filter(status=Report.Status.OPEN).order_by("pk")[: limit + 1])


def lately(limit: int) -> list[ModerationLog]:
    """Return what moderators did last."""
    return list(ModerationLog.objects.select_related("actor", "subject", "room").order_by("-pk")[:limit])


def next_report(after_id: int) -> Report | None:
    """Return the open report to decide next."""
    rows = Report.objects.filter(status=Report.Status.OPEN).order_by("pk")
    return rows.filter(pk__gt=after_id).first() or rows.first()


def _reports() -> QuerySet[Report]:
    return Report.objects.select_related("message__room", "message__author", "reporter", "closed_by").order_by("-pk")


def _reports_about(user_id: int) -> QuerySet[Report]:
    """Return the latest reports of somebody's messages. A subquery for each report: a join could begin with all that they ever wrote."""
    newest = Report.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    author = Message.objects.filter(pk=OuterRef("message_id")).values("author_id")
    return _reports().alias(author=Subquery(author)).filter(author=user_id, pk__gt=newest - MOST_LOOKED_AT)


def _entries(**of: int) -> list[ModerationLog]:
    rows = ModerationLog.objects.filter(**of).select_related("actor", "subject", "room").order_by("-pk")
    return list(rows[:MAX_SHOWN])
