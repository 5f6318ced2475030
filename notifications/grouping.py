"""What belongs together in a list of notifications: messages of one room, reactions to one message.

static/notifications/grouping.js does the same in the browser; test_grouping.py and grouping.test.js have the same cases.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

Notice = dict[str, Any]  # as on the wire

# By kind: what two of them must have in common.
COMMON: Final = {"message": "place", "direct": "place", "reaction": "subject"}


def grouped(notices: Iterable[Notice]) -> list[list[Notice]]:
    """Return the groups in the order of their first rows; most have one row."""
    groups: dict[str, list[Notice]] = {}
    for notice in notices:
        groups.setdefault(key(notice), []).append(notice)
    return list(groups.values())


def key(notice: Notice) -> str:
    """Return what the rows of a group share."""
    common = notice.get(COMMON.get(notice["kind"], "")) or ""
    return f"{notice['kind']} {common}" if common else str(notice["id"])


def total(notices: Sequence[Notice]) -> int:
    """Return how many things a group tells of."""
    return sum(notice["count"] for notice in notices)


def entrance(notices: Sequence[Notice]) -> Notice:
    """Return where one begins to read: the oldest that is unread, else the newest. ``notices`` are newest first."""
    return next((notice for notice in reversed(notices) if notice["read_at"] is None), notices[0])
