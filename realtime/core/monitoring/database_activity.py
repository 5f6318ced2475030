"""The statements of PostgreSQL that are slow or wait for a lock now.

SQLite has no such view; there, each node reports the slow statements that have ended
(``realtime.core.monitoring.statements``).
"""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from realtime.core.monitoring.statements import SLOW_SECONDS, requests_of, without_values

MAX_ROWS: Final = 20
WAITING_SECONDS: Final = 0.5  # a lock that is free sooner is everyday life
UNKNOWN_STATEMENT: Final = "…"  # of another role: PostgreSQL does not show it to us


@dataclass(frozen=True, slots=True)
class Running:
    """A statement that runs, or that blocks others. ``node``: the connection's application name."""

    pid: int
    node: str
    state: str
    seconds: float
    text: str
    requests: str


@dataclass(frozen=True, slots=True)
class BlockedStatement:
    """A statement that waits for a lock, and what holds it."""

    waiting: Running
    blockers: list[Running]


_COLUMNS: Final = (
    "a.pid, coalesce(a.application_name, ''), coalesce(a.state, ''), "
    "coalesce(extract(epoch FROM clock_timestamp() - a.query_start), 0), "
    "coalesce(a.query, '')"
)
_SLOW: Final = (
    f"SELECT {_COLUMNS} FROM pg_stat_activity a "  # noqa: S608  constants only
    "WHERE a.datname = current_database() AND a.usename = current_user "
    "AND a.backend_type = 'client backend' AND a.state = 'active' "
    "AND a.pid <> pg_backend_pid() AND clock_timestamp() - a.query_start > %s * interval '1 s' "
    "ORDER BY a.query_start LIMIT %s"
)
_WAITING: Final = (
    f"SELECT w.pid, {_COLUMNS} FROM pg_stat_activity w "  # noqa: S608  as above
    "CROSS JOIN LATERAL unnest(array_prepend(w.pid, pg_blocking_pids(w.pid))) AS found(pid) "
    "JOIN pg_stat_activity a ON a.pid = found.pid "
    "WHERE w.datname = current_database() AND w.wait_event_type = 'Lock' "
    "AND clock_timestamp() - w.query_start > %s * interval '1 s' "
    "ORDER BY w.query_start, w.pid LIMIT %s"
)


def slow_statements() -> list[Running]:
    """Return the statements of our role that have run for more than a second."""
    return [_running(*row) for row in _rows(_SLOW, SLOW_SECONDS)]


def waiting_changes() -> list[BlockedStatement]:
    """Return the statements that wait for a lock, each with the connections that block it."""
    found: dict[int, list[Running]] = {}
    for waiting, *row in _rows(_WAITING, WAITING_SECONDS):
        found.setdefault(waiting, []).append(_running(*row))
    blocked = []
    for pid, rows in found.items():
        own = [row for row in rows if row.pid == pid]
        if own:
            blocked.append(BlockedStatement(own[0], [row for row in rows if row.pid != pid]))
    return blocked


def _rows(sql: str, seconds: float) -> list[tuple[Any, ...]]:
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [seconds, MAX_ROWS])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _running(pid: int, node: str, state: str, seconds: float, query: str) -> Running:
    text = query if query != "<insufficient privilege>" else UNKNOWN_STATEMENT
    return Running(pid, node, state, float(seconds), without_values(text), requests_of(query))
