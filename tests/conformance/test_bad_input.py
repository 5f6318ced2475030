"""Every bad input gets the documented answer from a real server; no one else notices."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from realtime.auth import issue_token
from tests.conformance.scene import LIMIT, SECONDS, Scene, closing, reply, run

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
        ('{"id": %s, ' + json.dumps({**post, "body": "y" * 11_000})[1:], "too_long", "10000"),
        ('{"id": %s, ' + json.dumps({**post, "body": "a\0b"})[1:], "bad_request", "body"),
        ('{"id": %s, ' + json.dumps({**post, "body": "\ud800"})[1:], "bad_request", ""),
        (
            '{"id": %s, "command": "ping", "x": ' + "[" * 20_000 + "]" * 20_000 + "}",
            "bad_request",
            "",
        ),
        ('{"id": %s, "command": "subscribe", "streams": []}', "bad_request", "streams"),
        ('{"id": %s, "command": "subscribe", "streams": {"room.1": -1}}', "bad_request", "streams"),
        (
            '{"id": %s, "command": "subscribe", "streams": {"room.1": "0"}}',
            "bad_request",
            "streams",
        ),
        ('{"id": %s, "command": "pull", "stream": "room.1", "after": 0}', "not_subscribed", ""),
        (
            '{"id": %s, "command": "message.edit", "message": 99999999, "body": "x"}',
            "not_found",
            "",
        ),
        (
            '{"id": %s, "command": "message.react", "message": 99999999, "emoji": "x", "on": '
            '"yes"}',
            "bad_request",
            "on",
        ),
        ('{"id": %s, "command": "notification.read"}', "bad_request", "notifications"),
    ]

    async def story(scene: Scene) -> None:
        async with scene.socket() as socket:
            for number, (frame, code, words) in enumerate(cases):
                await socket.send(frame % number)
                answer = await reply(socket)
                assert (answer["type"], answer["id"], answer["ok"]) == ("reply", number, False), (
                    frame[:100]
                )
                assert code in ("", answer["error"]["code"]), (frame[:100], answer)
                assert words in answer["error"]["message"], (frame[:100], answer)
            for ident in (str(-7), "12345678901234567890123", "9" * 5000):
                await socket.send(f'{{"id": {ident}, "command": "no.such"}}')
                text = str(await asyncio.wait_for(socket.recv(), SECONDS))
                assert f'"id":{ident},' in text

    run(scene, story)


def test_the_limit_of_a_message_is_128_kib(scene: Scene) -> None:
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


def test_a_refused_handshake_gives_the_reason(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        address = f"{scene.node.sockets}/ws/chat/"
        bearer = {"Authorization": f"Bearer {scene.tokens['alice']}"}
        async with connect(address) as socket:
            assert await closing(socket) == 4501
        async with connect(
            address, additional_headers={"Authorization": "Bearer hf_nonsense"}
        ) as socket:
            assert await closing(socket) == 4501
        async with connect(
            address, additional_headers={"Authorization": f"Bearer {scene.tokens['expired']}"}
        ) as socket:
            assert await closing(socket) == 4501
        subprotocols: Any = ["holdfast.v1", f"bearer.{scene.tokens['alice']}"]
        async with connect(address, subprotocols=subprotocols) as socket:
            assert socket.subprotocol == "holdfast.v1"
            assert (await reply(socket))["type"] == "hello"
        for headers in (
            {"Origin": "https://evil.example", **bearer},
            {"Origin": "null", **bearer},
            {"Cookie": "sessionid=abc"},
        ):
            with pytest.raises(InvalidStatus) as refused:
                await connect(address, additional_headers=headers)
            assert refused.value.response.status_code == 403
        with pytest.raises(InvalidStatus):
            await connect(f"{scene.node.sockets}/ws/nothing/", additional_headers=bearer)

    scene.tokens["expired"] = issue_token(scene.people.alice, timezone.now() - timedelta(seconds=1))
    run(scene, story)


def test_other_peoples_streams_do_not_exist(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        names = [
            f"room.{scene.secret.pk}",
            f"inbox.{scene.people.bob.pk}",
            "room.999999",
            "room.0",
            "room.-1",
            "room.1e3",
            "",
            "x" * 300,
        ]
        async with scene.socket() as socket:
            await socket.send(
                json.dumps({"id": 1, "command": "subscribe", "streams": dict.fromkeys(names)})
            )
            data = (await reply(socket))["data"]
            assert data["pages"] == {}
            assert {error["code"] for error in data["errors"].values()} == {"not_found"}
            assert set(data["errors"]) == set(names)
        async with scene.socket(path="/ws/notifications/") as socket:
            await socket.send(
                json.dumps(
                    {"id": 1, "command": "subscribe", "streams": {f"room.{scene.room.pk}": None}}
                )
            )
            assert (await reply(socket))["data"]["errors"][f"room.{scene.room.pk}"][
                "code"
            ] == "forbidden"
            await socket.send(
                json.dumps(
                    {
                        "id": 2,
                        "command": "message.post",
                        "room": scene.room.pk,
                        "key": str(uuid.uuid4()),
                        "body": "x",
                    }
                )
            )
            assert (await reply(socket))["error"]["code"] == "unknown_command"

    run(scene, story)


def test_bad_http_is_answered_in_json(scene: Scene) -> None:
    room, secret = scene.room.pk, scene.secret.pk
    stranger = httpx.Client(base_url=scene.node.origin)
    alice = httpx.Client(
        base_url=scene.node.origin, headers={"Authorization": f"Bearer {scene.tokens['alice']}"}
    )
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
        (
            {
                "id": 1,
                "command": "message.post",
                "room": secret,
                "key": str(uuid.uuid4()),
                "body": "x",
            },
            404,
            "not_found",
        ),
        (
            {"id": 1, "command": "message.post", "room": room, "key": "x", "body": "x"},
            400,
            "bad_request",
        ),
    ]
    for body, status, code in post_cases:
        answer = alice.post("/api/commands", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), body
    assert (
        alice.post(
            "/api/commands", content=b"{", headers={"Content-Type": "application/json"}
        ).status_code
        == 400
    )
    assert "Traceback" not in scene.node.log
