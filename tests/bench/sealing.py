"""``make bench-sealing``: what numbers at the COMMIT cost a transaction (decision 38).

Two tables are the same, but the rows of one stamp themselves. Rounds of both alternate on one
connection to PostgreSQL. The report is docs/benchmarks/sealing.md.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil
import psycopg

from tests.support.postgres import Postgres
from tests.support.sealing import LEDGER
from tests.support.server import ROOT

REPORT = ROOT / "docs" / "benchmarks" / "sealing.md"
STREAMS = 5
ROUNDS = 10  # of each table, alternating
TRANSACTIONS: Mapping[int, int] = {1: 300, 20: 60, 1000: 4}  # of a round, by rows
PLAIN, STAMPED = "plain", "ledger"


@dataclass
class Cost:
    """Times of the transactions of one kind."""

    wall: list[float] = field(default_factory=list)  # milliseconds, of each transaction
    processor: list[float] = field(default_factory=list)  # of the server, mean of each round

    def row(self, name: str) -> str:
        """Return a line of the table."""
        ordered = sorted(self.wall)
        return (
            f"| {name} | {statistics.median(ordered):.2f} | "
            f"{ordered[int(len(ordered) * 0.99)]:.2f} | {statistics.median(self.processor):.2f} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with Postgres(migrated=True) as server:
        os.environ |= {"DATABASE_URL": server.url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        with psycopg.connect(server.url, autocommit=True) as connection:
            _make_tables(connection)
            found = _measure(connection, options.rounds)
            version = connection.info.server_version // 10_000
    text = _report(found, version)
    sys.stdout.write(text)
    if options.rounds >= ROUNDS:
        REPORT.write_text(text)
    return 0


def _make_tables(connection: Any) -> None:
    import django

    django.setup()
    from realtime.core.sealing.sql import TriggeredTable

    for name in (PLAIN, STAMPED):
        connection.execute(LEDGER.replace("ledger", name))
        connection.execute(f"CREATE INDEX ON {name} (stream, seq)")
    for statement in TriggeredTable(STAMPED, "id", STAMPED, "stream", "entry").create():
        connection.execute(statement)


def _measure(connection: Any, rounds: int) -> dict[tuple[str, int, str], Cost]:
    found: dict[tuple[str, int, str], Cost] = {}
    for rows, transactions in TRANSACTIONS.items():
        for _ in range(rounds):
            for table in (PLAIN, STAMPED):
                for work, run in (("insert", _insert), ("update", _update)):
                    cost = found.setdefault((work, rows, table), Cost())
                    _round(connection, cost, transactions, run(connection, table, rows))
                _empty(connection, table)
    return found


def _insert(connection: Any, table: str, rows: int) -> Callable[[], Any]:
    sql = (
        f"INSERT INTO {table} (stream, value) "
        "SELECT 1 + i %% %s, 0 FROM generate_series(1, %s) AS i"
    )
    return lambda: connection.execute(sql, [STREAMS, rows])


def _update(connection: Any, table: str, rows: int) -> Callable[[], Any]:
    sql = f"UPDATE {table} SET value = value + 1 WHERE id BETWEEN %s AND %s"
    first = connection.execute(f"SELECT min(id) FROM {table}").fetchone()[0]
    return lambda: connection.execute(sql, [first, first + rows - 1])


def _round(connection: Any, cost: Cost, transactions: int, run: Callable[[], Any]) -> None:
    backend = psutil.Process(connection.info.backend_pid)
    before = _processor_seconds(backend)
    for _ in range(transactions):
        begun = time.perf_counter()
        run()
        cost.wall.append((time.perf_counter() - begun) * 1e3)
    cost.processor.append((_processor_seconds(backend) - before) * 1e3 / transactions)


def _processor_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _empty(connection: Any, table: str) -> None:
    connection.execute(f"TRUNCATE {table}")
    connection.execute("DELETE FROM realtime_stream WHERE name LIKE 'ledger.%'")
    connection.execute(f"VACUUM realtime_stream, realtime_pending, {table}")


def _report(found: Mapping[tuple[str, int, str], Cost], version: int) -> str:
    names = {PLAIN: "without triggers", STAMPED: "numbered at COMMIT"}
    lines = [
        _row
        for rows in TRANSACTIONS
        for work in ("insert", "update")
        for table, name in names.items()
        for _row in [found[work, rows, table].row(f"{work} {rows:,} | {name}")]
    ]
    load = os.getloadavg()[1]
    return "\n".join(
        [
            "# Numbers at the COMMIT",
            "",
            "Written by `make bench-sealing`: transactions of one statement, with and without stream "
            "triggers, alternating in",
            f"{ROUNDS} rounds on one connection. The rows are in {STREAMS} streams.",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, PostgreSQL {version}, Python "
            f"{platform.python_version()}, {os.cpu_count()} cores, a load of {load:.0f}. Nothing is "
            "flushed to the disk, so a",
            "transaction without triggers is as cheap as it can be. Times are milliseconds for a "
            "transaction. The processor time is",
            "that of the server, measured in steps of 10 ms over each round; a load disturbs it less "
            "than the other two.",
            "",
            "| rows | table | median | p99 | processor |",
            "|---|---|--:|--:|--:|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
