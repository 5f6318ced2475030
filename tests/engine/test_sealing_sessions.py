"""Numbers at the COMMIT in every mode of a session that docs/extending.md speaks of."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from realtime.core.sealing.sql import TriggeredTable
from tests.support.sealing import LEDGER, insert

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ROLE = "shop_worker"
GRANTS = f"""
    GRANT INSERT, SELECT, DELETE ON realtime_pending TO {ROLE};
    GRANT INSERT, SELECT, UPDATE ON realtime_stream, realtime_tombstone TO {ROLE};
    GRANT INSERT ON realtime_deadletter TO {ROLE};
    GRANT INSERT, SELECT, UPDATE, DELETE ON ledger TO {ROLE};
    GRANT USAGE ON SEQUENCE ledger_id_seq TO {ROLE};
"""


@pytest.fixture
def session(ledger_url: str) -> Iterator[Any]:
    with psycopg.connect(ledger_url, autocommit=True) as made:
        yield made


def one(session: Any, query: str) -> Any:
    row = session.execute(query).fetchone()
    return row and row[0]


def numbers(session: Any) -> list[int]:
    """Return the numbers of the rows of stream 1, in the order of their making."""
    rows = session.execute("SELECT seq FROM ledger WHERE stream = 1 ORDER BY id")
    return [seq for (seq,) in rows]


def head(session: Any) -> Any:
    return one(session, "SELECT head FROM realtime_stream WHERE name = 'ledger.1'")


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_session_keeps_nothing_of_a_transaction(session: Any, end: str) -> None:
    """PgBouncer gives the next transaction of this session to another program."""
    session.execute("BEGIN")
    insert(session, 1, 1)
    session.execute(end)
    assert one(session, "SELECT current_setting('holdfast.stamped', true)") in ("", None)
    assert one(session, "SELECT count(*) FROM pg_prepared_statements WHERE from_sql") == 0
    assert one(session, "SELECT count(*) FROM pg_class WHERE relpersistence = 't'") == 0
    assert one(session, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    insert(session, 1, 2)
    assert numbers(session)[-1] == head(session) == (2 if end == "COMMIT" else 1)


def test_a_prepared_transaction_has_its_numbers_and_holds_its_streams(
    session: Any, ledger_url: str
) -> None:
    insert(session, 1, 1)
    session.execute("BEGIN")
    insert(session, 1, 2)
    session.execute("PREPARE TRANSACTION 'order'")
    try:
        assert numbers(session) == [1]
        with psycopg.connect(ledger_url) as other, pytest.raises(errors.LockNotAvailable):
            other.execute("SELECT FROM realtime_stream WHERE name = 'ledger.1' FOR UPDATE NOWAIT")
    finally:
        session.execute("COMMIT PREPARED 'order'")
    assert (numbers(session), head(session)) == ([1, 2], 2)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_stricter_transaction_fails_if_its_stream_moved(
    session: Any, ledger_url: str, level: str
) -> None:
    insert(session, 1, 1)
    session.execute(f"BEGIN ISOLATION LEVEL {level}")
    assert head(session) == 1  # its view of all rows is of now
    with psycopg.connect(ledger_url, autocommit=True) as other:
        insert(other, 1, 2)
    insert(session, 1, 3)
    with pytest.raises(errors.SerializationFailure):
        session.execute("COMMIT")
    insert(session, 1, 3)
    assert (numbers(session), head(session)) == ([1, 2, 3], 3)


def test_a_lock_that_is_not_free_in_time_fails_the_commit_and_makes_no_dead_letter(
    session: Any, ledger_url: str
) -> None:
    insert(session, 1, 1)
    with psycopg.connect(ledger_url) as other:
        other.execute("SELECT FROM realtime_stream WHERE name = 'ledger.1' FOR UPDATE")
        session.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            insert(session, 1, 2)
    assert one(session, "SELECT count(*) FROM realtime_deadletter") == 0
    assert (numbers(session), head(session)) == ([1], 1)


def test_a_replica_and_truncate_are_not_seen(session: Any) -> None:
    insert(session, 1, 1)
    session.execute("SET session_replication_role = replica")
    insert(session, 1, 2)
    assert (numbers(session), head(session)) == ([1, 0], 1)
    session.execute("RESET session_replication_role")
    session.execute("TRUNCATE ledger")
    assert head(session) == 1
    assert one(session, "SELECT count(*) FROM realtime_tombstone") == 0


def test_a_table_in_another_schema_is_numbered_whatever_the_search_path(session: Any) -> None:
    table = TriggeredTable("parcel", "id", "parcel", "stream", "entry")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA shop; SET search_path = shop, public")
        try:
            for statement in (LEDGER.replace("ledger", "parcel"), *table.create()):
                cursor.execute(statement)
            session.execute("SET search_path = ''")
            session.execute("INSERT INTO shop.parcel (stream) VALUES (1), (1)")
            session.execute("DELETE FROM shop.parcel WHERE seq = 1")
            rows = session.execute("SELECT seq FROM shop.parcel").fetchall()
            heads = "SELECT head FROM public.realtime_stream WHERE name = 'parcel.1'"
            assert (rows, one(session, heads)) == ([(2,)], 3)
        finally:
            cursor.execute("RESET search_path; DROP SCHEMA shop CASCADE")


def test_a_program_with_a_role_of_its_own_needs_these_rights(session: Any, ledger_url: str) -> None:
    session.execute(f"CREATE ROLE {ROLE}; {GRANTS}")
    try:
        with psycopg.connect(ledger_url, autocommit=True) as worker:
            worker.execute(f"SET ROLE {ROLE}")
            insert(worker, 1, 1)
            worker.execute("UPDATE ledger SET value = 2")
            worker.execute("DELETE FROM ledger")
            with worker.transaction():
                worker.execute("SELECT holdfast_stamp('ledger.1', 'realtime_stream', '1', 'x')")
        assert head(session) == 3
        assert one(session, "SELECT seq FROM realtime_tombstone") == 3
        assert one(session, "SELECT count(*) FROM realtime_deadletter") == 1
    finally:
        session.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
