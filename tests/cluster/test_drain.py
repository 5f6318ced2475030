"""SIGTERM to a node: its clients are handed over in slots, and nobody loses a message."""

import asyncio
import time
import uuid

from tests.cluster.conftest import Desk
from tests.conformance.client import Client, Cut
from tests.support.waiting import during, until

SOCKETS = 2  # of each
EXIT_SECONDS = 8  # DRAIN_SECONDS, and a closing handshake


async def follow(client: Client) -> None:
    """Reconnect after the slot in `bye`, as a client does."""
    await until(lambda: client.close_code is not None)
    assert client.close_code == 1012
    [bye] = [each for each in client.others if each["type"] == "bye"]
    await asyncio.sleep(bye["retry_after"])
    await client.reconnect()


async def test_everybody_is_handed_over_and_nobody_loses_a_message(
    desk: Desk, crowd: list[str]
) -> None:
    stopping, staying = desk.cluster.socket_names
    room = desk.room(*crowd)
    stream = f"room.{room}"
    clients = [
        await desk.client(member, room, stopping) for member in crowd for _ in range(SOCKETS)
    ]
    alice = await desk.client("alice", room, staying)
    posted: list[int] = []
    over = asyncio.Event()

    async def talk() -> None:
        while not over.is_set():
            posted.append((await alice.post(room, f"{len(posted)}"))["id"])

    talking = asyncio.create_task(talk())
    await until(lambda: len(posted) > 10)
    following = asyncio.gather(*map(follow, clients))
    started = time.monotonic()
    async with during(desk.cluster.stopped(stopping)):
        assert time.monotonic() - started < EXIT_SECONDS
        await following
        over.set()
        await talking
        last = (await alice.post(room, "the last one"))["seq"]
        await until(lambda: all(client.copies[stream].position == last for client in clients))
    for client in clients:
        assert set(posted) <= {
            ident for kind, ident in client.copies[stream].rows if kind == "message"
        }
    assert {client.hello["node"] for client in clients} == {staying}
    slots = [
        each["retry_after"] for client in clients for each in client.others if each["type"] == "bye"
    ]
    assert len(set(slots)) > len(clients) / 2  # of its own for each, written in milliseconds


async def test_a_post_in_flight_is_finished(desk: Desk) -> None:
    stopping, staying = desk.cluster.socket_names
    room = desk.room("bob")
    bob = await desk.client("bob", room, stopping)
    alice = await desk.client("alice", room, staying)
    acknowledged: list[int] = []

    async def talk() -> None:
        while True:
            try:
                reply = await bob.command(
                    "message.post", room=room, key=str(uuid.uuid4()), body=f"{len(acknowledged)}"
                )
            except Cut:
                return
            acknowledged.append(reply["seq"])

    talking = asyncio.create_task(talk())
    await until(lambda: len(acknowledged) > 5)
    async with during(desk.cluster.stopped(stopping)):
        await talking
        assert bob.close_code == 1012
        await until(lambda: (alice.copies[f"room.{room}"].position or 0) >= acknowledged[-1])
