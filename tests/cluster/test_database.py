"""A short outage of PostgreSQL: posts get `unavailable`, sockets stay, nothing is lost."""

import json
import uuid

import pytest
from websockets.asyncio.client import connect

from tests.cluster.conftest import Desk
from tests.conformance.client import Refused
from tests.support.waiting import during, until


async def test_posts_wait_and_sockets_stay(desk: Desk) -> None:
    room = desk.room("bob")
    stream = f"room.{room}"
    alice = await desk.client("alice", room, "socket-1")
    bob = await desk.client("bob", room, "socket-2")
    key = str(uuid.uuid4())
    async with during(desk.cluster.postgres_down()):
        with pytest.raises(Refused, match="unavailable"):
            await alice.command("message.post", room=room, key=key, body="kept and repeated")
        assert (await alice.command("ping"))["time"]
        state = desk.cluster.probe("socket-1", "/readyz")
        assert (state.status_code, state.json()["down"]) == (503, ["database"])
        with desk.http("bob") as http:
            answer = http.get(f"/api/streams/{stream}/events", params={"after": 0})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    reply = await alice.insist("message.post", room=room, key=key, body="kept and repeated")
    await until(lambda: bob.copies[stream].position == reply["seq"])
    assert alice.close_code is None
    assert bob.close_code is None
    await until(lambda: all(desk.cluster.ready(name) for name in desk.cluster.shape.node_names))


async def test_a_client_that_comes_meanwhile_learns_when_to_come_back(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.cluster.people['bob'].token}"}
    async with during(desk.cluster.postgres_down()):
        async with connect(
            f"{desk.cluster.sockets}/ws/chat/", additional_headers=headers
        ) as socket:
            bye = json.loads(await socket.recv())
            assert (bye["type"], bye["retry_after"] > 0) == ("bye", True)
            await socket.wait_closed()
        assert socket.close_code == 1013
    await until(lambda: all(desk.cluster.ready(name) for name in desk.cluster.shape.node_names))
    await desk.client("bob", desk.room("bob"))
