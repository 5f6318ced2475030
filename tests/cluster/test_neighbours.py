"""Bytes of strangers in Redis run no code, sign nobody in and say nothing."""

import asyncio
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import redis as clients
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client, override_settings

from chat import services as chat
from realtime.auth import issue_token
from realtime.auth.cached_sessions import SessionStore
from realtime.core import history, signed_data
from realtime.site.environment import Environment
from tests.realtime.serving import RawSocket
from tests.support.redis import HOST, Redis, running
from tests.support.server import Nodes
from tests.support.waiting import until


class RunsCode:
    """Makes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return (Path.touch, (self.proof,))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    found = Redis(tmp_path, "redis", "--save", "")
    with running(found):
        yield found


@pytest.fixture
def stranger(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A connection to the Redis that holds the sessions."""
    monkeypatch.setattr(history.current, "name", "e-1")
    url = f"redis://{HOST}:{redis.port}/0"
    config = Environment({"CACHE_URL": url}).cache("CACHE_URL", "memory://")
    with override_settings(CACHES={"default": config}), clients.Redis.from_url(url) as found:
        yield found
    SessionStore._away_until = 0.0


def hostile(proof: Path) -> list[bytes]:
    return [
        pickle.dumps(RunsCode(proof)),
        pickle.dumps({"_auth_user_id": "1"}),
        json.dumps({"of": "x", "data": {"_auth_user_id": "1"}}).encode(),
        b"",
        b"1",
        b"[" * 100_000,
        b"\xff" * 40,
    ]


def test_values_of_a_stranger_are_missing(stranger: Any, tmp_path: Path) -> None:
    cache, proof = caches["default"], tmp_path / "ran"
    for value in hostile(proof):
        stranger.set(cache.make_key("key"), value)
        assert cache.get("key") in (None, 1)
        assert cache.get_many(["key"])["key"] in (None, 1)
    assert not proof.exists()


def test_values_of_ours_come_back(stranger: Any) -> None:
    cache = caches["default"]
    values: list[Any] = [1, -1, True, 1.5, "text", None, ["ü", 2], {"a": {"b": []}}]
    for value in values:
        cache.set("key", value)
        assert cache.get("key", "default") == value
        assert type(cache.get("key")) is type(value)
    cache.set("count", 1)
    assert cache.incr("count") == 2
    stored = b"".join(stranger.get(key) for key in stranger.scan_iter())
    assert b"\x80\x04" not in stored, "a pickle"


@pytest.mark.django_db
def test_no_copy_of_a_session_signs_a_stranger_in(
    stranger: Any, client: Client, alice: User, bob: User, tmp_path: Path
) -> None:
    other = Client()
    other.force_login(bob)
    client.force_login(alice)
    assert client.get("/accounts/").status_code == 200
    keys = [key for key in stranger.scan_iter() if b"session" in key]
    # Nobody who reads the keys can sign in by them.
    for signed_in in (client, other):
        assert signed_in.cookies["sessionid"].value.encode() not in b" ".join(keys)
    [alices, bobs] = keys
    copies = {key: stranger.get(key) for key in keys}
    # Each has the copy of the other one, and is still who they are.
    stranger.set(alices, copies[bobs])
    stranger.set(bobs, copies[alices])
    assert client.get("/accounts/").context["user"] == alice
    assert other.get("/accounts/").context["user"] == bob
    proof = tmp_path / "ran"
    for value in hostile(proof):
        stranger.set(alices, value)
        assert client.get("/accounts/").context["user"] == alice
    assert not proof.exists()


def test_a_signature_is_for_one_purpose_and_survives_a_new_secret() -> None:
    signed = signed_data.sign("cache", b"data")
    assert signed_data.verified("cache", signed) == b"data"
    assert signed_data.verified("layer", signed) is None
    for other in (signed[1:], signed + b"x", b"", None, "text", 5):
        assert signed_data.verified("cache", other) is None
    with override_settings(SECRET_KEY="y" * 80):
        assert signed_data.verified("cache", signed) is None
    with override_settings(SECRET_KEY="y" * 80, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert signed_data.verified("cache", signed) == b"data"


def test_nobody_else_speaks_in_a_room(
    nodes: Nodes, redis: Redis, alice: User, transactional_db: None
) -> None:
    room = chat.create_room(actor_id=alice.pk, name="Lab").room_id
    url = f"redis://{HOST}:{redis.port}"
    node = nodes.start(CHANNEL_LAYER_URL=f"{url}/0", HOLDFAST_HEAD_CHECK_SECONDS="1")
    stream = f"room.{room}"

    def metric(name: str) -> float:
        lines = httpx.get(f"{node.origin}/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    with (
        RawSocket(node.port, token=issue_token(alice)) as socket,
        clients.Redis.from_url(url) as stranger,
    ):
        socket.command("subscribe", streams={stream: None})
        seen: list[dict[str, Any]] = []
        while not (replies := [each for each in seen if each["type"] == "reply"]):
            seen += socket.objects()
        head = replies[0]["data"]["pages"][stream]["head"]
        channels = [name.decode() for name in stranger.pubsub_channels()]
        [group] = [name for name in channels if name.endswith(f"holdfast.{stream}")]
        forged = {
            "type": "events",
            "node": "elsewhere",
            "stream": stream,
            "events": [[head + 1, "message:1", b'{"type":"event","body":"forged"}', None]],
        }
        signed_by_nobody = {"type": "signed", "data": b"x" * 16 + msgspec.msgpack.encode(forged)}
        messages: list[Any] = [forged, signed_by_nobody, {"type": "heartbeat"}, {}, [1], 7, None]
        data = [msgspec.msgpack.encode(message) for message in messages] + [
            b"",
            b"\xc1",
            b"\xff" * 9,
        ]
        for some in data:
            assert stranger.publish(group, some) == 1
        asyncio.run(until(lambda: metric("holdfast_layer_unsigned_total") == len(data)))
        assert metric("holdfast_degraded") == 0
        chat.post_message(author_id=alice.pk, room_id=room, body="true")
        while not any("true" in str(each) for each in seen):
            seen += socket.objects()
        assert "forged" not in str(seen)
