"""One lock, or one slow statement, delays the commands that need it, and no others."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection

from chat import services
from chat.services.messages.admission import admit
from realtime.core import database, metrics, reads
from realtime.core import writer as writers
from realtime.core.database import read
from realtime.core.outages import health
from realtime.core.slow_reads import slow_places
from realtime.core.writer import writer
from realtime.protocol.errors import Unavailable
from tests.conftest import People
from tests.support.waiting import until

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

LOCK_SECONDS = 2.0  # instead of 5: the tests wait for it
LONG_SECONDS = 60.0  # where the lock is free in time, on a busy machine too
PATIENCE_SECONDS = 20.0
ADVISORY_LOCK = 4711
MANY_READS = 12  # more than there are threads


@pytest.fixture(autouse=True)
def short_limits(settings: Any) -> Iterator[None]:
    settings.HOLDFAST_LOCK_SECONDS = LOCK_SECONDS
    yield
    writers.close_all()
    database.close()
    slow_places.forget()
    health.forget()


@contextmanager
def held(statement: str, *values: object) -> Iterator[psycopg.Connection[Any]]:
    """Hold what ``statement`` locks in a transaction of someone else."""
    options = connection.settings_dict
    other = psycopg.connect(
        dbname=options["NAME"],
        user=options["USER"],
        host=options["HOST"] or options["OPTIONS"].get("host"),
    )
    try:
        other.execute(statement, values or None)
        yield other
    finally:
        other.close()


class Rooms:
    """Two rooms: Alice owns both, and Bob is a member."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.first, self.second = (
            services.create_room(actor_id=people.alice.pk, name=name).room_id for name in "AB"
        )
        for room in (self.first, self.second):
            services.join(actor_id=people.bob.pk, room_id=room)

    async def post(self, who: User, room: int, body: str = "hello") -> int:
        """Post as a socket does. Returns the number."""
        post = services.Post(author_id=who.pk, room_id=room, key=uuid4(), body=body)
        async with asyncio.timeout(PATIENCE_SECONDS):
            posted = await writer().batch(services.post_messages, post, place=room, author=who.pk)
        return posted.message.number


@pytest.fixture
async def rooms(people: People) -> Rooms:
    made = await sync_to_async(Rooms)(people)
    await made.post(people.alice, made.first)
    await made.post(people.alice, made.second)
    return made


def refused(results: list[Any]) -> list[Any]:
    return [each for each in results if isinstance(each, Unavailable)]


async def test_a_locked_room_delays_its_own_posts_only(rooms: Rooms) -> None:
    alice, bob = rooms.people.alice, rooms.people.bob
    with held("SELECT 1 FROM realtime_stream WHERE name = %s FOR UPDATE", f"room.{rooms.first}"):
        stuck = [asyncio.create_task(rooms.post(who, rooms.first)) for who in (alice, bob, alice)]
        most = 0.0
        for number in range(2, 32):
            assert await rooms.post(bob, rooms.second) == number
            most = max(most, value_of("holdfast_writer_waiting"))
        assert most == len(stuck)
        assert len(refused(await asyncio.gather(*stuck, return_exceptions=True))) == len(stuck)
        assert health.writable
    assert await rooms.post(alice, rooms.first) == 2
    assert value_of("holdfast_writer_waiting") == 0


async def test_rooms_that_share_a_batch_with_a_locked_one_go_on(rooms: Rooms) -> None:
    alice, bob = rooms.people.alice, rooms.people.bob
    with held("SELECT 1 FROM realtime_stream WHERE name = %s FOR UPDATE", f"room.{rooms.first}"):
        together = [
            asyncio.create_task(rooms.post(who, room))
            for who in (alice, bob) for room in (rooms.first, rooms.second)
        ]  # fmt: skip
        results = await asyncio.gather(*together, return_exceptions=True)
        assert len(refused(results)) == 2
        assert sorted(each for each in results if isinstance(each, int)) == [2, 3]


async def test_a_locked_inbox_stops_who_mentions_its_owner_but_not_the_room(rooms: Rooms) -> None:
    alice, bob = rooms.people.alice, rooms.people.bob
    with held("SELECT 1 FROM realtime_stream WHERE name = %s FOR UPDATE", f"inbox.{bob.pk}") as _:
        mention = asyncio.create_task(rooms.post(alice, rooms.first, "@bob, look"))
        await asyncio.sleep(0)
        assert [await rooms.post(bob, rooms.first) for _ in range(10)] == list(range(2, 12))
        with pytest.raises(Unavailable):
            await mention
    assert await rooms.post(alice, rooms.first, "@bob, look") == 12


async def test_a_locked_account_stops_its_own_posts_only(rooms: Rooms) -> None:
    alice, bob = rooms.people.alice, rooms.people.bob
    with held("SELECT 1 FROM auth_user WHERE id = %s FOR UPDATE", alice.pk):
        stuck = asyncio.create_task(rooms.post(alice, rooms.first))
        await asyncio.sleep(0)
        assert [await rooms.post(bob, rooms.first) for _ in range(10)] == list(range(2, 12))
        with pytest.raises(Unavailable):
            await stuck


async def test_a_locked_table_is_answered_and_over_at_once_when_it_is_free(
    rooms: Rooms, settings: Any
) -> None:
    alice = rooms.people.alice
    with held("LOCK TABLE chat_message IN SHARE MODE"):
        with pytest.raises(Unavailable) as caught:
            await rooms.post(alice, rooms.first)
        assert caught.value.retry_after
        settings.HOLDFAST_LOCK_SECONDS = LONG_SECONDS
        before = value_of("holdfast_database_errors_total", sqlstate="55P03")
        waiting = [
            asyncio.create_task(rooms.post(alice, room)) for room in (rooms.first, rooms.second)
        ]
        await until(lambda: value_of("holdfast_database_errors_total", sqlstate="55P03") > before)
    assert await asyncio.gather(*waiting) == [2, 2]


async def test_a_table_that_only_some_commands_need_stops_these_alone(rooms: Rooms) -> None:
    alice, bob = rooms.people.alice, rooms.people.bob
    with held("LOCK TABLE notifications_notification IN ACCESS EXCLUSIVE MODE"):
        mention = asyncio.create_task(rooms.post(alice, rooms.first, "@bob, look"))
        await asyncio.sleep(0)
        assert [await rooms.post(bob, rooms.second) for _ in range(10)] == list(range(2, 12))
        with pytest.raises(Unavailable):
            await mention


async def test_a_slow_statement_delays_its_own_room_only(rooms: Rooms, slow_room: Any) -> None:
    alice, bob = rooms.people.alice, rooms.people.bob
    await sync_to_async(slow_room)(rooms.first, 3.0)
    slow = asyncio.create_task(rooms.post(alice, rooms.first))
    await asyncio.sleep(0)
    numbers = []
    while not slow.done():
        numbers.append(await rooms.post(bob, rooms.second))
    assert len(numbers) > 10
    assert await slow == 2  # slow, but done


async def test_on_a_slow_table_a_busy_room_refuses_nobody(rooms: Rooms, settings: Any) -> None:
    """Each statement is slow, however many messages it stores: together they take as long.

    One by one, they would take twice the time that each has.
    """
    settings.HOLDFAST_LOCK_SECONDS = 10.0
    await sync_to_async(slow_table)(0.7)
    authors = await sync_to_async(members)(rooms.first, 30)
    try:
        posts = (rooms.post(author, rooms.first) for author in authors)
        results = await asyncio.gather(*posts, return_exceptions=True)
    finally:
        await sync_to_async(end_slow_table)()
    assert refused(results) == []
    assert set(results) == set(range(2, 32))


def members(room: int, count: int) -> list[User]:
    made = [User.objects.create_user(f"member{number}") for number in range(count)]
    for each in made:
        services.join(actor_id=each.pk, room_id=room)
    return made


def slow_table(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$"
        )
        cursor.execute("CREATE TRIGGER slow BEFORE INSERT ON chat_message EXECUTE FUNCTION slow()")


def end_slow_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER slow ON chat_message")


async def test_one_author_keeps_the_order_whatever_is_locked(rooms: Rooms, settings: Any) -> None:
    settings.HOLDFAST_LOCK_SECONDS = LONG_SECONDS
    alice = rooms.people.alice
    before = value_of("holdfast_database_errors_total", sqlstate="55P03")
    bodies = [str(number) for number in range(40)]
    with held("SELECT 1 FROM realtime_stream WHERE name = %s FOR UPDATE", f"room.{rooms.first}"):
        tasks = [asyncio.create_task(rooms.post(alice, rooms.first, body)) for body in bodies[:20]]
        await until(lambda: value_of("holdfast_database_errors_total", sqlstate="55P03") > before)
        tasks += [asyncio.create_task(rooms.post(alice, rooms.first, body)) for body in bodies[20:]]
        await asyncio.sleep(0)
    results = await asyncio.gather(*tasks)
    assert results == list(range(2, 42))


@pytest.fixture
def slow_room() -> Iterator[Callable[[int, float], None]]:
    """``slow_room(room, seconds)``: every insert of a message there takes so long."""

    def slow(room: int, seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF NEW.room_id = {room} THEN PERFORM pg_sleep({seconds}); END IF; "
                "RETURN NEW; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER slow BEFORE INSERT ON chat_message "
                "FOR EACH ROW EXECUTE FUNCTION slow()"
            )

    yield slow
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER IF EXISTS slow ON chat_message")


def value_of(metric: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(metric, labels) or 0.0


def wait_for_a_lock(_stream: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [ADVISORY_LOCK])


@pytest.mark.parametrize("streams", [1, MANY_READS])
async def test_slow_reads_leave_the_threads_to_others(rooms: Rooms, streams: int) -> None:
    post = services.Post(
        author_id=rooms.people.alice.pk, room_id=rooms.first, key=uuid4(), body="a"
    )
    with held("SELECT pg_advisory_xact_lock(%s)", ADVISORY_LOCK):
        slow = [
            asyncio.create_task(read(wait_for_a_lock, f"room.{number % streams}"))
            for number in range(MANY_READS)
        ]
        for _ in range(MANY_READS):
            await read(reads.heads, [f"room.{rooms.second}"])
            await database.read_together(admit, post)
        assert not any(each.done() for each in slow)
    results = await asyncio.gather(*slow, return_exceptions=True)
    # The lock was freed for some, and the others are answered in time.
    assert len(refused(results)) + results.count(None) == MANY_READS


async def test_a_read_that_was_slow_is_no_error(rooms: Rooms) -> None:
    before = errors()
    with held("SELECT pg_advisory_xact_lock(%s)", ADVISORY_LOCK) as other:
        slow = asyncio.create_task(read(wait_for_a_lock, "room.1"))
        await until(lambda: slow_places.holds((wait_for_a_lock, "room.1")))
        other.rollback()
        await slow
    assert errors() == before


def errors() -> float:
    return sum(
        sample.value
        for family in metrics.registry.collect()
        if family.name == "holdfast_database_errors"
        for sample in family.samples
        if sample.name.endswith("_total")
    )
