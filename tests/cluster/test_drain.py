"""SIGTERM to a node: its clients are handed over in slots, and nobody loses a message."""

import asyncio
import time

from tests.cluster.conftest import Desk
from tests.conformance.client import Client, Cut
from tests.support.waiting import until

CLIENTS = 60
EXIT_SECONDS = 12


async def follow(client: Client) -> None:
    """Do what a client does: come back after one's own slot."""
    await until(lambda: client.close_code is not None)
    [bye] = [each for each in client.others if each["type"] == "bye"]
    await asyncio.sleep(bye["retry_after"])
    await client.reconnect()


async def test_everybody_is_handed_over_and_nobody_loses_a_message(desk: Desk) -> None:
    stopping, staying = desk.cluster.socket_names
    room = desk.room("bob")
    stream = f"room.{room}"
    clients = [await desk.client("bob", room, stopping) for _ in range(CLIENTS // 2)]
    clients += [await desk.client("alice", room, stopping) for _ in range(CLIENTS // 2 - 15)]
    alice = await desk.client("alice", room, staying)
    posted: list[int] = []

    async def talk() -> None:
        for number in range(10_000):
            posted.append((await alice.post(room, f"{number}"))["id"])
            await asyncio.sleep(0.01)

    talking = asyncio.create_task(talk())
    await until(lambda: len(posted) > 10)
    started = time.monotonic()
    stopped = asyncio.create_task(asyncio.to_thread(desk.cluster[stopping].stop))
    await asyncio.gather(*map(follow, clients))
    assert await stopped == 0
    assert time.monotonic() - started < EXIT_SECONDS
    await until(lambda: len(posted) > 50)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    await asyncio.to_thread(desk.cluster.start, stopping)

    last = (await alice.post(room, "the last one"))["seq"]
    await until(lambda: all(client.copies[stream].position == last for client in clients))
    for client in clients:
        assert set(posted) <= {ident for kind, ident in client.copies[stream].rows if kind == "message"}
    assert {client.close_code for client in clients} == {None, 1012} - {None} or all(client.hello["node"] == staying for client in clients)
    slots = [each["retry_after"] for client in clients for each in client.others if each["type"] == "bye"]
    assert len(set(slots)) > CLIENTS // 2  # each has its own


async def test_a_post_in_flight_is_finished(desk: Desk) -> None:
    stopping, staying = desk.cluster.socket_names
    room = desk.room("bob")
    bob = await desk.client("bob", room, stopping)
    alice = await desk.client("alice", room, staying)
    acknowledged: list[int] = []

    async def talk() -> None:
        while True:
            try:
                acknowledged.append((await bob.command("message.post", room=room, key=new_key(), body=f"{len(acknowledged)}"))["seq"])
            except Cut:
                return

    talking = asyncio.create_task(talk())
    await until(lambda: len(acknowledged) > 5)
    await asyncio.to_thread(desk.cluster[stopping].stop)
    await talking
    assert bob.close_code == 1012
    await until(lambda: (alice.copies[f"room.{room}"].position or 0) >= acknowledged[-1])
    await asyncio.to_thread(desk.cluster.start, stopping)


def new_key() -> str:
    import uuid

    return str(uuid.uuid4())
