"""The records beside a report, a person or a message on their pages.

Every read is bounded and follows an index.
"""

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

MAX_ROWS: Final = 20  # of each table; the lists have the rest
# Reports that are searched for those about one person; takes about 0.1 s.
MAX_SCANNED: Final = 10_000
SURROUNDINGS: Final = 5  # messages on each side of the reported one
MAX_COUNTED: Final = 1000  # of anything that is shown as a number
Action = ModerationLog.Action
BANS: Final = (Action.BAN, Action.SITE_BAN)
SANCTIONS: Final = (Action.DELETE, Action.MUTE, Action.REMOVE, Action.DEACTIVATE, *BANS)


def of_message(message_id: int) -> dict[str, Any]:
    """Return the reports and the log of a message."""
    return {
        "reports": list(_reports().filter(message_id=message_id)[:MAX_ROWS]),
        "entries": _entries(message_id=message_id),
    }


def of_person(user_id: int) -> dict[str, Any]:
    """Return the record of a person: rooms, reports of their messages, log and current ban."""
    rooms = Membership.objects.filter(user_id=user_id).select_related("room", "user")
    bans = SiteBan.objects.filter(site_bans.in_effect(), user_id=user_id)
    return {
        "person_id": user_id,
        "memberships": [
            row for row in rooms.order_by("-inbox_seq")[:MAX_ROWS] if not row.room.is_direct
        ],
        "reports": list(_reports_about(user_id)[:MAX_ROWS]),
        "entries": _entries(subject_id=user_id),
        "ban": bans.select_related("created_by").first(),
    }


def of_report(report: Report, *, surroundings: int = SURROUNDINGS) -> dict[str, Any]:
    """Return a case: the message with its surroundings, its reports, and the author's record."""
    message = report.message
    found = of_person(message.author_id)
    memberships = Membership.objects.filter(room_id=message.room_id, user_id=message.author_id)
    banned = Exists(SiteBan.objects.filter(site_bans.in_effect(), user=OuterRef("pk")))
    before, after = around(message, surroundings)
    return {
        **found,
        "case": list(_reports().filter(message=message).order_by("pk")[:MAX_ROWS]),
        "before": before,
        "after": after,
        "text": body_of(message),
        "removed": RemovedText.objects.filter(pk=message.pk).select_related("removed_by").first(),
        "author": Person.objects.annotate(is_banned=banned).get(pk=message.author_id),
        "membership": memberships.select_related("room", "user").first(),
        "reports": [row for row in found["reports"] if row.message_id != message.pk],
        "totals": totals(message.author_id),
        "following": next_case(report.pk, message.pk, wraps=False),
        "preceding": previous_case(report.pk, message.pk),
        "waiting": count_open_cases(),
    }


def body_of(message: Message) -> str:
    """Return the text of a message, also while it is hidden."""
    return message.held_text.body if message.is_hidden else message.body


def around(
    message: Message, surroundings: int = SURROUNDINGS
) -> tuple[list[Message], list[Message]]:
    """Return the messages before and after, oldest first, with the text of hidden ones."""
    before = messages.before(message.room_id, message.number, limit=surroundings).messages[::-1]
    after = messages.after(message.room_id, message.number, limit=surroundings).messages
    hidden = [row.pk for row in [*before, *after] if row.is_hidden]
    held = dict(HeldText.objects.filter(message__in=hidden).values_list("pk", "body"))
    for row in [*before, *after]:
        row.body = held.get(row.pk, row.body)
    return list(before), list(after)


class Totals(NamedTuple):
    """A record in numbers, each at most ``MAX_COUNTED``."""

    reports: int
    removed: int
    actions: int
    bans: int


def totals(user_id: int) -> Totals:
    reports = _reports_about(user_id).order_by("-pk").values_list("status", flat=True)
    entries = ModerationLog.objects.filter(subject_id=user_id, action__in=SANCTIONS)
    statuses = list(reports[:MAX_COUNTED])
    actions = list(entries.values_list("action", flat=True)[:MAX_COUNTED])
    return Totals(
        reports=len(statuses),
        removed=statuses.count(Report.Status.RESOLVED),
        actions=len(actions),
        bans=sum(action in BANS for action in actions),
    )


def count_open_cases() -> int:
    """Return the number of open cases, at most ``MAX_COUNTED``."""
    return len(open_cases().values_list("pk")[:MAX_COUNTED])


def longest_waiting(limit: int) -> list[Report]:
    related = ("message__room", "message__author", "message__held_text", "assigned_to")
    return list(open_cases().select_related(*related).order_by("pk")[:limit])


def latest_entries(limit: int) -> list[ModerationLog]:
    rows = ModerationLog.objects.select_related("actor", "subject", "room")
    return list(rows.order_by("-pk")[:limit])


def next_case(after_id: int, message_id: int, *, wraps: bool = True) -> Report | None:
    """Return the open case after this one; with ``wraps``, the first one after the last."""
    rows = open_cases().exclude(message=message_id).order_by("pk")
    return rows.filter(pk__gt=after_id).first() or (rows.first() if wraps else None)


def previous_case(before_id: int, message_id: int) -> Report | None:
    rows = open_cases().exclude(message=message_id).order_by("-pk")
    return rows.filter(pk__lt=before_id).first()


def open_cases() -> QuerySet[Report]:
    """Return the first report of each open case."""
    earlier = Report.objects.filter(
        message=OuterRef("message"), status=Report.Status.OPEN, pk__lt=OuterRef("pk")
    )
    return Report.objects.filter(~Exists(earlier), status=Report.Status.OPEN)


def _reports() -> QuerySet[Report]:
    related = ("message__room", "message__author", "message__held_text")
    people = ("reporter", "closed_by", "assigned_to")
    return Report.objects.select_related(*related, *people).order_by("-pk")


def _reports_about(user_id: int) -> QuerySet[Report]:
    """Return the latest reports of a person's messages.

    This is a subquery for each report: a join could begin with every message of the person.
    """
    newest = Report.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    author = Message.objects.filter(pk=OuterRef("message_id")).values("author_id")
    rows = _reports().alias(author=Subquery(author))
    return rows.filter(author=user_id, pk__gt=newest - MAX_SCANNED)


def _entries(**of: int) -> list[ModerationLog]:
    rows = ModerationLog.objects.filter(**of).select_related("actor", "subject", "room")
    return list(rows.order_by("-pk")[:MAX_ROWS])
