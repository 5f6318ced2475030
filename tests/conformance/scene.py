"""A room with people, a real server, and small helpers to talk to it frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chat.models import Room
from tests.conformance.client import Client
from tests.conftest import People
from tests.support.server import Node

SECONDS = 15
LIMIT = 128 * 1024  # bytes of an inbound message


@dataclass
class Scene:
    node: Node
    people: People
    room: Room
    secret: Room
    tokens: dict[str, str]

    @asynccontextmanager
    async def socket(
        self, who: str = "alice", path: str = "/ws/chat/", **options: Any
    ) -> AsyncIterator[ClientConnection]:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        async with connect(
            f"{self.node.sockets}{path}", additional_headers=headers, max_size=None, **options
        ) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
            yield socket


def run(scene: Scene, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a story while Bob's client follows the room; then compare his copy with the server."""

    async def watched() -> None:
        bystander = Client(
            f"{scene.node.sockets}/ws/chat/", scene.tokens["bob"], [f"room.{scene.room.pk}"]
        )
        await bystander.connect()
        await story(scene)
        message = await bystander.post(scene.room.pk, "still here")
        async with asyncio.timeout(SECONDS):
            while ("message", message["id"]) not in bystander.copies[f"room.{scene.room.pk}"].rows:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert bystander.breaches == []
        assert bystander.close_code is None
        await bystander.close()

    asyncio.run(watched())
    assert "Traceback" not in scene.node.log


async def objects(socket: ClientConnection) -> list[dict[str, Any]]:
    """Return the objects of the next frame."""
    found = json.loads(await asyncio.wait_for(socket.recv(), SECONDS))
    return found if isinstance(found, list) else [found]


async def reply(socket: ClientConnection) -> dict[str, Any]:
    """Return the single object of the next frame."""
    [found] = await objects(socket)
    return found


def resident(node: Node) -> int:
    """The bytes of memory that a server process holds."""
    return int(Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]) * 4096


async def closing(socket: ClientConnection) -> int | None:
    """Read to the end and return the close code."""
    with suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(socket.recv(), SECONDS)
    return socket.close_code


def ping(number: int) -> str:
    return json.dumps({"id": number, "command": "ping"})
