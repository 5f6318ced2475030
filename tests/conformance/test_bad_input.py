"""Every bad input gets the answer that protocol.md says, through a real server process; a bystander does not notice."""

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chat.models import Room
from chat.services import members, rooms
from realtime.auth import issue_token
from tests.conformance.client import Client
from tests.conftest import People
from tests.support.server import Node, Nodes

SECONDS = 15
LIMIT = 65_536
FUZZED_FRAMES = 1500


@dataclass
class Scene:
    node: Node
    people: People
    room: Room
    secret: Room
    tokens: dict[str, str]

    @asynccontextmanager
    async def socket(self, who: str = "alice", path: str = "/ws/chat/", **options: Any) -> AsyncIterator[ClientConnection]:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        async with connect(f"{self.node.sockets}{path}", additional_headers=headers, max_size=None, **options) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
            yield socket


@pytest.fixture
def scene(nodes: Nodes, people: People) -> Scene:
    room = rooms.create_room(actor_id=people.alice.pk, name="Hall", kind="public").room
    members.join(actor_id=people.bob.pk, room_id=room.pk)
    secret = rooms.create_room(actor_id=people.bob.pk, name="Secret", kind="private").room
    tokens = {name: issue_token(getattr(people, name)) for name in ("alice", "bob", "charlie")}
    return Scene(nodes.start(), people, room, secret, tokens)


def run(scene: Scene, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a story while Bob's client watches the room; afterwards his copy and the server are what they should be."""

    async def watched() -> None:
        bystander = Client(f"{scene.node.sockets}/ws/chat/", scene.tokens["bob"], [f"room.{scene.room.pk}"])
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


NO_COMMANDS: dict[str, str | bytes] = {
    "binary": b"\x00\x01",
    "binary json": b'{"id":1,"command":"ping"}',
    "empty": "",
    "half an object": '{"id": 1, "command": "ping"',
    "a number": "17",
    "an array": '[{"id": 1, "command": "ping"}]',
    "no id": '{"command": "ping"}',
    "id a string": '{"id": "1", "command": "ping"}',
    "id a float": '{"id": 1.0, "command": "ping"}',
    "id a boolean": '{"id": true, "command": "ping"}',
    "id null": '{"id": null, "command": "ping"}',
    "NaN": '{"id": 1, "command": "ping", "x": NaN}',
    "two values": '{"id": 1, "command": "ping"} {}',
    "nothing but brackets": "[" * 30_000,
    "unclosed depth": '{"id": 1, "x": ' + "[" * 30_000,
}


def test_what_is_no_command_closes_with_4500(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        for name, frame in NO_COMMANDS.items():
            async with scene.socket() as socket:
                await socket.send(frame)
                assert await closing(socket) == 4500, name

    run(scene, story)


def test_an_object_with_an_integer_id_is_always_answered(scene: Scene) -> None:
    room = scene.room.pk
    post = {"command": "message.post", "room": room, "key": str(uuid.uuid4()), "body": "x"}
    cases: list[tuple[str, str, str]] = [
        ('{"id": %s}', "bad_request", "command"),
        ('{"id": %s, "command": 5}', "bad_request", "command"),
        ('{"id": %s, "command": "no.such"}', "unknown_command", "no.such"),
        ('{"id": %s, "command": "message.post"}', "bad_request", "room"),
        ('{"id": %s, ' + json.dumps({**post, "room": "one"})[1:], "bad_request", "room"),
        ('{"id": %s, ' + json.dumps({**post, "room": 10**30})[1:], "bad_request", "room"),
        ('{"id": %s, ' + json.dumps({**post, "room": -1})[1:], "", ""),
        ('{"id": %s, ' + json.dumps({**post, "room": 2**62})[1:], "not_found", ""),
        ('{"id": %s, ' + json.dumps({**post, "room": scene.secret.pk})[1:], "not_found", ""),
        ('{"id": %s, ' + json.dumps({**post, "key": "seven"})[1:], "bad_request", "key"),
        ('{"id": %s, ' + json.dumps({**post, "body": 5})[1:], "bad_request", "body"),
        ('{"id": %s, ' + json.dumps({**post, "body": None})[1:], "bad_request", "body"),
        ('{"id": %s, ' + json.dumps({**post, "body": "   "})[1:], "empty", ""),
        ('{"id": %s, ' + json.dumps({**post, "body": "y" * 5000})[1:], "too_long", "4000"),
        ('{"id": %s, ' + json.dumps({**post, "body": "a\0b"})[1:], "bad_request", "body"),
        ('{"id": %s, ' + json.dumps({**post, "body": "\ud800"})[1:], "bad_request", ""),
        ('{"id": %s, "command": "ping", "x": ' + "[" * 20_000 + "]" * 20_000 + "}", "bad_request", ""),
        ('{"id": %s, "command": "subscribe", "streams": []}', "bad_request", "streams"),
        ('{"id": %s, "command": "subscribe", "streams": {"room.1": -1}}', "bad_request", "streams"),
        ('{"id": %s, "command": "subscribe", "streams": {"room.1": "0"}}', "bad_request", "streams"),
        ('{"id": %s, "command": "pull", "stream": "room.1", "after": 0}', "not_subscribed", ""),
        ('{"id": %s, "command": "message.edit", "message": 99999999, "body": "x"}', "not_found", ""),
        ('{"id": %s, "command": "message.react", "message": 99999999, "emoji": "x", "on": "yes"}', "bad_request", "on"),
        ('{"id": %s, "command": "notification.read"}', "bad_request", "notifications"),
    ]

    async def story(scene: Scene) -> None:
        async with scene.socket() as socket:
            for number, (frame, code, words) in enumerate(cases):
                await socket.send(frame % number)
                answer = await reply(socket)
                assert (answer["type"], answer["id"], answer["ok"]) == ("reply", number, False), frame[:100]
                assert code in ("", answer["error"]["code"]), (frame[:100], answer)
                assert words in answer["error"]["message"], (frame[:100], answer)
            for ident in (str(-7), "12345678901234567890123", "9" * 5000):
                await socket.send(f'{{"id": {ident}, "command": "no.such"}}')
                text = str(await asyncio.wait_for(socket.recv(), SECONDS))
                assert f'"id":{ident},' in text

    run(scene, story)


def test_the_limit_of_a_message_is_64_kib(scene: Scene) -> None:
    def padded(size: int) -> str:
        frame = '{"id":1,"command":"ping","x":"%s"}'
        return frame % ("x" * (size - len(frame) + 2))

    async def story(scene: Scene) -> None:
        async with scene.socket() as socket:
            await socket.send(padded(LIMIT))
            assert (await reply(socket))["ok"]
            await socket.send(padded(LIMIT + 1))
            assert await closing(socket) == 1009

    run(scene, story)


def test_who_may_not_connect_is_told_why(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        address = f"{scene.node.sockets}/ws/chat/"
        bearer = {"Authorization": f"Bearer {scene.tokens['alice']}"}
        async with connect(address) as socket:
            assert await closing(socket) == 4501
        async with connect(address, additional_headers={"Authorization": "Bearer hf_nonsense"}) as socket:
            assert await closing(socket) == 4501
        async with connect(address, additional_headers={"Authorization": f"Bearer {scene.tokens['expired']}"}) as socket:
            assert await closing(socket) == 4501
        subprotocols: Any = ["holdfast.v1", f"bearer.{scene.tokens['alice']}"]
        async with connect(address, subprotocols=subprotocols) as socket:
            assert socket.subprotocol == "holdfast.v1"
            assert (await reply(socket))["type"] == "hello"
        for headers in ({"Origin": "https://evil.example", **bearer}, {"Origin": "null", **bearer}, {"Cookie": "sessionid=abc"}):
            with pytest.raises(InvalidStatus) as refused:
                await connect(address, additional_headers=headers)
            assert refused.value.response.status_code == 403
        with pytest.raises(InvalidStatus):
            await connect(f"{scene.node.sockets}/ws/nothing/", additional_headers=bearer)

    scene.tokens["expired"] = issue_token(scene.people.alice, timezone.now() - timedelta(seconds=1))
    run(scene, story)


def test_other_peoples_streams_do_not_exist(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        names = [f"room.{scene.secret.pk}", f"inbox.{scene.people.bob.pk}", "room.999999", "room.0", "room.-1", "room.1e3", "", "x" * 300]
        async with scene.socket() as socket:
            await socket.send(json.dumps({"id": 1, "command": "subscribe", "streams": dict.fromkeys(names)}))
            data = (await reply(socket))["data"]
            assert data["pages"] == {}
            assert {error["code"] for error in data["errors"].values()} == {"not_found"}
            assert set(data["errors"]) == set(names)
        async with scene.socket(path="/ws/notifications/") as socket:
            await socket.send(json.dumps({"id": 1, "command": "subscribe", "streams": {f"room.{scene.room.pk}": None}}))
            assert (await reply(socket))["data"]["errors"][f"room.{scene.room.pk}"]["code"] == "forbidden"
            await socket.send(
                json.dumps({"id": 2, "command": "message.post", "room": scene.room.pk, "key": str(uuid.uuid4()), "body": "x"})
            )
            assert (await reply(socket))["error"]["code"] == "unknown_command"

    run(scene, story)


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
            assert all(error["code"] == "rate_limited" and error["retry_after"] > 0 for error in refused)
        async with scene.socket() as socket:
            with suppress(ConnectionClosed):
                for number in range(20_000):
                    await socket.send(ping(number))
            assert await closing(socket) == 4002

    run(scene, story)


def test_bad_http_is_answered_in_json(scene: Scene) -> None:
    room, secret = scene.room.pk, scene.secret.pk
    stranger = httpx.Client(base_url=scene.node.origin)
    alice = httpx.Client(base_url=scene.node.origin, headers={"Authorization": f"Bearer {scene.tokens['alice']}"})
    get_cases = {
        f"/api/streams/room.{secret}/events?after=0": (404, "not_found"),
        "/api/streams/nothing.1/events?after=0": (404, "not_found"),
        f"/api/streams/room.{room}/events?after=99999": (409, "reset"),
        f"/api/streams/room.{room}/events?after=-1": (400, "bad_request"),
        f"/api/streams/room.{room}/events?after=x": (400, "bad_request"),
        f"/api/streams/room.{room}/events?after={10**30}": (400, "bad_request"),
        f"/api/streams/room.{room}/events?after=0&wait=x": (400, "bad_request"),
        f"/api/rooms/{secret}/": (404, "not_found"),
        f"/api/rooms/{2**62}/": (404, "not_found"),
        f"/api/rooms/{room}/messages?before=x": (400, "bad_request"),
        f"/api/rooms/{room}/messages?before={10**30}": (400, "bad_request"),
        "/api/inbox/?before=x": (400, "bad_request"),
    }
    for path, (status, code) in get_cases.items():
        answer = alice.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), path
        assert stranger.get(path).status_code in (401, 404), path
    post_cases: list[tuple[Any, int, str]] = [
        ({"id": 1, "command": "no.such"}, 400, "unknown_command"),
        ({"id": 1, "command": "subscribe", "streams": {}}, 400, "unknown_command"),
        ({"id": 1, "command": "message.post", "room": secret, "key": str(uuid.uuid4()), "body": "x"}, 404, "not_found"),
        ({"id": 1, "command": "message.post", "room": room, "key": "x", "body": "x"}, 400, "bad_request"),
    ]
    for body, status, code in post_cases:
        answer = alice.post("/api/commands", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), body
    assert alice.post("/api/commands", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert "Traceback" not in scene.node.log


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
    """What Python's own parser says of the frame: its integer id, if it is an object that has one."""

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
        self.socket = await connect(f"{self._scene.node.sockets}/ws/chat/", additional_headers=headers, max_size=None)
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
    assert memory[1] - memory[0] < 16 << 20, f"the server grew from {memory[0] >> 20} to {memory[1] >> 20} MiB"


def test_a_client_that_never_reads_makes_nothing_grow(scene: Scene, nodes: Nodes) -> None:
    """Alice follows the room and reads nothing, while Bob posts far more than her marks allow."""
    scene.node = nodes.start(HOLDFAST_COMMAND_RATE="1000", HOLDFAST_COMMAND_BURST="1000")

    async def story(scene: Scene) -> None:
        name = f"room.{scene.room.pk}"
        async with scene.socket(max_queue=1) as deaf:
            await deaf.send(json.dumps({"id": 1, "command": "subscribe", "streams": {name: None}}))
            await reply(deaf)
            deaf.transport.pause_reading()
            before = resident(scene.node)
            writer = Client(f"{scene.node.sockets}/ws/chat/", scene.tokens["bob"], [name])
            await writer.connect()
            for start in range(0, 1000, 50):
                await asyncio.gather(*(writer.post(scene.room.pk, f"{start + n} " + "z" * 3900) for n in range(50)))
            grown = resident(scene.node) - before
            assert grown < 24 << 20, f"grew by {grown >> 20} MiB while {1000 * 4000 >> 20} MiB were not read"
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
