"""The same positions over HTTP: pages, long poll, server-sent events; and commands. In one process, without a network."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient, Client, override_settings

from chat import services as chat
from notifications.payloads import inbox
from notifications.services import notify
from realtime import lifecycle, selectors, views
from realtime.auth import issue_token
from realtime.hub import Hub
from realtime.lifecycle import Lifecycle
from realtime.models import Stream
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import Unavailable
from realtime.revocation import end_sessions
from realtime.services import changing
from realtime.views import Buckets
from realtime.writer import writer

REPLY_SECONDS = 10

Notify = Callable[..., Awaitable[None]]


class Caller:
    """An HTTP client with a token."""

    def __init__(self, user: User, token: str) -> None:
        self.user = user
        self.inbox = inbox(user.pk)
        self._client = AsyncClient()
        self._token = f"Bearer {token}"

    async def get(self, path: str, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await asyncio.wait_for(self._client.get(path, headers={"authorization": self._token, **sent}), REPLY_SECONDS)

    async def events(self, query: str = "", stream: str = "", **headers: str) -> Any:
        return await self.get(f"/api/streams/{stream or self.inbox}/events{query}", **headers)

    async def command(self, name: str, **fields: Any) -> Any:
        return await self.post(json.dumps({"id": 4, "command": name, **fields}))

    async def post(self, content: str | bytes, content_type: str = "application/json") -> Any:
        return await self._client.post("/api/commands", content, content_type=content_type, headers={"authorization": self._token})

    @asynccontextmanager
    async def listening(self, query: str = "", **headers: str) -> AsyncIterator["Listening"]:
        answer = await self.events(query, accept="text/event-stream", **headers)
        assert answer.status_code == 200, answer.content
        content = aiter(answer.streaming_content)
        try:
            yield Listening(answer, content)
        finally:
            await content.aclose()


class Listening:
    """An open stream of server-sent events."""

    def __init__(self, answer: Any, content: Any) -> None:
        self.answer = answer
        self._content = content
        self._blocks: list[dict[str, str]] = []

    async def block(self) -> dict[str, str]:
        """Return the fields of the next block; a comment has the name ``""``."""
        while not self._blocks:
            chunk = await asyncio.wait_for(anext(self._content), REPLY_SECONDS)
            for text in chunk.decode().strip("\n").split("\n\n"):
                self._blocks.append(dict(line.split(":", 1) for line in text.split("\n")))
        return self._blocks.pop(0)

    async def event(self) -> tuple[int | None, dict[str, Any]]:
        """Return the next event's id and object."""
        while "data" not in (block := await self.block()):
            pass
        return int(block["id"]) if "id" in block else None, json.loads(block["data"])

    async def ended(self) -> bool:
        return await anext(self._content, None) is None


@pytest.fixture
async def call(hub: Hub, people: Any) -> Callable[[User], Awaitable[Caller]]:
    """``alice = await call(people.alice)``."""

    async def caller(user: User) -> Caller:
        return Caller(user, await sync_to_async(issue_token)(user))

    return caller


@pytest.fixture
async def alice(call: Any, people: Any) -> Caller:
    found: Caller = await call(people.alice)
    return found


@pytest.fixture
def notified(hub: Hub) -> Notify:
    """Put notifications into somebody's inbox: ``await notified(alice, "one", "two")``."""

    async def put(caller: Caller, *titles: str) -> None:
        def change() -> None:
            for title in titles:
                with changing(caller.inbox) as heads:
                    notify(heads, user_id=caller.user.pk, kind="mention", title=title)

        await writer().run(change)

    return put


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    """A process that can be told to stop, once."""
    fresh = Lifecycle()
    monkeypatch.setattr(lifecycle, "process", fresh)
    monkeypatch.setattr(views, "process", fresh)
    return fresh


def titles(page: dict[str, Any]) -> list[str]:
    return [event["data"]["title"] for event in page["events"]]


class TestPages:
    async def test_a_page_is_what_changed_after_a_position(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one", "two", "three")
        answer = await alice.events("?after=1")
        page = answer.json()
        assert (page["stream"], page["from"], page["to"], page["head"]) == (alice.inbox, 1, 3, 3)
        assert titles(page) == ["two", "three"]
        assert answer.headers["Stream-Epoch"] == await sync_to_async(selectors.epoch)()
        assert answer.headers["Cache-Control"] == "no-store"

    async def test_without_a_position_the_page_is_empty_at_the_head(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one")
        page = (await alice.events()).json()
        assert (page["from"], page["to"], page["head"], page["events"]) == (1, 1, 1, [])

    async def test_a_position_above_the_head_is_a_reset(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one")
        answer = await alice.events("?after=7")
        assert answer.status_code == 409
        assert (answer.json()["error"]["code"], answer.json()["error"]["data"]) == ("reset", {"head": 1})
        assert "Stream-Epoch" in answer.headers

    async def test_other_peoples_streams_are_not_found(self, alice: Caller, people: Any) -> None:
        for stream in (inbox(people.bob.pk), "nothing.1", "inbox.01", "inbox", "inbox.99999999999999999999"):
            answer = await alice.events(stream=stream)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")

    async def test_nonsense_is_named(self, alice: Caller) -> None:
        for query in ("after=-1", "after=x", "after=1.5", "after=99999999999999999999", "after=%00", "wait=x", "wait=nan", "wait=-1"):
            answer = await alice.events(f"?{query}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
            assert answer.json()["error"]["message"].startswith(query.split("=")[0])

    async def test_without_credentials_there_is_nothing(self, alice: Caller) -> None:
        answer = await AsyncClient().get(f"/api/streams/{alice.inbox}/events")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    async def test_a_session_reads_as_well(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one")
        browser = AsyncClient()
        await browser.aforce_login(alice.user)
        answer = await browser.get(f"/api/streams/{alice.inbox}/events?after=0")
        assert titles(answer.json()) == ["one"]

    async def test_other_methods_are_refused(self, alice: Caller) -> None:
        answer = await AsyncClient().delete(f"/api/streams/{alice.inbox}/events")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")

    async def test_a_database_that_does_not_answer_is_told(self, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        async def away(*_: Any) -> None:
            raise Unavailable("away", retry_after=1.2)

        monkeypatch.setattr("realtime.auth.requests.read", away)
        answer = await alice.events()
        assert (answer.status_code, answer.json()["error"]["retry_after"], answer.headers["Retry-After"]) == (503, 1.2, "2")


class TestLongPolls:
    async def test_a_poll_returns_at_once_what_is_there(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one")
        assert titles((await alice.events("?after=0&wait=30")).json()) == ["one"]

    async def test_a_poll_returns_when_something_comes(self, alice: Caller, hub: Hub, notified: Notify) -> None:
        await notified(alice, "one")
        poll = asyncio.create_task(alice.events("?after=1&wait=30"))
        await followed(hub, 1)
        await notified(alice, "two")
        page = (await poll).json()
        assert (page["from"], page["to"], titles(page)) == (1, 2, ["two"])

    async def test_a_poll_that_waits_in_vain_returns_an_empty_page(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one")
        page = (await alice.events("?after=1&wait=0.05")).json()
        assert (page["from"], page["to"], page["head"], page["events"]) == (1, 1, 1, [])

    async def test_nobody_waits_longer_than_the_limit(self, alice: Caller) -> None:
        with override_settings(HOLDFAST_LONG_POLL_MAX_SECONDS=0.05):
            assert (await alice.events("?wait=3600")).json()["events"] == []

    async def test_a_poll_ends_when_its_session_does(self, alice: Caller, hub: Hub) -> None:
        poll = asyncio.create_task(alice.events("?wait=30"))
        await followed(hub, 1)
        await writer().run(lambda: end_sessions(alice.user.pk, code=CloseCode.BANNED, reason="Spam"))
        answer = await poll
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert "Spam" in answer.json()["error"]["message"]

    async def test_a_poll_is_answered_when_the_node_is_told_to_stop(self, alice: Caller, hub: Hub, process: Lifecycle) -> None:
        poll = asyncio.create_task(alice.events("?wait=30"))
        await followed(hub, 1)
        process.drain()
        assert (await poll).json()["events"] == []

    async def test_a_client_that_goes_away_is_forgotten(self, alice: Caller, hub: Hub) -> None:
        poll = asyncio.create_task(alice.events("?wait=30"))
        await followed(hub, 1)
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
        await followed(hub, 0)

    async def test_connections_of_one_account_are_bounded(self, alice: Caller, hub: Hub) -> None:
        with override_settings(HOLDFAST_MAX_SOCKETS_PER_USER=1):
            poll = asyncio.create_task(alice.events("?wait=30"))
            await followed(hub, 1)
            answer = await alice.events("?wait=1")
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many")
            poll.cancel()
            await asyncio.gather(poll, return_exceptions=True)


async def followed(hub: Hub, count: int) -> None:
    """Return when ``count`` long polls or event streams are open."""
    async with asyncio.timeout(REPLY_SECONDS):
        while len(hub.feeds) != count:  # noqa: ASYNC110  # a turn of the loop each, no time
            await asyncio.sleep(0)


class TestServerSentEvents:
    async def test_a_stream_begins_with_a_page_and_goes_on_with_events(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one")
        async with alice.listening() as stream:
            assert stream.answer.headers["Content-Type"] == "text/event-stream"
            assert stream.answer.headers["X-Accel-Buffering"] == "no"
            assert "Stream-Epoch" in stream.answer.headers
            assert "retry" in await stream.block()
            assert await stream.event() == (1, {"type": "page", "stream": alice.inbox, "from": 1, "to": 1, "head": 1, "events": []})
            await notified(alice, "two")
            ident, event = await stream.event()
            assert (ident, event["type"], event["stream"], event["seq"], event["data"]["title"]) == (2, "event", alice.inbox, 2, "two")

    async def test_every_change_after_the_position_is_sent_with_its_own_id(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one", "two", "three")
        async with alice.listening("?after=1") as stream:
            assert [ident for ident, _ in [await stream.event(), await stream.event()]] == [2, 3]

    async def test_a_page_with_holes_is_sent_as_one(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one")
        await writer().run(lambda: end_sessions(alice.user.pk, code=CloseCode.SESSION_ENDED, reason="hidden", credential="session:other"))
        async with alice.listening("?after=0") as stream:
            ident, page = await stream.event()
            assert (ident, page["type"], page["to"], titles(page)) == (2, "page", 2, ["one"])

    async def test_the_last_event_id_wins_over_the_address(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one", "two")
        async with alice.listening("?after=0", last_event_id="1") as stream:
            ident, event = await stream.event()
            assert (ident, event["data"]["title"]) == (2, "two")

    async def test_silence_is_broken_by_comments(self, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views, "HEARTBEAT_SECONDS", 0.02)
        async with alice.listening() as stream:
            await stream.event()
            assert await stream.block() == {"": ""}

    async def test_a_stream_ends_when_its_right_does(self, alice: Caller, hub: Hub) -> None:
        async with alice.listening() as stream:
            await stream.event()
            reading = asyncio.create_task(stream.event())
            await followed(hub, 1)
            await writer().run(lambda: end_sessions(alice.user.pk, code=CloseCode.SESSION_ENDED, reason="signed out"))
            assert await reading == (None, {"type": "closed", "stream": alice.inbox, "reason": "signed out"})
            assert await stream.ended()
            await followed(hub, 0)

    async def test_a_stream_says_bye_when_the_node_is_told_to_stop(self, alice: Caller, hub: Hub, process: Lifecycle) -> None:
        async with alice.listening() as stream:
            await stream.event()
            reading = asyncio.create_task(stream.block())
            await followed(hub, 1)
            process.drain()
            while "retry" not in (block := await reading):
                reading = asyncio.create_task(stream.block())
            _, bye = await stream.event()
            assert (bye["type"], bye["reason"]) == ("bye", "restart")
            assert int(block["retry"]) == round(bye["retry_after"] * 1000)
            assert await stream.ended()

    async def test_a_listener_that_goes_away_is_forgotten(self, alice: Caller, hub: Hub) -> None:
        async with alice.listening() as stream:
            await stream.event()
            reading = asyncio.create_task(stream.event())
            await followed(hub, 1)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await followed(hub, 0)

    async def test_a_position_above_the_head_is_refused_before_the_stream_begins(self, alice: Caller) -> None:
        assert (await alice.events("?after=7", accept="text/event-stream")).status_code == 409


class TestCommands:
    async def test_a_command_is_answered_with_its_reply(self, alice: Caller) -> None:
        answer = await alice.command("ping")
        reply = answer.json()
        assert (answer.status_code, reply["type"], reply["id"], reply["ok"]) == (200, "reply", 4, True)
        assert set(reply["data"]) == {"time"}

    async def test_a_message_is_posted_once(self, alice: Caller) -> None:
        room = (await writer().run(chat.create_room, actor_id=alice.user.pk, name="General")).room_id
        key = str(uuid4())
        first, second = [(await alice.command("message.post", room=room, key=key, body="Hello")).json()["data"] for _ in range(2)]
        assert (first["duplicate"], second["duplicate"]) == (False, True)
        assert first["message"] == second["message"]

    async def test_an_error_has_its_status(self, alice: Caller) -> None:
        answer = await alice.command("message.post", room=4711, key=str(uuid4()), body="Hello")
        assert (answer.status_code, answer.json()["id"], answer.json()["error"]["code"]) == (404, 4, "not_found")

    async def test_a_pull_needs_no_subscription(self, alice: Caller, notified: Notify) -> None:
        await notified(alice, "one", "two")
        page = (await alice.command("pull", stream=alice.inbox, after=1)).json()["data"]
        assert (page["stream"], page["to"], titles(page)) == (alice.inbox, 2, ["two"])

    async def test_what_is_no_command_here(self, alice: Caller) -> None:
        for name in ("subscribe", "unsubscribe", "message.explode", "x" * 1000):
            answer = await alice.command(name, streams={})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_command")

    async def test_what_is_no_object_with_an_id(self, alice: Caller) -> None:
        for content in ("", "x", "[]", '{"id": "4"}', '{"command": "ping"}', b"\xff", "[" * 5000, '{"id":1,"command":"ping"}' * 2):
            answer = await alice.post(content)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")

    async def test_a_wrong_field_is_refused_by_name(self, alice: Caller) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"room": "general"}, "room"),
            ({"room": 10**30}, ""),
            ({"body": 7}, "body"),
            ({"body": "a\x00b"}, ""),
            ({"body": "\ud800"}, ""),
            ({"key": "no-uuid"}, "key"),
        ]
        for fields, named in wrong:
            answer = await alice.command("message.post", **{"room": 1, "key": str(uuid4()), "body": "Hello", **fields})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
            assert named in answer.json()["error"]["message"]

    async def test_a_body_above_the_limit_is_refused(self, alice: Caller) -> None:
        answer = await alice.post(json.dumps({"id": 1, "command": "ping", "padding": "x" * 65_536}))
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "bad_request")

    async def test_a_form_is_no_command(self, alice: Caller) -> None:
        answer = await alice.post("id=1", content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Content-Type: expected application/json")

    async def test_a_flood_is_refused_until_the_bucket_has_refilled(self, call: Any, people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock()
        monkeypatch.setattr("realtime.views.time.monotonic", clock)
        with override_settings(HOLDFAST_COMMAND_RATE=1, HOLDFAST_COMMAND_BURST=3):
            charlie = await call(people.charlie)
            statuses = [(await charlie.command("ping")).status_code for _ in range(4)]
            refused = await charlie.command("ping")
            bob = await call(people.bob)
            assert (await bob.command("ping")).status_code == 200
            clock.now += 1
            assert (await charlie.command("ping")).status_code == 200
        assert statuses == [200, 200, 200, 429]
        assert (refused.json()["error"]["code"], refused.headers["Retry-After"]) == ("rate_limited", "1")

    async def test_a_form_of_another_site_cannot_command(self, alice: Caller) -> None:
        browser = AsyncClient(enforce_csrf_checks=True)
        await browser.aforce_login(alice.user)
        ping = json.dumps({"id": 1, "command": "ping"})
        forged = await browser.post("/api/commands", ping, content_type="application/json")
        assert (forged.status_code, forged.json()["error"]["code"]) == (403, "forbidden")
        browser.cookies["csrftoken"] = "a" * 32
        own = await browser.post("/api/commands", ping, content_type="application/json", headers={"x-csrftoken": "a" * 32})
        assert own.status_code == 200

    async def test_a_bug_is_logged_and_told_in_words(self, alice: Caller, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
        async def broken(*_: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(views, "_carry_out", broken)
        answer = await alice.command("ping")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert "command failed" in caplog.text


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_buckets_of_the_longest_idle_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_BUCKETS", 2)
    buckets = Buckets()
    for user in (1, 2, 1, 3):
        buckets.take(user, 0.0)
    assert list(buckets._buckets) == [1, 3]


class TestProbes:
    async def test_health_is_the_event_loop_alone(self) -> None:
        assert (await AsyncClient().get("/healthz")).content == b"ok\n"

    async def test_a_node_is_ready(self, hub: Hub) -> None:
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["down"]) == (200, "ready", [])

    async def test_without_the_broker_a_node_is_ready_and_says_that_it_is_degraded(self, hub: Hub) -> None:
        hub.layer.degraded = True
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["layer"]) == (200, "degraded", "degraded")

    async def test_without_the_database_a_node_is_not_ready(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def away(*_: Any) -> None:
            raise Unavailable("away", retry_after=1.0)

        monkeypatch.setattr(views, "read", away)
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["down"]) == (503, "not ready", ["database"])

    async def test_a_draining_node_is_not_ready(self, hub: Hub, process: Lifecycle) -> None:
        process.drain()
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["down"]) == (503, ["draining"])


@pytest.mark.django_db
def test_the_epoch_is_named_anew_after_a_restore(client: Client) -> None:
    from django.core.management import call_command

    before = selectors.epoch()
    call_command("new_epoch")
    assert selectors.epoch() != before
    assert not Stream.objects.exists()
