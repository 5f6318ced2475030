"""The busy part of the page of the nodes, from the reports of all nodes and from PostgreSQL."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from realtime.core.monitoring.activity import TOP
from realtime.core.monitoring.database_activity import (
    BlockedStatement,
    slow_statements,
    waiting_changes,
)
from realtime.core.monitoring.node_reports import Seen
from realtime.core.users import User
from realtime.protocol.user_ids import wire_id


@dataclass(frozen=True, slots=True)
class BusyStream:
    """A stream with its counts per minute, on all nodes."""

    name: str
    changes: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Loud:
    """A user or an address with its commands per minute, on all nodes."""

    name: str
    commands: int


@dataclass(frozen=True, slots=True)
class Slow:
    """A slow statement. ``ended_at`` is None while it runs."""

    node: str
    text: str
    seconds: float
    requests: str
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BusyReport:
    """All lists, the largest numbers first."""

    streams: list[BusyStream]
    users: list[Loud]
    addresses: list[Loud]
    slow: list[Slow]
    waiting: list[BlockedStatement]


def busy(found: Iterable[Seen]) -> BusyReport:
    """Return what the nodes that report say, and what PostgreSQL says now."""
    reports = [(each.node.name, each.node.details) for each in found if not each.silent]
    details = [detail for _, detail in reports]
    return BusyReport(
        _streams(details),
        _users(details),
        [Loud(name, count) for name, count in _sums(details, "addresses").most_common(TOP)],
        _slow(reports),
        waiting_changes(),
    )


def _streams(details: list[dict[str, Any]]) -> list[BusyStream]:
    changes: Counter[str] = Counter()
    deliveries: Counter[str] = Counter()
    for detail in details:
        for name, changed, delivered in detail.get("streams", ()):
            changes[name] += changed
            deliveries[name] += delivered
    return [BusyStream(name, changes[name], count) for name, count in deliveries.most_common(TOP)]


def _users(details: list[dict[str, Any]]) -> list[Loud]:
    top = _sums(details, "users").most_common(TOP)
    users = User.objects.filter(pk__in=[key for key, _ in top])
    names = {wire_id(user.pk): user.get_username() for user in users}
    return [Loud(names.get(key, f"#{key}"), count) for key, count in top]


def _sums(details: list[dict[str, Any]], list_name: str) -> Counter[Any]:
    sums: Counter[Any] = Counter()
    for detail in details:
        sums.update(dict(detail.get(list_name, ())))
    return sums


def _slow(reports: list[tuple[str, dict[str, Any]]]) -> list[Slow]:
    """Return what runs now, then what has ended, the latest first."""
    running = [
        Slow(each.node, each.text, each.seconds, each.requests) for each in slow_statements()
    ]
    ended = [
        Slow(node, text, seconds, requests, datetime.fromtimestamp(at, UTC))
        for node, detail in reports
        for text, seconds, at, requests in detail.get("slow", ())
    ]
    ended.sort(key=lambda each: each.ended_at or datetime.max.replace(tzinfo=UTC), reverse=True)
    return [*running, *ended][: 2 * TOP]
