"""Grouping a list of notifications: messages of one room, reactions to one message.

static/notifications/grouping.js does the same in the browser; test_grouping.py and grouping.test.js
have the same cases.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from notifications.kinds import NoticePayload, kind_of

N = TypeVar("N", bound=NoticePayload)


def grouped(notices: Iterable[N]) -> list[list[N]]:
    """Return the groups in the order of their first rows; most have one row."""
    groups: dict[str, list[N]] = {}
    for notice in notices:
        groups.setdefault(key(notice), []).append(notice)
    return list(groups.values())


def key(notice: NoticePayload) -> str:
    """Return what the rows of a group share."""
    common = notice.get(kind_of(notice).grouped_by or "") or ""
    return f"{notice['kind']} {common}" if common else str(notice["id"])


def total(notices: Sequence[NoticePayload]) -> int:
    """Return how many messages or reactions a group has."""
    return sum(notice["count"] for notice in notices)


def first_unread(notices: Sequence[N]) -> N:
    """Return the oldest unread notification, else the newest. ``notices`` are newest first."""
    return next((notice for notice in reversed(notices) if notice["read_at"] is None), notices[0])
