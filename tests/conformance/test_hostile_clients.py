"""Clients that send nonsense, flood, or never read: others do not notice; memory is stable."""

import asyncio
import json
import random
import uuid
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realtime.auth import issue_token
from tests.conformance.client import Client
from tests.conformance.scene import SECONDS, Scene, closing, objects, ping, reply, resident, run
from tests.support.server import Nodes

FUZZED_FRAMES = 600


def test_a_thousand_commands_at_once_are_answered_and_a_flood_is_closed(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        async with scene.socket() as socket:
            for number in range(1000):
                await socket.send(ping(number))
            answers: list[dict[str, Any]] = []
            while len(answers) < 1000:
                answers += await objects(socket)
            assert [answer["id"] for answer in answers] == list(range(1000)), "answered in order"
            refused = [answer["error"] for answer in answers if not answer["ok"]]
            assert 700 <= len(refused) <= 800
            assert all(
                error["code"] == "rate_limited" and error["retry_after"] > 0 for error in refused
            )
        async with scene.socket() as socket:
            with suppress(ConnectionClosed):
                for number in range(20_000):
                    await socket.send(ping(number))
            assert await closing(socket) == 4002

    run(scene, story)


def fuzzed(rnd: random.Random, room: int) -> str | bytes:
    """A valid command with some bytes changed, or with values of other kinds."""
    strange: list[Any] = [
        None,
        True,
        0,
        -1,
        2**63,
        1e308,
        "",
        "\0",
        "é" * 50,
        [],
        {},
        [[[]]],
        {"a": {"b": []}},
        "room.1",
        str(uuid.uuid4()),
    ]
    commands: list[dict[str, Any]] = [
        {"command": "message.post", "room": room, "key": str(uuid.uuid4()), "body": "hello"},
        {"command": "message.edit", "message": 1, "body": "x"},
        {"command": "message.react", "message": 1, "emoji": "👍", "on": True},
        {"command": "subscribe", "streams": {f"room.{room}": 0}},
        {"command": "pull", "stream": f"room.{room}", "after": 0},
        {"command": "unsubscribe", "streams": ["room.1"]},
        {"command": "room.read", "room": room, "number": 1},
        {"command": "room.typing", "room": room},
        {"command": "room.presence", "room": room},
        {"command": "notification.read", "all": True},
        {"command": "message.report", "message": 1, "category": "spam"},
        {"command": "ping"},
    ]
    command = {"id": rnd.randrange(10**6), **rnd.choice(commands)}
    for _ in range(rnd.randrange(3)):
        command[rnd.choice(list(command))] = rnd.choice(strange)
    text = json.dumps(command)
    if rnd.random() < 0.3:
        raw = bytearray(text.encode())
        for _ in range(rnd.randrange(1, 4)):
            raw[rnd.randrange(len(raw))] = rnd.randrange(32, 127)
        text = raw.decode()
    return text.encode() if rnd.random() < 0.02 else text


def integer_id(frame: str | bytes) -> int | None:
    """Return the integer id of a frame by Python's own parser, or None."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        found = json.loads(frame, parse_constant=refuse) if isinstance(frame, str) else None
    except ValueError:
        return None
    ident = found.get("id") if isinstance(found, dict) else None
    return ident if isinstance(ident, int) and not isinstance(ident, bool) else None


class Fuzzer:
    """Sends a frame and waits for what must follow: the reply with its id, or the end with 4500."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.socket: ClientConnection

    async def open(self) -> None:
        headers = {"Authorization": f"Bearer {self._scene.tokens['alice']}"}
        self.socket = await connect(
            f"{self._scene.node.sockets}/ws/chat/", additional_headers=headers, max_size=None
        )
        await self.socket.recv()

    async def send(self, frame: str | bytes) -> None:
        await self.socket.send(frame)
        ident = integer_id(frame)
        if ident is None:
            assert await closing(self.socket) == 4500, frame
            await self.open()
            return
        answer = await self._reply()
        assert answer["id"] == ident, frame
        assert answer["ok"] or answer["error"]["code"] != "unavailable", (frame, answer)

    async def _reply(self) -> dict[str, Any]:
        while True:
            for each in await objects(self.socket):
                if each["type"] == "reply":
                    return each


def test_fuzzed_frames_are_answered_or_closed_with_4500_and_cost_no_memory(scene: Scene) -> None:
    rnd = random.Random(20261124)
    memory: list[int] = []

    async def story(scene: Scene) -> None:
        fuzzer = Fuzzer(scene)
        await fuzzer.open()
        for number in range(FUZZED_FRAMES):
            if number == FUZZED_FRAMES // 3:  # by then everything that is made once is made
                memory.append(resident(scene.node))
            await fuzzer.send(fuzzed(rnd, scene.room.pk))
        memory.append(resident(scene.node))
        await fuzzer.socket.close()

    run(scene, story)
    assert memory[1] - memory[0] < 16 << 20, (
        f"the server grew from {memory[0] >> 20} to {memory[1] >> 20} MiB"
    )


def test_a_client_that_never_reads_makes_nothing_grow(scene: Scene, nodes: Nodes) -> None:
    """Alice follows the room and reads nothing, while Bob posts far more than her marks allow."""
    # A thousand posts are as many as it takes. As a flood they had to wait a minute, and Alice's
    # own client would ping in vain.
    scene.node = nodes.start(
        HOLDFAST_COMMAND_RATE="1000", HOLDFAST_COMMAND_BURST="1000", HOLDFAST_POSTS="0"
    )

    async def story(scene: Scene) -> None:
        name = f"room.{scene.room.pk}"
        async with scene.socket(max_queue=1, ping_interval=None) as deaf:
            await deaf.send(json.dumps({"id": 1, "command": "subscribe", "streams": {name: None}}))
            await reply(deaf)
            deaf.transport.pause_reading()
            before = resident(scene.node)
            writer = Client(f"{scene.node.sockets}/ws/chat/", scene.tokens["bob"], [name])
            await writer.connect()
            for start in range(0, 1000, 50):
                await asyncio.gather(
                    *(writer.post(scene.room.pk, f"{start + n} " + "z" * 3900) for n in range(50))
                )
            grown = resident(scene.node) - before
            assert grown < 24 << 20, (
                f"grew by {grown >> 20} MiB while {1000 * 4000 >> 20} MiB were not read"
            )
            deaf.transport.resume_reading()
            position = 0
            async with asyncio.timeout(SECONDS):
                while True:
                    for each in await objects(deaf):
                        if each["type"] == "event":
                            position = each["seq"]
                        elif each["type"] == "behind":
                            assert each["stream"] == name
                            assert each["head"] > position
                            await writer.close()
                            return

    run(scene, story)


def test_a_users_sockets_are_bounded(nodes: Nodes, alice: User) -> None:
    node = nodes.start(HOLDFAST_MAX_SOCKETS_PER_USER="3")
    token = issue_token(alice)

    async def story() -> None:
        address, headers = f"{node.sockets}/ws/notifications/", {"Authorization": f"Bearer {token}"}
        sockets = [await connect(address, additional_headers=headers) for _ in range(4)]
        assert [json.loads(await socket.recv())["type"] for socket in sockets[:3]] == ["hello"] * 3
        assert await closing(sockets[3]) == 4504
        for socket in sockets[:3]:
            await socket.close()

    asyncio.run(story())
