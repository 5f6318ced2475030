"""Many programs change the same streams in opposite orders, and none waits for another in vain."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.support.sealing import Writer, holes, insert, run_all

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

STREAMS = range(1, 6)
TRANSACTIONS = 40
WRITERS = 8


def order_of_commits(connected: Any) -> bool:
    """Whether rows of a later transaction never have a lower number in a shared stream."""
    rows = connected.execute("SELECT stream, seq, xmin::text::bigint FROM ledger ORDER BY 1, 2")
    by_stream: dict[int, list[int]] = {}
    for stream, _, transaction in rows:
        by_stream.setdefault(stream, []).append(transaction)
    orders = {tuple(dict.fromkeys(each)) for each in by_stream.values()}
    return len(orders) == 1


def test_writers_in_opposite_orders_meet_no_deadlock_and_leave_no_hole(ledger_url: str) -> None:
    writers = [
        Writer(ledger_url, list(STREAMS)[:: 1 if number % 2 else -1], TRANSACTIONS)
        for number in range(WRITERS)
    ]
    run_all(writers)
    assert [error for writer in writers for error in writer.errors] == []
    with psycopg.connect(ledger_url) as connected:
        assert holes(connected) == []
        count = connected.execute("SELECT count(*) FROM ledger").fetchone()
        assert count == (WRITERS * TRANSACTIONS * len(STREAMS),)


def test_all_streams_have_the_same_order_of_transactions(ledger_url: str) -> None:
    """It is the order of the commits: each transaction here changes every stream."""
    writers = [Writer(ledger_url, list(STREAMS)[:: 1 if n % 2 else -1], 10) for n in range(WRITERS)]
    run_all(writers)
    with psycopg.connect(ledger_url) as connected:
        assert order_of_commits(connected)


def test_a_transaction_that_sleeps_holds_up_nobody(ledger_url: str) -> None:
    with psycopg.connect(ledger_url) as slow:
        insert(slow, 1, 0)  # and its transaction stays open
        quick = Writer(ledger_url, [2, 1], TRANSACTIONS)
        run_all([quick])
        assert quick.errors == []
        assert slow.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        slow.commit()
    with psycopg.connect(ledger_url) as connected:
        assert holes(connected) == []
        last = connected.execute(
            "SELECT value FROM ledger WHERE stream = 1 ORDER BY seq DESC LIMIT 1"
        )
        assert last.fetchone() == (0,)
        heads = connected.execute("SELECT max(seq) FROM ledger GROUP BY stream ORDER BY stream")
        assert heads.fetchall() == [(TRANSACTIONS + 1,), (TRANSACTIONS,)]


def test_a_reader_sees_every_number_below_one_that_it_sees(ledger_url: str) -> None:
    """Pages that are read while others commit never skip a change."""
    seen: list[int] = []

    def read_until(total: int) -> None:
        with psycopg.connect(ledger_url, autocommit=True) as reader:
            while len(seen) < total:
                rows: Sequence[Any] = reader.execute(
                    "SELECT seq FROM ledger WHERE stream = 1 AND seq > %s ORDER BY seq", [len(seen)]
                ).fetchall()
                seen.extend(seq for (seq,) in rows)

    class Reader(Writer):
        def run(self) -> None:
            read_until(WRITERS * TRANSACTIONS)

    run_all(
        [
            Reader(ledger_url, [], 0),
            *(Writer(ledger_url, [1], TRANSACTIONS) for _ in range(WRITERS)),
        ]
    )
    assert seen == list(range(1, WRITERS * TRANSACTIONS + 1))
