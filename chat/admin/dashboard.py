"""What needs attention, on the first page of the desk: bounded reads along indexes, whatever there is of everything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.admin import case_context
from chat.models import Filter, Message, ModerationLog, Report, Room
from notifications.models import Announcement
from notifications.queries import SentBroadcast, counted

SHOWN: Final = 6  # rows of a card
MESSAGES_LOOKED_AT: Final = 20_000  # the newest, for the busiest rooms; some 20 ms
ROOMS_LOOKED_AT: Final = 30  # the busiest, direct conversations among them

AGES: Final = (
    (timedelta(hours=1), _("up to an hour")),
    (timedelta(days=1), _("up to a day")),
    (timedelta(days=3), _("up to 3 days")),
    (timedelta.max, _("longer")),
)


@dataclass(frozen=True, slots=True)
class Share:
    """A bar of a chart; ``of`` is the longest one."""

    label: Any
    count: int
    of: int
    query: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The cases that nobody has decided, counted no further than ``records.MOST_COUNTED``."""

    count: int
    mine: int
    unassigned: int
    ages: Sequence[Share]
    categories: Sequence[Share]

    @property
    def is_cut(self) -> bool:
        """There are more than were counted."""
        return self.count == case_context.MOST_COUNTED


class Busy(NamedTuple):
    """A room, and how many messages were posted in it."""

    room: Room
    hour: int
    day: int


def waiting(user_id: int | None) -> Waiting:
    """Return the open cases by age and category."""
    rows = case_context.open_cases().values_list("created_at", "category", "assigned_to")[
        : case_context.MOST_COUNTED
    ]
    found, now = list(rows), timezone.now()
    ages = Counter(
        next(label for limit, label in AGES if now - created_at <= limit)
        for created_at, _category, _holder in found
    )
    categories = Counter(category for _created_at, category, _holder in found)
    return Waiting(
        count=len(found),
        mine=sum(holder == user_id for _created_at, _category, holder in found),
        unassigned=sum(holder is None for _created_at, _category, holder in found),
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


def bans() -> list[ModerationLog]:
    """Return the latest bans from rooms and from the site."""
    found: list[ModerationLog] = []
    for action in (ModerationLog.Action.BAN, ModerationLog.Action.SITE_BAN):
        rows = ModerationLog.objects.filter(action=action).select_related(
            "actor", "subject", "room"
        )
        found += rows.order_by("-pk")[:SHOWN]
    return sorted(found, key=lambda row: row.pk, reverse=True)[:SHOWN]


def busiest() -> list[Busy]:
    """Return the rooms with the most messages of the last day among the newest ones; direct conversations are nobody's business."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    now = timezone.now()
    rows = Message.objects.filter(
        pk__gt=newest - MESSAGES_LOOKED_AT, created_at__gt=now - timedelta(days=1)
    ).order_by()
    hour = Count("pk", filter=Q(created_at__gt=now - timedelta(hours=1)))
    counts = (
        rows.values_list("room")
        .annotate(day=Count("pk"), hour=hour)
        .order_by("-day", "room")[:ROOMS_LOOKED_AT]
    )
    found = {room_id: (by_hour, by_day) for room_id, by_day, by_hour in counts}
    rooms = Room.objects.exclude(kind=Room.Kind.DIRECT).in_bulk(found)
    return [
        Busy(rooms[room_id], *numbers) for room_id, numbers in found.items() if room_id in rooms
    ][:SHOWN]


def announced() -> list[SentBroadcast]:
    """Return the announcements that stand, newest first, each with how many have read it."""
    standing = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    rows = (
        Announcement.objects.filter(standing, recalled_at=None)
        .select_related("broadcast")
        .order_by("-pk")[:SHOWN]
    )
    return counted([row.broadcast for row in rows])


def filters() -> Mapping[str, Any]:
    """Return the filters that are switched on."""
    rows = list(Filter.objects.filter(is_on=True).order_by("pk")[: SHOWN + 1])
    return {"shown": rows[:SHOWN], "more": len(rows) > SHOWN}


def cards(user: Any) -> dict[str, Any]:
    """Return what somebody may see of all this."""
    found: dict[str, Any] = {"announcements": announced()}
    if user.has_perm("chat.view_report"):
        found |= {"waiting": waiting(user.pk), "queue": case_context.waiting(SHOWN)[:SHOWN]}
    if user.has_perm("chat.view_moderationlog"):
        found["bans"] = bans()
    if user.has_perm("chat.view_room"):
        found["busiest"] = busiest()
    if user.has_perm("chat.view_filter"):
        found["filters"] = filters()
    return found
