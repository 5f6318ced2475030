"""PostgreSQL goes back in time under running nodes: an older copy of its files is put in place.

Messages acknowledged in between are lost with it. Those acknowledged afterwards reach everyone, and
nobody is served a message that does not exist.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.cluster.conftest import Desk
from tests.conformance.client import Client, replay
from tests.support.ledger import staying
from tests.support.waiting import PATIENCE_SECONDS, until

FOLLOWERS = 24
NODES = ("socket-1", "socket-2")


async def post_many(client: Client, room: int, bodies: Sequence[str]) -> None:
    for body in bodies:
        await client.post(room, body)


def bodies(client: Client, stream: str) -> list[str]:
    rows = [
        (row["number"], row["body"])
        for (kind, _), (_, row) in client.copies[stream].rows.items()
        if kind == "message"
    ]
    return [body for _, body in sorted(rows)]


async def all_have(clients: Sequence[Client], stream: str, wanted: Sequence[str]) -> None:
    await until(
        lambda: all(bodies(client, stream) == list(wanted) for client in clients),
        within=2 * PATIENCE_SECONDS,
        every=0.05,
    )


def rewinds(desk: Desk) -> float:
    """Count the reports of all nodes: the first to notice may be one without sockets."""
    names = desk.cluster.node_names
    return sum(desk.cluster.metric(name, "holdfast_history_rewinds_total") for name in names)


@pytest.mark.parametrize(
    ("lost", "again", "named"),
    [
        pytest.param(8, 9, False, id="8 lost, and 9 posted at once"),
        pytest.param(20, 10, True, id="20 lost, and new_epoch"),
    ],
)
async def test_what_is_acknowledged_afterwards_reaches_everyone(
    desk: Desk, crowd: list[str], lost: int, again: int, named: bool
) -> None:
    room = desk.room(*crowd[:11])
    stream = f"room.{room}"
    people = ["alice", *crowd[:11]]
    clients = [
        await desk.client(people[number % len(people)], room, NODES[number % 2])
        for number in range(FOLLOWERS)
    ]
    before = rewinds(desk)
    async with staying(clients):
        await post_many(clients[0], room, ["kept"])
        await all_have(clients, stream, ["kept"])
        await asyncio.to_thread(desk.cluster.keep_copy)
        await post_many(clients[0], room, [f"lost {number}" for number in range(lost)])
        await all_have(clients, stream, ["kept", *(f"lost {n}" for n in range(lost))])
        position = clients[0].copies[stream].position
        assert position is not None
        await asyncio.to_thread(desk.cluster.put_copy_back)
        if named:
            await asyncio.to_thread(desk.cluster.shape.manage, "new_epoch")
        wanted = ["kept", *(f"again {number}" for number in range(again))]
        await post_many(clients[1], room, wanted[1:])
        await all_have(clients, stream, wanted)
        truth = await replay(desk.cluster.origin, desk.cluster.people["alice"].token, stream)
        await a_fresh_client_agrees(desk, room, position, truth.position)
        # A node may have begun an epoch before `new_epoch` did: then clients start again twice.
        await until(
            lambda: (
                len({client.hello["epoch"] for client in clients}) == 1
                and all(client.copies[stream].rows == truth.rows for client in clients)
            ),
            within=2 * PATIENCE_SECONDS,
        )
    assert rewinds(desk) > before
    logs = "".join(desk.cluster[name].log for name in desk.cluster.node_names)
    assert "the database has gone back in time" in logs


async def a_fresh_client_agrees(desk: Desk, room: int, old: int, head: int | None) -> None:
    """Subscribe at the head, and after a position that the history does not have any more."""
    stream = f"room.{room}"
    for node in NODES:
        client = await desk.client("alice", room, node)
        assert client.copies[stream].position == head
        reply = await client.command("subscribe", streams={stream: old})
        if head is not None and old > head:
            assert reply["errors"][stream]["code"] == "reset"
            assert reply["errors"][stream]["data"] == {"head": head}
        await client.close()


async def test_http_readers_are_reset(desk: Desk, crowd: list[str]) -> None:
    room = desk.room(crowd[0])
    stream = f"room.{room}"
    await asyncio.to_thread(desk.cluster.keep_copy)
    for number in range(3):
        await asyncio.to_thread(desk.post, "alice", room, f"lost {number}")
    token = desk.cluster.people[crowd[0]].token
    async with httpx.AsyncClient(
        base_url=desk.cluster.origin, headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as http:
        path = f"/api/streams/{stream}/events"
        page = await http.get(path, params={"after": 0})
        # The first request of a node after the database was replaced may be.
        while page.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            page = await http.get(path, params={"after": 0})
        position, epoch = page.json()["to"], page.headers["Stream-Epoch"]
        feed = asyncio.create_task(last_of_feed(http, path, position))
        poll = asyncio.create_task(poll_until_reset(http, path, position))
        await until(
            lambda: sum(desk.cluster.metric(name, "holdfast_waiting") for name in NODES) == 2
        )
        await asyncio.to_thread(desk.cluster.put_copy_back)
        assert (await poll)["error"]["code"] == "reset"
        assert await feed == {"type": "closed", "stream": stream, "reason": "reset"}
        for number in range(5):
            await asyncio.to_thread(desk.post, "alice", room, f"again {number}")
        # The position exists again, in another history: only the epoch shows that.
        refused = await http.get(path, params={"after": position, "epoch": epoch})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "reset")
        assert refused.headers["Stream-Epoch"] != epoch


async def poll_until_reset(http: httpx.AsyncClient, path: str, position: int) -> dict[str, Any]:
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = await http.get(path, params={"after": position, "wait": 25})
            if answer.status_code == httpx.codes.CONFLICT:
                found: dict[str, Any] = answer.json()
                return found
            if answer.status_code == httpx.codes.OK:
                assert answer.json()["to"] == position


async def last_of_feed(http: httpx.AsyncClient, path: str, position: int) -> dict[str, Any]:
    last: dict[str, Any] = {}
    async with http.stream(
        "GET", path, params={"after": position}, headers={"Accept": "text/event-stream"}
    ) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                last = json.loads(line[5:])
    return last
