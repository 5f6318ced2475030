"""What the pages of a report, a person and a message show beside the row: bounded reads along indexes."""

from typing import Any, Final, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from chat.models import (
    HeldText,
    Membership,
    Message,
    ModerationLog,
    Person,
    RemovedText,
    Report,
    SiteBan,
)
from chat.moderation import site_bans
from chat.queries import messages
from realtime.auth.revocation_timing import endings_of

MAX_SHOWN: Final = 20  # rows of each table; the lists have the rest
MOST_LOOKED_AT: Final = 10_000  # reports, for those that are about one person; some 0.1 s
SURROUNDINGS: Final = 5  # messages on each side of a reported one
ENDINGS_SHOWN: Final = 5
MOST_COUNTED: Final = 1000  # of anything that is shown as a number
Action = ModerationLog.Action
AGAINST: Final = (
    Action.DELETE,
    Action.MUTE,
    Action.REMOVE,
    Action.BAN,
    Action.SITE_BAN,
    Action.DEACTIVATE,
)


def of_message(message_id: int) -> dict[str, Any]:
    """Return the reports of a message and what was done about it."""
    return {
        "reports": list(_reports().filter(message_id=message_id)[:MAX_SHOWN]),
        "entries": _entries(message_id=message_id),
    }


def of_person(user_id: int) -> dict[str, Any]:
    """Return the record of somebody: rooms, reports about their messages, what moderators did, how accesses ended, and a standing ban."""
    rooms = (
        Membership.objects.filter(user_id=user_id)
        .select_related("room", "user")
        .order_by("-inbox_seq")
    )
    return {
        "person_id": user_id,
        "memberships": [row for row in rooms[:MAX_SHOWN] if not row.room.is_direct],
        "reports": list(_reports_about(user_id)[:MAX_SHOWN]),
        "entries": _entries(subject_id=user_id),
        "endings": endings_of(user_id, ENDINGS_SHOWN),
        "ban": SiteBan.objects.filter(site_bans.in_effect(), user_id=user_id)
        .select_related("created_by")
        .first(),
    }


def of_report(report: Report, *, surroundings: int = SURROUNDINGS) -> dict[str, Any]:
    """Return what a decision about a case needs: the message among its neighbours, its reports, and the author's record."""
    message = report.message
    found = of_person(message.author_id)
    case = list(_reports().filter(message=message).order_by("pk")[:MAX_SHOWN])
    before, after = around(message, surroundings)
    return {
        **found,
        "case": case,
        "before": before,
        "after": after,
        "text": body_of(message),
        "removed": RemovedText.objects.filter(pk=message.pk).select_related("removed_by").first(),
        "author": Person.objects.annotate(is_banned=_is_banned()).get(pk=message.author_id),
        "membership": Membership.objects.filter(room_id=message.room_id, user_id=message.author_id)
        .select_related("room", "user")
        .first(),
        "reports": [row for row in found["reports"] if row.message_id != message.pk],
        "sums": sums(message.author_id),
        "following": next_case(report.pk, message.pk, wraps=False),
        "preceding": previous_case(report.pk, message.pk),
        "waiting": waiting_cases(),
    }


def body_of(message: Message) -> str:
    """Return what a message says, also while it is hidden."""
    return message.held_text.body if message.is_hidden else message.body


def around(
    message: Message, surroundings: int = SURROUNDINGS
) -> tuple[list[Message], list[Message]]:
    """Return the neighbours of a message before and after it, oldest first. Those hidden from others have their text here."""
    before = messages.before(message.room_id, message.number, limit=surroundings).messages[::-1]
    after = messages.after(message.room_id, message.number, limit=surroundings).messages
    held = dict(
        HeldText.objects.filter(
            message__in=[row.pk for row in [*before, *after] if row.is_hidden]
        ).values_list("pk", "body")
    )
    for row in [*before, *after]:
        row.body = held.get(row.pk, row.body)
    return list(before), list(after)


class Sums(NamedTuple):
    """A record in numbers, each counted no further than ``MOST_COUNTED``."""

    reports: int
    removed: int
    actions: int
    bans: int


def sums(user_id: int) -> Sums:
    """Return somebody's record in numbers."""
    statuses = list(
        _reports_about(user_id).order_by("-pk").values_list("status", flat=True)[:MOST_COUNTED]
    )
    actions = ModerationLog.objects.filter(subject_id=user_id, action__in=AGAINST).values_list(
        "action", flat=True
    )
    found = list(actions[:MOST_COUNTED])
    bans = sum(
        action in (ModerationLog.Action.BAN, ModerationLog.Action.SITE_BAN) for action in found
    )
    return Sums(len(statuses), statuses.count(Report.Status.RESOLVED), len(found), bans)


def waiting_cases() -> int:
    """Return how many cases nobody has decided, counted no further than ``MOST_COUNTED``."""
    return len(open_cases().values_list("pk")[:MOST_COUNTED])


def waiting(limit: int) -> list[Report]:
    """Return the open cases that have waited longest, and one more than ``limit`` where there are more."""
    rows = open_cases().select_related(
        "message__room", "message__author", "message__held_text", "assigned_to"
    )
    return list(rows.order_by("pk")[: limit + 1])


def lately(limit: int) -> list[ModerationLog]:
    """Return what moderators did last."""
    return list(
        ModerationLog.objects.select_related("actor", "subject", "room").order_by("-pk")[:limit]
    )


def next_case(after_id: int, message_id: int, *, wraps: bool = True) -> Report | None:
    """Return the open case to look at next, other than the one about ``message_id``; after the last one, the first."""
    rows = open_cases().exclude(message=message_id).order_by("pk")
    return rows.filter(pk__gt=after_id).first() or (rows.first() if wraps else None)


def previous_case(before_id: int, message_id: int) -> Report | None:
    """Return the open case before this one."""
    return open_cases().exclude(message=message_id).filter(pk__lt=before_id).order_by("-pk").first()


def open_cases() -> QuerySet[Report]:
    """Return the first report of each open case."""
    earlier = Report.objects.filter(
        message=OuterRef("message"), status=Report.Status.OPEN, pk__lt=OuterRef("pk")
    )
    return Report.objects.filter(~Exists(earlier), status=Report.Status.OPEN)


def _is_banned() -> Exists:
    return Exists(SiteBan.objects.filter(site_bans.in_effect(), user=OuterRef("pk")))


def _reports() -> QuerySet[Report]:
    related = (
        "message__room",
        "message__author",
        "message__held_text",
        "reporter",
        "closed_by",
        "assigned_to",
    )
    return Report.objects.select_related(*related).order_by("-pk")


def _reports_about(user_id: int) -> QuerySet[Report]:
    """Return the latest reports of somebody's messages. A subquery for each report: a join could begin with all that they ever wrote."""
    newest = Report.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    author = Message.objects.filter(pk=OuterRef("message_id")).values("author_id")
    return (
        _reports()
        .alias(author=Subquery(author))
        .filter(author=user_id, pk__gt=newest - MOST_LOOKED_AT)
    )


def _entries(**of: int) -> list[ModerationLog]:
    rows = (
        ModerationLog.objects.filter(**of)
        .select_related("actor", "subject", "room")
        .order_by("-pk")
    )
    return list(rows[:MAX_SHOWN])
