"""Transactions of a program that knows only SQL: many at once, in opposite orders."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

JOIN_SECONDS = 3600.0

LEDGER = """
CREATE TABLE ledger (
    id bigserial PRIMARY KEY, stream integer NOT NULL, value integer NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0
)
"""


@dataclass
class Writer:
    """Commits transactions that change rows of the same streams, in the order of ``streams``."""

    url: str
    streams: Sequence[int]
    transactions: int
    pause: float = 0.0  # seconds inside each transaction
    took: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Run them all; an error ends one transaction only."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for number in range(self.transactions):
                begun = time.monotonic()
                try:
                    with connection.transaction():
                        for stream in self.streams:
                            insert(connection, stream, number)
                        time.sleep(self.pause)  # the caller's own work
                except psycopg.Error as error:
                    self.errors.append(f"{type(error).__name__}: {error}")
                self.took.append(time.monotonic() - begun)


def insert(connection: Any, stream: int, value: int) -> None:
    """Insert one row."""
    connection.execute("INSERT INTO ledger (stream, value) VALUES (%s, %s)", [stream, value])


def run_all(writers: Sequence[Writer]) -> float:
    """Run the writers at the same time, and return the seconds."""
    threads = [threading.Thread(target=writer.run) for writer in writers]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
    return time.monotonic() - begun


def holes(connection: Any) -> list[tuple[Any, ...]]:
    """Return the streams whose numbers are not 1, 2, 3 … up to the head."""
    found: list[tuple[Any, ...]] = connection.execute(
        """
        SELECT stream, count(*), count(DISTINCT l.seq), min(l.seq), max(l.seq), max(s.head)
        FROM ledger l JOIN realtime_stream s ON s.name = 'ledger.' || l.stream
        GROUP BY stream
        HAVING count(*) <> count(DISTINCT l.seq) OR min(l.seq) <> 1
            OR max(l.seq) <> count(*) OR max(l.seq) <> max(s.head)
        """
    ).fetchall()
    return found
