"""The id of a request on its whole way: nginx, node, writer and PostgreSQL."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import psycopg
from websockets.asyncio.client import connect

from tests.cluster.conftest import Desk
from tests.support.waiting import until

COMMENT = re.compile(r"^/\*request_id='([^']+)'\*/ ")


@asynccontextmanager
async def locked(desk: Desk, room: int) -> AsyncIterator[psycopg.AsyncConnection]:
    """Hold the head of a room, so that the next change of it can be seen waiting."""
    address = desk.cluster.postgres.url
    async with await psycopg.AsyncConnection.connect(address) as other:
        await other.execute(
            "SELECT 1 FROM realtime_stream WHERE name = %s FOR UPDATE", [f"room.{room}"]
        )
        yield other
        await other.rollback()


async def waiting(other: psycopg.AsyncConnection) -> list[str]:
    """Return the ids in the statements that wait for a lock, once there is one."""
    found: list[str] = []
    async with asyncio.timeout(20):
        while not found:
            rows = await other.execute(
                "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            )
            found = [match[1] for (sql,) in await rows.fetchall() if (match := COMMENT.match(sql))]
    return found


async def test_nginx_the_node_and_postgresql_name_a_request_alike(desk: Desk) -> None:
    room = desk.room("bob")
    token = desk.cluster.people["alice"].token
    post = {"id": 1, "command": "message.post", "room": room, "key": str(uuid4()), "body": "hi"}
    async with httpx.AsyncClient(
        base_url=desk.cluster.origin, headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as http:
        async with locked(desk, room) as other:
            posting = asyncio.create_task(
                http.post("/api/commands", json=post, headers={"X-Request-ID": "forged"})
            )
            seen = await waiting(other)
        answer = await posting
    named = answer.headers["x-request-id"]
    assert seen == [named]
    assert json.loads(desk.cluster.access_log("/api/commands"))["request_id"] == named


async def test_a_command_has_the_id_of_its_handshake_and_its_own_number(desk: Desk) -> None:
    room = desk.room("bob")
    headers = {"Authorization": f"Bearer {desk.cluster.people['alice'].token}"}
    post = {"id": 23, "command": "message.post", "room": room, "key": str(uuid4()), "body": "hi"}
    address = f"{desk.cluster.sockets}/ws/chat/"
    async with connect(address, additional_headers=headers) as socket:
        async with locked(desk, room) as other:
            await socket.send(json.dumps(post))
            seen = await waiting(other)
        assert json.loads(await socket.recv())["type"] == "hello"
    handshakes: list[str] = []

    def logged() -> bool:
        """Whether nginx has written the line of this socket, which it does when it ends."""
        line = json.loads(desk.cluster.access_log("/ws/chat/"))
        handshakes[:] = [line["request_id"]]
        return seen == [f"{line['request_id']}.23"]

    await until(logged)
