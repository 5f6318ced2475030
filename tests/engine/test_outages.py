"""After PostgreSQL was away: one caller gets the error, and no caller gets a stale connection."""

import asyncio
from collections.abc import Callable, Iterator
from threading import Barrier

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection

from realtime.core import database
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
