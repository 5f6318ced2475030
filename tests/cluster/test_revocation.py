"""Rights that end are gone on every node within a second, with Redis and without."""

import asyncio
import json
import time
from contextlib import nullcontext

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.cluster.conftest import Desk
from tests.support.waiting import during, until

AT_ONCE_SECONDS = 1.0
REDIS = pytest.mark.parametrize("redis", [True, False], ids=["with redis", "without redis"])
NOTICED_SECONDS = 5.0
TIMED = "holdfast_revocation_seconds_count"


async def tab(desk: Desk, browser: httpx.Client, node: str) -> ClientConnection:
    """A socket of this browser on a certain node."""
    cookie = f"sessionid={browser.cookies['sessionid']}; holdfast_node={await desk.cookie_to(node)}"
    headers = {"Cookie": cookie, "Origin": desk.cluster.origin}
    socket = await connect(f"{desk.cluster.sockets}/ws/chat/", additional_headers=headers)
    assert json.loads(await socket.recv())["node"] == node
    return socket


async def ended(socket: ClientConnection) -> tuple[int | None, float]:
    """Return the close code and when it came."""
    try:
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    except ConnectionClosed:
        return socket.close_code, time.monotonic()


async def nodes_know(desk: Desk) -> None:
    """Wait until both nodes know that Redis is away: it takes them a second."""
    await until(
        lambda: all(
            desk.cluster.state(name)["status"] == "degraded" for name in desk.cluster.socket_names
        ),
        within=NOTICED_SECONDS,
    )


async def nodes_are_back(desk: Desk) -> None:
    await until(
        lambda: all(
            desk.cluster.state(name)["status"] == "ready" for name in desk.cluster.socket_names
        ),
        show=lambda: [desk.cluster.state(name) for name in desk.cluster.socket_names],
    )


@REDIS
async def test_signing_out_closes_the_sockets_on_all_nodes(desk: Desk, redis: bool) -> None:
    browser = desk.sign_in("charlie")
    nodes = desk.cluster.socket_names
    timed = {node: desk.cluster.metric(node, TIMED) for node in nodes}
    sockets = [await tab(desk, browser, node) for node in desk.cluster.socket_names]
    other = desk.sign_in("charlie")
    stays = await tab(desk, other, desk.cluster.socket_names[0])
    async with during(nullcontext() if redis else desk.cluster.redis_down()):
        if not redis:
            await nodes_know(desk)
        closing = [asyncio.create_task(ended(socket)) for socket in sockets]
        await asyncio.to_thread(desk.sign_out, browser)
        signed_out = time.monotonic()
        for code, at in await asyncio.gather(*closing):
            assert code == 4502
            assert at - signed_out < AT_ONCE_SECONDS
        for node in nodes:
            # How often is for tests/engine: a node may still be timing an earlier one.
            await until(lambda node=node: desk.cluster.metric(node, TIMED) > timed[node])  # type: ignore[misc]
        await stays.ping()
        await stays.close()
    await nodes_are_back(desk)


@REDIS
async def test_a_banned_member_receives_nothing_more(desk: Desk, redis: bool) -> None:
    room = desk.room("bob")
    stream = f"room.{room}"
    alice = await desk.client("alice", room, "socket-1")
    bob = await desk.client("bob", room, "socket-2")
    async with during(nullcontext() if redis else desk.cluster.redis_down()):
        if not redis:
            await nodes_know(desk)
        with desk.http("alice") as http:
            change = {"state": "banned", "reason": "spam"}
            http.patch(
                f"/api/rooms/{room}/members/{desk.cluster.people['bob'].id}", json=change
            ).raise_for_status()
        secret = await alice.post(room, "not for bob")
        took = await until(lambda: any(each["type"] == "closed" for each in bob.others))
        assert took < AT_ONCE_SECONDS
        await until(lambda: alice.copies[stream].position == secret["seq"])
        assert all(
            row["body"] != "not for bob"
            for (kind, _), (_, row) in bob.copies[stream].rows.items()
            if kind == "message"
        )
        with desk.http("bob") as http:
            assert http.get(f"/api/streams/{stream}/events", params={"after": 0}).status_code in (
                403,
                404,
            )
    await nodes_are_back(desk)
