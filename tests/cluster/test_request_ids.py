"""The id of a request on its whole way: nginx, node, writer and PostgreSQL."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import psycopg
from websockets.asyncio.client import connect

from tests.cluster.conftest import Desk
from tests.support.waiting import until

COMMENT = re.compile(r"^/\*request_id='([^']+)'\*/ ")


@contextmanager
def locked(desk: Desk, room: int) -> Iterator[psycopg.Connection]:
    """Hold the head of a room, so that the next change of it can be seen waiting.

    Gives a connection that looks.
    """
    lock = "SELECT 1 FROM realtime_stream WHERE name = %s FOR UPDATE"
    address = desk.cluster.postgres.url
    with (
        psycopg.connect(address, autocommit=True) as looking,
        psycopg.connect(address) as holding,
    ):
        holding.execute(lock, [f"room.{room}"])
        yield looking
        holding.rollback()


async def waiting(looking: psycopg.Connection) -> list[str]:
    """Return the ids in the statements that wait for a lock, once there is one."""
    found: list[str] = []

    def look() -> list[str]:
        rows = looking.execute(
            "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchall()
        found[:] = [match[1] for (sql,) in rows if (match := COMMENT.match(sql))]
        return found

    await until(look)
    return found


async def test_nginx_the_node_and_postgresql_name_a_request_alike(desk: Desk) -> None:
    room = desk.room("bob")
    token = desk.cluster.people["alice"].token
    post = {"id": 1, "command": "message.post", "room": room, "key": str(uuid4()), "body": "hi"}
    async with httpx.AsyncClient(
        base_url=desk.cluster.origin, headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as http:
        with locked(desk, room) as looking:
            posting = asyncio.create_task(
                http.post("/api/commands", json=post, headers={"X-Request-ID": "forged"})
            )
            seen = await waiting(looking)
        answer = await posting
    named = answer.headers["x-request-id"]
    assert seen == [named]
    assert desk.cluster.access_log("/api/commands", f'"request_id":"{named}"')


async def test_a_command_has_the_id_of_its_handshake_and_its_own_number(desk: Desk) -> None:
    room = desk.room("bob")
    headers = {"Authorization": f"Bearer {desk.cluster.people['alice'].token}"}
    post = {"id": 23, "command": "message.post", "room": room, "key": str(uuid4()), "body": "hi"}
    address = f"{desk.cluster.sockets}/ws/chat/"
    async with connect(address, additional_headers=headers) as socket:
        with locked(desk, room) as looking:
            await socket.send(json.dumps(post))
            seen = await waiting(looking)
        assert json.loads(await socket.recv())["type"] == "hello"
    handshakes: list[str] = []

    def logged() -> bool:
        """Whether nginx has written the line of this socket, which it does when it ends."""
        line = json.loads(desk.cluster.access_log("/ws/chat/"))
        handshakes[:] = [line["request_id"]]
        return seen == [f"{line['request_id']}.23"]

    await until(logged)
