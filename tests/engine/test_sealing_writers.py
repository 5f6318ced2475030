"""Many programs change the same streams in opposite orders, and none waits for another in vain."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from django.db import connection

from realtime.core.sealing.sql import TriggeredTable
from tests.support.sealing import LEDGER, Writer, holes, insert, run_all

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

STREAMS = range(1, 6)
TRANSACTIONS = 40
WRITERS = 8
TABLE = TriggeredTable("ledger", "id", "ledger", "stream", "entry")


@pytest.fixture
def url() -> Iterator[str]:
    """The database, with a table whose rows stamp themselves."""
    options = connection.settings_dict
    host = options["HOST"] or options["OPTIONS"].get("host")
    with connection.cursor() as cursor:
        for statement in (LEDGER, *TABLE.create()):
            cursor.execute(statement)
        yield f"postgres://{options['USER']}@/{options['NAME']}?host={host}"
        for statement in (*TABLE.drop(), "DROP TABLE ledger"):
            cursor.execute(statement)


def order_of_commits(connected: Any) -> bool:
    """Whether rows of a later transaction never have a lower number in a shared stream."""
    rows = connected.execute("SELECT stream, seq, xmin::text::bigint FROM ledger ORDER BY 1, 2")
    by_stream: dict[int, list[int]] = {}
    for stream, _, transaction in rows:
        by_stream.setdefault(stream, []).append(transaction)
    orders = {tuple(dict.fromkeys(each)) for each in by_stream.values()}
    return len(orders) == 1


def test_writers_in_opposite_orders_meet_no_deadlock_and_leave_no_hole(url: str) -> None:
    writers = [
        Writer(url, list(STREAMS)[:: 1 if number % 2 else -1], TRANSACTIONS)
        for number in range(WRITERS)
    ]
    run_all(writers)
    assert [error for writer in writers for error in writer.errors] == []
    with psycopg.connect(url) as connected:
        assert holes(connected) == []
        count = connected.execute("SELECT count(*) FROM ledger").fetchone()
        assert count == (WRITERS * TRANSACTIONS * len(STREAMS),)


def test_all_streams_have_the_same_order_of_transactions(url: str) -> None:
    """It is the order of the commits: each transaction here changes every stream."""
    writers = [Writer(url, list(STREAMS)[:: 1 if n % 2 else -1], 10) for n in range(WRITERS)]
    run_all(writers)
    with psycopg.connect(url) as connected:
        assert order_of_commits(connected)


def test_a_transaction_that_sleeps_holds_up_nobody(url: str) -> None:
    with psycopg.connect(url) as slow:
        insert(slow, 1, 0)  # and its transaction stays open
        quick = Writer(url, [2, 1], TRANSACTIONS)
        run_all([quick])
        assert quick.errors == []
        assert slow.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        slow.commit()
    with psycopg.connect(url) as connected:
        assert holes(connected) == []
        last = connected.execute(
            "SELECT value FROM ledger WHERE stream = 1 ORDER BY seq DESC LIMIT 1"
        )
        assert last.fetchone() == (0,)
        heads = connected.execute("SELECT max(seq) FROM ledger GROUP BY stream ORDER BY stream")
        assert heads.fetchall() == [(TRANSACTIONS + 1,), (TRANSACTIONS,)]


def test_a_reader_sees_every_number_below_one_that_it_sees(url: str) -> None:
    """Pages that are read while others commit never skip a change."""
    seen: list[int] = []

    def read_until(total: int) -> None:
        with psycopg.connect(url, autocommit=True) as reader:
            while len(seen) < total:
                rows: Sequence[Any] = reader.execute(
                    "SELECT seq FROM ledger WHERE stream = 1 AND seq > %s ORDER BY seq", [len(seen)]
                ).fetchall()
                seen.extend(seq for (seq,) in rows)

    class Reader(Writer):
        def run(self) -> None:
            read_until(WRITERS * TRANSACTIONS)

    run_all([Reader(url, [], 0), *(Writer(url, [1], TRANSACTIONS) for _ in range(WRITERS))])
    assert seen == list(range(1, WRITERS * TRANSACTIONS + 1))
