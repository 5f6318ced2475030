"""A PostgreSQL that was away, hangs or refuses: its answer, its cause, and what comes after."""

import asyncio
import inspect
import os
import signal
from collections.abc import Callable, Iterator
from threading import Barrier
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection

from chat.management.commands import person_erase, person_export
from realtime.core import database, limits, metrics
from realtime.core.limits import long_statements
from realtime.core.outages import health
from realtime.core.postgresql import BoundedConnection
from realtime.core.slow_reads import slow_places
from realtime.core.writer import writer
from realtime.management.commands import migrate
from realtime.models import Stream
from realtime.protocol.errors import Unavailable

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def ask() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def ended_threads() -> Iterator[None]:
    yield
    database.close()
    slow_places.forget()
    health.forget()


def end(pids: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [list(pids)])


def ask_and_demote() -> int:
    """Make the connection as it is to a server that has become a standby."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    return ask()


def write() -> None:
    Stream.objects.update_or_create(name="room.1")


async def on_every_thread(work: Callable[[], int] = ask) -> set[int]:
    """Read once on each reading thread, and return the numbers of their connections."""
    together = Barrier(settings.HOLDFAST_READ_THREADS)

    def met() -> int:
        together.wait(10)
        return work()

    return set(
        await asyncio.gather(*(database.read(met) for _ in range(settings.HOLDFAST_READ_THREADS)))
    )


async def test_one_read_meets_the_outage_for_all_threads() -> None:
    before = await on_every_thread()
    assert len(before) == settings.HOLDFAST_READ_THREADS
    await sync_to_async(end)(before)
    with pytest.raises(Unavailable):
        await database.read(ask)
    assert not before & await on_every_thread()


async def test_all_threads_leave_a_server_that_accepts_no_writes() -> None:
    before = await on_every_thread(ask_and_demote)
    with pytest.raises(Unavailable):
        await database.read(write)
    assert not before & await on_every_thread()
    await database.read(write)


async def test_a_statement_that_takes_too_long_is_cancelled(settings: Any) -> None:
    def sleep() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    settings.HOLDFAST_STATEMENT_SECONDS = 0.3
    with pytest.raises(database.Blocked):
        await database.read(sleep)
    settings.HOLDFAST_STATEMENT_SECONDS = 15
    assert await database.read(ask)  # the connection is still good


async def test_a_server_that_does_not_answer_is_given_up(settings: Any) -> None:
    settings.HOLDFAST_STATEMENT_SECONDS = 0.3
    settings.HOLDFAST_READ_THREADS = 1  # or the next read might have a connection of its own
    pid = await database.read(ask)
    os.kill(pid, signal.SIGSTOP)  # this session alone: not even a cancelled statement ends
    try:
        with pytest.raises(Unavailable) as caught:
            await database.read(ask)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert not isinstance(caught.value, database.Blocked)
    assert health.cause == "08006"
    assert not health.up
    settings.HOLDFAST_STATEMENT_SECONDS = 15
    await database.read(ask)
    assert health.up


@pytest.mark.parametrize(
    ("sqlstate", "writable"),
    [
        ("53100", False),
        ("25006", False),
        ("42501", True),
        ("42P01", True),
        ("40P01", True),
        ("23503", True),
    ],
)
async def test_what_refuses_a_write_is_named_and_counted_and_makes_a_node_unwritable(
    sqlstate: str, writable: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '{sqlstate}'; END $$"
            )

    health.forget()
    counted = metrics.database_errors.labels(sqlstate)._value.get()
    results = [await answer(refuse) for _ in range(3)]
    assert health.writable == writable
    if sqlstate != "23503":  # a mistake of the statement is not an outage
        assert all(isinstance(each, Unavailable) for each in results)
        assert metrics.database_errors.labels(sqlstate)._value.get() == counted + 3
        lines = [each for each in caplog.records if getattr(each, "sqlstate", "") == sqlstate]
        assert len(lines) == 1
        assert "no room" in lines[0].error  # type: ignore[attr-defined]


@pytest.mark.parametrize("sqlstate", ["42501", "42P01"])
async def test_tables_that_a_change_cannot_use_make_a_node_unwritable(sqlstate: str) -> None:
    """Such a read is one page that does not work; the node can do the rest."""

    def refuse() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DO $$ BEGIN RAISE EXCEPTION 'not here' USING ERRCODE = '{sqlstate}'; END $$"
            )

    health.forget()
    assert isinstance(await answer(refuse), Unavailable)
    after_read = health.writable
    with pytest.raises(Unavailable):
        await writer().run(refuse)
    assert (after_read, health.writable, health.cause) == (True, False, sqlstate)


async def answer(function: Callable[[], None]) -> Exception | None:
    try:
        await database.read(function)
    except Exception as error:  # noqa: BLE001  returned
        return error
    return None


def test_long_statements_have_no_limit_but_locks_have(settings: Any) -> None:
    with long_statements():
        assert shown("statement_timeout") == "0"
        assert shown("lock_timeout") == "5s"
        assert limits.current().statement is None
    assert shown("statement_timeout") == "15s"


def test_commands_with_long_statements_say_so() -> None:
    for command in (migrate.Command, person_export.Command, person_erase.Command):
        assert "long_statements" in inspect.getsource(command)


def shown(setting: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {setting}")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"dbname": "nowhere"}, "3D000"),
        ({"user": "few"}, "53300"),
        ({"host": "/nowhere"}, "08001"),
    ],
)
def test_a_connection_that_is_refused_is_named_by_its_cause(
    options: dict[str, str], cause: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 0")
    values = {**connection.get_connection_params(), **options}
    values.pop("cursor_factory")
    health.forget()
    with pytest.raises(psycopg.OperationalError):
        BoundedConnection.connect(**values)
    assert (health.up, health.cause) == (False, cause)
