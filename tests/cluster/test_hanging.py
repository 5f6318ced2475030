"""A database that locks or hangs: every command is answered, and a node that stops is gone."""

import asyncio
import time
import uuid

import httpx
import pytest

from tests.cluster.conftest import DRAIN_SECONDS, Desk
from tests.conformance.client import Refused
from tests.support.waiting import during, until

# FINISH_SECONDS and two EXIT_SECONDS of realtime/server/server.py, and a busy machine.
MARGIN_SECONDS = 20 + 10
ANSWER_SECONDS = 20.0  # a statement that is cut, and a connection that is not made


async def test_a_locked_room_is_refused_on_every_node_while_others_talk(desk: Desk) -> None:
    locked, free = desk.room("bob"), desk.room("bob")
    stopping, staying = desk.cluster.socket_names
    alice = await desk.client("alice", locked, stopping)
    bob = await desk.client("bob", locked, staying)
    statement = f"SELECT 1 FROM realtime_stream WHERE name = 'room.{locked}' FOR UPDATE"
    async with during(desk.cluster.locked(statement)):
        stuck = [
            asyncio.create_task(
                each.command("message.post", room=locked, key=str(uuid.uuid4()), body="stuck")
            )
            for each in (alice, bob)
        ]
        await until(lambda: desk.cluster.metric(stopping, "holdfast_writer_waiting") >= 1)
        for each in (alice, bob):
            for number in range(10):
                key = str(uuid.uuid4())
                await each.command("message.post", room=free, key=key, body=f"{number}")
        for task in stuck:
            with pytest.raises(Refused, match="unavailable"):
                await task
        errors = desk.cluster.metric(stopping, "holdfast_database_errors_total")
        assert errors > 0
        assert desk.cluster.state(stopping)["writable"] is True
        again = asyncio.create_task(
            alice.command("message.post", room=locked, key=str(uuid.uuid4()), body="stuck")
        )
        await until(lambda: desk.cluster.metric(stopping, "holdfast_writer_waiting") >= 1)
        started = time.monotonic()
        async with during(desk.cluster.stopped(stopping)):
            assert time.monotonic() - started < DRAIN_SECONDS + MARGIN_SECONDS
            await asyncio.gather(again, return_exceptions=True)
            assert again.exception() is not None
    await until(lambda: alice.close_code is not None)
    await alice.reconnect()
    await alice.post(locked, "at last")


async def test_a_frozen_database_is_answered_and_a_node_can_stop(desk: Desk) -> None:
    room = desk.room("bob")
    stopping, staying = desk.cluster.socket_names
    alice = await desk.client("alice", room, staying)
    await desk.client("bob", room, stopping)
    key = str(uuid.uuid4())
    async with during(desk.cluster.postgres_frozen()):
        async with asyncio.timeout(ANSWER_SECONDS):
            with pytest.raises(Refused, match="unavailable"):
                await alice.command("message.post", room=room, key=key, body="kept and repeated")
        state = await asyncio.to_thread(desk.cluster.probe, staying, "/readyz")
        assert (state.status_code, state.json()["down"]) == (503, ["database"])
        assert desk.cluster.metric(staying, "holdfast_database_up") == 0
        assert "PostgreSQL did not answer" in desk.cluster[staying].log
        started = time.monotonic()
        code = await asyncio.to_thread(desk.cluster[stopping].stop)
        assert code == 0
        assert time.monotonic() - started < DRAIN_SECONDS + MARGIN_SECONDS
    await alice.insist("message.post", room=room, key=key, body="kept and repeated")
    await until(lambda: desk.cluster.ready(staying))
    assert desk.cluster.metric(staying, "holdfast_database_up") == 1
    await asyncio.to_thread(desk.cluster.start, stopping)


async def test_a_full_disk_is_named_everywhere(desk: Desk) -> None:
    message = "could not extend file: No space left on device"
    room = desk.room("bob")
    node = desk.cluster.socket_names[0]
    alice = await desk.client("alice", room, node)
    await until(lambda: desk.cluster.probe(node, "/readyz?write=1").status_code == httpx.codes.OK)
    before = desk.cluster[node].log.count(message)
    async with during(desk.cluster.postgres_refuses("53100", message)):
        for _ in range(5):
            with pytest.raises(Refused, match="unavailable"):
                await alice.command("message.post", room=room, key=str(uuid.uuid4()), body="no")
        state = desk.cluster.probe(node, "/readyz")
        assert (state.status_code, state.json()["writable"]) == (httpx.codes.OK, False)
        assert state.json()["cause"] == "53100"
        assert desk.cluster.probe(node, "/readyz?write=1").json()["down"] == ["writable"]
        assert desk.cluster.metric(node, "holdfast_writable") == 0
        assert desk.cluster.metric(node, "holdfast_database_errors_total") >= 5
        assert desk.cluster[node].log.count(message) == before + 1
    await alice.post(room, "there is room again")
