"""Presence seen from another node: soon after joining, and until the linger has ended.

The chaos tests look for ghosts after every other fault.
"""

import asyncio
import time
from typing import Any

import pytest

from realtime.protocol.presence import SILENT_SECONDS
from tests.cluster.conftest import LINGER_SECONDS, Desk
from tests.conformance.client import Client
from tests.support.waiting import during

JOIN_SECONDS = 2.0  # design: a join is seen so soon
DEATH_SECONDS = 30.0  # and the end of a node so soon; it is SILENT_SECONDS and what is coalesced
LOOK_SECONDS = 0.1


async def present(client: Client, room: int) -> set[int]:
    data = await client.command("room.presence", room=room)
    return set(data["users"])


async def until_present(client: Client, room: int, expected: set[int], within: float) -> float:
    """Return after how many seconds exactly these people are shown as present.

    Raises ``TimeoutError``.
    """
    started = time.monotonic()
    async with asyncio.timeout(within):
        while await present(client, room) != expected:  # noqa: ASYNC110  no signal tells of a node that died
            await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - started


async def test_joining_is_seen_from_the_other_node_at_once_and_leaving_after_the_linger(
    desk: Desk,
) -> None:
    people = {name: desk.cluster.people[name].id for name in ("alice", "bob")}
    room = desk.room("bob")
    alice = await desk.client("alice", room, "socket-1")
    await until_present(alice, room, {people["alice"]}, JOIN_SECONDS)
    bob = await desk.client("bob", room, "socket-2")
    await until_present(alice, room, set(people.values()), JOIN_SECONDS)
    await bob.close()
    took = await until_present(alice, room, {people["alice"]}, LINGER_SECONDS + JOIN_SECONDS + 1)
    assert took > LINGER_SECONDS - JOIN_SECONDS


async def test_a_reload_on_another_node_is_no_leaving(desk: Desk) -> None:
    people = {name: desk.cluster.people[name].id for name in ("alice", "bob")}
    room = desk.room("bob")
    alice = await desk.client("alice", room, "socket-1")
    bob = await desk.client("bob", room, "socket-2")
    await until_present(alice, room, set(people.values()), JOIN_SECONDS)
    alice.others.clear()
    await bob.close()
    await desk.client("bob", room, "socket-1")
    await asyncio.sleep(JOIN_SECONDS)  # what would be seen by now must not be
    assert [
        each for each in alice.others if each.get("kind") == "presence" and each["data"].get("left")
    ] == []


@pytest.mark.parametrize("node", ["socket-2", "web-1"])
async def test_a_node_without_a_socket_in_the_room_learns_the_present_users_from_the_others(
    desk: Desk, node: str
) -> None:
    room = desk.room("bob")
    bob = await desk.client("bob", room, "socket-1")
    await until_present(bob, room, {desk.cluster.people["bob"].id}, JOIN_SECONDS)
    answers = await asyncio.gather(*(asyncio.to_thread(asked, desk, node, room) for _ in range(2)))
    assert answers == [{"count": 1, "users": [desk.cluster.people["bob"].id]}] * 2


def asked(desk: Desk, node: str, room: int) -> dict[str, Any]:
    """Ask one node over HTTP who is in a room."""
    with desk.cluster.direct(
        node, headers={"Authorization": f"Bearer {desk.cluster.people['alice'].token}"}
    ) as http:
        answer = (
            http.post("/api/commands", json={"id": 1, "command": "room.presence", "room": room})
            .raise_for_status()
            .json()
        )
    found: dict[str, Any] = answer["data"]
    return found


async def test_a_node_that_dies_leaves_no_ghosts(desk: Desk) -> None:
    people = {name: desk.cluster.people[name].id for name in ("alice", "bob")}
    room = desk.room("bob")
    alice = await desk.client("alice", room, "socket-1")
    await desk.client("bob", room, "socket-2")
    await until_present(alice, room, set(people.values()), JOIN_SECONDS)
    async with during(desk.cluster.down("socket-2")):
        took = await until_present(alice, room, {people["alice"]}, DEATH_SECONDS)
    assert took > JOIN_SECONDS, f"a node is dead only after {SILENT_SECONDS} s of silence"
