"""The records beside a report, a person or a message on their pages.

Every read is bounded and follows an index.
"""

from collections import Counter
from typing import Any, Final, NamedTuple

from django.db.models import Model, QuerySet

from chat.models import (
    Bulk,
    Case,
    HeldText,
    Membership,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Room,
    SiteBan,
)
from chat.moderation import site_bans
from chat.queries import messages

MAX_ROWS: Final = 20  # of each table; the page says so, and the lists have the rest
SURROUNDINGS: Final = 5  # messages on each side of the reported one
MAX_COUNTED: Final = 1000  # open cases; the page shows "1000+"
MAX_RECORD: Final = 10_000  # rows that a record counts, in some milliseconds; "10000+"
Action = ModerationLog.Action
REMOVALS: Final = (Action.DELETE, Action.RESOLVE)  # of a message, which may be restored later
BANS: Final = (Action.BAN, Action.SITE_BAN)
SANCTIONS: Final = (
    *REMOVALS,
    Action.BULK,
    Action.REFUSE,
    Action.WARN,
    Action.MUTE,
    Action.SITE_MUTE,
    Action.REMOVE,
    Action.DEACTIVATE,
    *BANS,
)


def of_message(message_id: int) -> dict[str, Any]:
    """Return the cases and the log of a message."""
    rows = Case.objects.filter(message=message_id).select_related("assigned_to", "closed_by")
    found = shown("cases", list(rows.order_by("-pk")[: MAX_ROWS + 1]))
    return {**found, **_entries(message_id=message_id)}


def of_person(user_id: int) -> dict[str, Any]:
    """Return the record of a person: rooms, cases about their messages, log and current ban."""
    rooms = Membership.objects.filter(user_id=user_id).select_related("room", "user")
    bans = SiteBan.objects.filter(site_bans.in_effect(), user_id=user_id)
    return {
        "person_id": user_id,
        **shown(
            "memberships",
            list(rooms.exclude(room__kind=Room.Kind.DIRECT).order_by("-inbox_seq")[: MAX_ROWS + 1]),
        ),
        **shown("cases", list(_cases_about(user_id)[: MAX_ROWS + 1])),
        **_entries(subject_id=user_id),
        "ban": bans.select_related("created_by").first(),
    }


def body_of(message: Message) -> str:
    """Return the text of a message, also while it is hidden."""
    return message.held_text.body if message.is_hidden else message.body


def around(
    room_id: int, *, before: int, after: int, limit: int
) -> tuple[list[Message], list[Message]]:
    """Return the messages of a room before and after these numbers, oldest first.

    Texts that are withheld are in them.
    """
    earlier = messages.before(room_id, before, limit=limit).messages[::-1]
    later = messages.after(room_id, after, limit=limit).messages
    withheld = [row.pk for row in [*earlier, *later] if row.is_hidden or row.is_deleted]
    texts: dict[int, str] = {}
    tables: tuple[type[Model], ...] = (HeldText, RemovedText)
    for table in tables if withheld else ():
        rows = table._default_manager.filter(message__in=withheld)
        texts |= dict(rows.values_list("message_id", "body"))
    for row in [*earlier, *later]:
        row.body = texts.get(row.pk, row.body)
    return list(earlier), list(later)


class Totals(NamedTuple):
    """A record in numbers, each at most ``MAX_RECORD``."""

    cases: int
    removed: int
    reports: int
    actions: int
    bans: int
    warnings: int
    own_reports: int
    abusive: int  # of them


def totals(user_id: int) -> Totals:
    cases = Case.objects.filter(author_id=user_id).exclude(kind=Case.Kind.APPEAL)
    actions = _actions(user_id)
    return Totals(
        cases=cases[:MAX_RECORD].count(),
        removed=cases.filter(status=Report.Status.RESOLVED)[:MAX_RECORD].count(),
        reports=Report.objects.filter(author_id=user_id)[:MAX_RECORD].count(),
        actions=sum(actions[action] for action in SANCTIONS),
        bans=sum(actions[action] for action in BANS),
        warnings=actions[Action.WARN],
        own_reports=Report.objects.filter(reporter_id=user_id)[:MAX_RECORD].count(),
        abusive=Report.objects.filter(reporter_id=user_id, is_abusive=True)[:MAX_RECORD].count(),
    )


def _actions(user_id: int) -> Counter[str]:
    """Count the actions on a person by kind, without removals that were taken back.

    They are counted here and not by the database: for a condition on the kind, SQLite reads all
    entries of that kind.
    """
    entries = ModerationLog.objects.filter(subject_id=user_id).order_by("-pk")
    found: Counter[str] = Counter()
    restored: Counter[int | None] = Counter()
    for action, message_id, act in entries.values_list("action", "message_id", "details__act")[
        :MAX_RECORD
    ]:
        if action == Action.RESTORE:
            restored[message_id] += 1
        elif action in REMOVALS and restored[message_id]:
            restored[message_id] -= 1
        elif action != Action.BULK or act != Bulk.Act.RESTORE:
            found[action] += 1
    return found


def latest_entries(limit: int) -> list[ModerationLog]:
    rows = ModerationLog.objects.select_related("actor", "subject", "room")
    return list(rows.order_by("-pk")[:limit])


def _cases_about(user_id: int) -> QuerySet[Case]:
    """Return the cases about a person, newest first."""
    rows = Case.objects.filter(author=user_id).select_related("room", "assigned_to", "closed_by")
    return rows.order_by("-pk")


def _entries(**of: int) -> dict[str, Any]:
    rows = ModerationLog.objects.filter(**of).select_related("actor", "subject", "room")
    return shown("entries", list(rows.order_by("-pk")[: MAX_ROWS + 1]))


def shown(name: str, rows: list[Any]) -> dict[str, Any]:
    """Return rows for a page, and whether there are more."""
    return {name: rows[:MAX_ROWS], f"{name}_cut": MAX_ROWS if len(rows) > MAX_ROWS else 0}
