"""The least that a stored post costs: lock, read, write and commit by a bare driver.

``python -m tests.bench.holdfast.bare ROOM RATE SECONDS`` prints the CPU of the client for a post in
µs, and the time of a transaction in ms (median and 99th percentile), as JSON.
"""

import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import django
import psycopg

BODY = "x" * 100
_COLUMNS = (
    "room_id, number, seq, author_id, key, body, html, created_at, reactions, mentions, notified, "
    "is_public"
)


def main(room: int, rate: float, seconds: float) -> None:
    """Post at ``rate``, one transaction after the other."""
    django.setup()
    from django.db import connection

    transaction = (
        _postgresql(connection.get_connection_params(), room)
        if connection.vendor == "postgresql"
        else _sqlite(str(connection.settings_dict["NAME"]), room)
    )
    for _ in range(20):  # plans and caches
        transaction()
    took: list[float] = []
    cpu, start = time.process_time(), time.perf_counter()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, start + number / rate - time.perf_counter()))
        before = time.perf_counter()
        transaction()
        took.append(1e3 * (time.perf_counter() - before))
    found = {
        "cpu_us": 1e6 * (time.process_time() - cpu) / len(took),
        "p50_ms": statistics.median(took),
        "p99_ms": statistics.quantiles(took, n=100)[98],
    }
    sys.stdout.write(json.dumps(found))


def _postgresql(params: dict[str, Any], room: int) -> Callable[[], None]:
    connect = {
        key: params[key] for key in ("dbname", "user", "password", "host", "port") if key in params
    }
    raw = psycopg.connect(**connect)
    raw.prepare_threshold = 0

    def transaction() -> None:
        raw.execute("SELECT head FROM realtime_stream WHERE name = %s FOR UPDATE", [f"room.{room}"])
        found = raw.execute(
            "SELECT r.last_number, m.user_id, r.seq FROM chat_room r "
            "JOIN chat_membership m ON m.room_id = r.id WHERE r.id = %s LIMIT 1",
            [room],
        ).fetchone()
        assert found is not None
        raw.execute(
            "WITH made AS (INSERT INTO chat_message "
            f"({_COLUMNS}) SELECT id, last_number + 1, last_number + 1000000, %s, %s, %s, '', "
            "now(), '{}', '[]', '[]', true FROM chat_room WHERE id = %s RETURNING id), "
            "counted AS (UPDATE chat_room SET last_number = last_number + 1 WHERE id = %s) "
            "UPDATE realtime_stream SET head = head + 1 WHERE name = %s",
            [found[1], uuid4(), BODY, room, room, f"room.{room}"],
        )
        raw.commit()

    return transaction


def _sqlite(path: str, room: int) -> Callable[[], None]:
    raw = sqlite3.connect(path, isolation_level=None)
    raw.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")

    def transaction() -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("SELECT head FROM realtime_stream WHERE name = ?", [f"room.{room}"]).fetchone()
        number, author = raw.execute(
            "SELECT r.last_number, m.user_id FROM chat_room r "
            "JOIN chat_membership m ON m.room_id = r.id WHERE r.id = ? LIMIT 1",
            [room],
        ).fetchone()
        raw.execute(
            f"INSERT INTO chat_message ({_COLUMNS}) VALUES "
            "(?, ?, ?, ?, ?, ?, '', '2026-01-01', '{}', '[]', '[]', 1)",
            [room, number + 1, number + 1_000_000, author, uuid4().hex, BODY],
        )
        raw.execute("UPDATE chat_room SET last_number = last_number + 1 WHERE id = ?", [room])
        raw.execute("UPDATE realtime_stream SET head = head + 1 WHERE name = ?", [f"room.{room}"])
        raw.execute("COMMIT")

    return transaction


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
