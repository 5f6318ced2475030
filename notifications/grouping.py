"""Grouping a list of notifications: messages of one room, reactions to one message.

static/notifications/grouping.js does the same in the browser; test_grouping.py and grouping.test.js
have the same cases.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from notifications.kinds import kind_of

Notice = dict[str, Any]  # as on the wire


def grouped(notices: Iterable[Notice]) -> list[list[Notice]]:
    """Return the groups in the order of their first rows; most have one row."""
    groups: dict[str, list[Notice]] = {}
    for notice in notices:
        groups.setdefault(key(notice), []).append(notice)
    return list(groups.values())


def key(notice: Notice) -> str:
    """Return what the rows of a group share."""
    common = notice.get(kind_of(notice).grouped_by or "") or ""
    return f"{notice['kind']} {common}" if common else str(notice["id"])


def total(notices: Sequence[Notice]) -> int:
    """Return how many things a group stands for."""
    return sum(notice["count"] for notice in notices)


def first_unread(notices: Sequence[Notice]) -> Notice:
    """Return the oldest unread notification, else the newest. ``notices`` are newest first."""
    return next((notice for notice in reversed(notices) if notice["read_at"] is None), notices[0])
