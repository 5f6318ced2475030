"""The dashboard of moderators. Every read is bounded and follows an index."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.admin.cases import case_context
from chat.models import Case, Filter, Message, ModerationLog, Report, Room
from chat.queries import queue
from notifications.models import Announcement
from notifications.queries import SentBroadcast, counted

MAX_ROWS: Final = 6  # of a card
# The newest messages, read for the busiest rooms; takes about 20 ms.
MAX_SCANNED: Final = 20_000
MAX_ROOMS: Final = 30  # the busiest ones, including direct conversations

AGES: Final = (
    (timedelta(hours=1), _("Up to 1 hour")),
    (timedelta(days=1), _("Up to 1 day")),
    (timedelta(days=3), _("Up to 3 days")),
    (timedelta.max, _("Longer")),
)


@dataclass(frozen=True, slots=True)
class Share:
    """A bar of a chart; ``of`` is the longest bar."""

    label: Any
    count: int
    of: int
    query: str = ""


@dataclass(frozen=True, slots=True)
class OpenCases:
    """The open cases, at most ``case_context.MAX_COUNTED``."""

    count: int
    mine: int
    unassigned: int
    held: int  # messages that a filter holds: someone waits for each
    ages: Sequence[Share]
    categories: Sequence[Share]

    @property
    def is_cut(self) -> bool:
        return self.count == case_context.MAX_COUNTED


class Busy(NamedTuple):
    """A room, and its messages of the last hour and day."""

    room: Room
    hour: int
    day: int


def open_cases(user_id: int) -> OpenCases:
    rows = (
        queue.open_cases(user_id)
        .order_by("pk")
        .values_list("opened_at", "category", "assigned_to", "claimed_until", "kind")[
            : case_context.MAX_COUNTED
        ]
    )
    found, now = list(rows), timezone.now()
    ages = Counter(
        next(label for limit, label in AGES if now - created_at <= limit)
        for created_at, *_rest in found
    )
    categories = Counter(category for _created_at, category, *_rest in found)
    holders = [
        None if until is not None and until <= now else holder
        for _created_at, _category, holder, until, _kind in found
    ]
    return OpenCases(
        count=len(found),
        mine=holders.count(user_id),
        unassigned=holders.count(None),
        held=sum(kind == Case.Kind.HELD for *_rest, kind in found),
        ages=[Share(label, ages[label], max(ages.values(), default=1)) for _limit, label in AGES],
        categories=[
            Share(
                label,
                categories[value],
                max(categories.values(), default=1),
                f"?category__exact={value}",
            )
            for value, label in Report.Category.choices
            if categories[value]
        ],
    )


def most_urgent(user_id: int) -> list[Case]:
    rows = queue.open_cases(user_id).select_related("author", "room", "assigned_to")
    return list(rows.order_by("-urgency")[:MAX_ROWS])


def recent_bans() -> list[ModerationLog]:
    """Return the latest bans from rooms and from the site."""
    found: list[ModerationLog] = []
    for action in (ModerationLog.Action.BAN, ModerationLog.Action.SITE_BAN):
        rows = ModerationLog.objects.filter(action=action).select_related(
            "actor", "subject", "room"
        )
        found += rows.order_by("-pk")[:MAX_ROWS]
    return sorted(found, key=lambda row: row.pk, reverse=True)[:MAX_ROWS]


def busiest_rooms() -> list[Busy]:
    """Return the rooms with the most messages of the last day, without direct conversations."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    now = timezone.now()
    rows = Message.objects.filter(
        pk__gt=newest - MAX_SCANNED, created_at__gt=now - timedelta(days=1)
    ).order_by()
    hour = Count("pk", filter=Q(created_at__gt=now - timedelta(hours=1)))
    counts = (
        rows.values_list("room")
        .annotate(day=Count("pk"), hour=hour)
        .order_by("-day", "room")[:MAX_ROOMS]
    )
    found = {room_id: (by_hour, by_day) for room_id, by_day, by_hour in counts}
    rooms = Room.objects.exclude(kind=Room.Kind.DIRECT).in_bulk(found)
    return [
        Busy(rooms[room_id], *numbers) for room_id, numbers in found.items() if room_id in rooms
    ][:MAX_ROWS]


def current_announcements() -> list[SentBroadcast]:
    """Return the current announcements, newest first, with the number of readers."""
    is_current = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    rows = (
        Announcement.objects.filter(is_current, recalled_at=None)
        .select_related("broadcast")
        .order_by("-pk")[:MAX_ROWS]
    )
    return counted([row.broadcast for row in rows])


def filters_on() -> Mapping[str, Any]:
    rows = list(Filter.objects.filter(is_on=True).order_by("pk")[: MAX_ROWS + 1])
    return {"rows": rows[:MAX_ROWS], "has_more": len(rows) > MAX_ROWS}


def cards(user: Any) -> dict[str, Any]:
    """Return the cards that the user may see."""
    found: dict[str, Any] = {"announcements": current_announcements()}
    if user.has_perm("chat.view_report"):
        found |= {"waiting": open_cases(user.pk), "queue": most_urgent(user.pk)}
    if user.has_perm("chat.view_moderationlog"):
        found["bans"] = recent_bans()
    if user.has_perm("chat.view_room"):
        found["busiest"] = busiest_rooms()
    if user.has_perm("chat.view_filter"):
        found["filters"] = filters_on()
    return found
