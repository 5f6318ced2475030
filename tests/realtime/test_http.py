"""Commands over HTTP, and what an operator's probes ask. In one process, without a network."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db.utils import ConnectionHandler
from django.test import AsyncClient, override_settings

from chat import services as chat
from holdfast import __version__
from realtime.api import views
from realtime.core import reads
from realtime.core.drain import Drain
from realtime.core.outages import health
from realtime.core.writer import writer
from realtime.engine.hub import Hub
from realtime.models import Stream
from realtime.protocol.errors import Unavailable
from tests.realtime.calling import Caller, Notify, titles


class TestCommands:
    async def test_a_command_is_answered_with_its_reply(self, caller: Caller) -> None:
        answer = await caller.command("ping")
        reply = answer.json()
        assert (answer.status_code, reply["type"], reply["id"], reply["ok"]) == (
            200,
            "reply",
            4,
            True,
        )
        assert set(reply["data"]) == {"time"}

    async def test_a_message_is_posted_once(self, caller: Caller) -> None:
        room = (
            await writer().run(chat.create_room, actor_id=caller.user.pk, name="General")
        ).room_id
        key = str(uuid4())
        first, second = [
            (await caller.command("message.post", room=room, key=key, body="Hello")).json()["data"]
            for _ in range(2)
        ]
        assert (first["duplicate"], second["duplicate"]) == (False, True)
        assert first["message"] == second["message"]

    async def test_an_error_has_its_status(self, caller: Caller) -> None:
        answer = await caller.command("message.post", room=4711, key=str(uuid4()), body="Hello")
        assert (answer.status_code, answer.json()["id"], answer.json()["error"]["code"]) == (
            404,
            4,
            "not_found",
        )

    async def test_a_pull_needs_no_subscription(self, caller: Caller, notified: Notify) -> None:
        await notified(caller, "one", "two")
        page = (await caller.command("pull", stream=caller.inbox, after=1)).json()["data"]
        assert (page["stream"], page["to"], titles(page)) == (caller.inbox, 2, ["two"])

    async def test_what_is_no_command_here(self, caller: Caller) -> None:
        for name in ("subscribe", "unsubscribe", "message.explode", "x" * 1000):
            answer = await caller.command(name, streams={})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_command")

    async def test_what_is_no_object_with_an_id(self, caller: Caller) -> None:
        for content in (
            "",
            "x",
            "[]",
            '{"id": "4"}',
            '{"command": "ping"}',
            b"\xff",
            "[" * 5000,
            '{"id":1,"command":"ping"}' * 2,
        ):
            answer = await caller.post(content)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")

    async def test_a_wrong_field_is_refused_by_name(self, caller: Caller) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"room": "general"}, "room"),
            ({"room": 10**30}, ""),
            ({"body": 7}, "body"),
            ({"body": "a\x00b"}, ""),
            ({"body": "\ud800"}, ""),
            ({"key": "no-uuid"}, "key"),
        ]
        for fields, named in wrong:
            answer = await caller.command(
                "message.post", **{"room": 1, "key": str(uuid4()), "body": "Hello", **fields}
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
            assert named in answer.json()["error"]["message"]

    async def test_a_body_above_the_limit_is_refused(self, caller: Caller) -> None:
        answer = await caller.post(
            json.dumps({"id": 1, "command": "ping", "padding": "x" * 131_072})
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "bad_request")

    async def test_a_form_is_no_command(self, caller: Caller) -> None:
        answer = await caller.post("id=1", content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.json()["error"]["message"]) == (
            400,
            "Content-Type: expected application/json",
        )

    async def test_a_flood_is_refused_until_the_bucket_has_refilled(
        self, call: Any, people: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock()
        monkeypatch.setattr("realtime.api.views.time.monotonic", clock)
        with override_settings(HOLDFAST_COMMAND_RATE=1, HOLDFAST_COMMAND_BURST=3):
            charlie = await call(people.charlie)
            statuses = [(await charlie.command("ping")).status_code for _ in range(4)]
            refused = await charlie.command("ping")
            bob = await call(people.bob)
            assert (await bob.command("ping")).status_code == 200
            clock.now += 1
            assert (await charlie.command("ping")).status_code == 200
        assert statuses == [200, 200, 200, 429]
        assert (refused.json()["error"]["code"], refused.headers["Retry-After"]) == (
            "rate_limited",
            "1",
        )

    async def test_a_form_of_another_site_cannot_command(self, caller: Caller) -> None:
        browser = AsyncClient(enforce_csrf_checks=True)
        await browser.aforce_login(caller.user)
        ping = json.dumps({"id": 1, "command": "ping"})
        forged = await browser.post("/api/commands", ping, content_type="application/json")
        assert (forged.status_code, forged.json()["error"]["code"]) == (403, "forbidden")
        browser.cookies["csrftoken"] = "a" * 32
        own = await browser.post(
            "/api/commands",
            ping,
            content_type="application/json",
            headers={"x-csrftoken": "a" * 32},
        )
        assert own.status_code == 200

    async def test_a_bug_is_logged_and_answered_in_words(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        async def broken(*_: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(views, "_reply", broken)
        answer = await caller.command("ping")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert "command failed" in caplog.text


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestProbes:
    async def test_health_is_the_event_loop_alone(self) -> None:
        assert (await AsyncClient().get("/healthz")).content == f"ok {__version__}\n".encode()

    async def test_a_node_is_ready(self, hub: Hub) -> None:
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["down"]) == (
            200,
            "ready",
            [],
        )

    async def test_without_the_broker_a_node_is_ready_and_says_that_it_is_degraded(
        self, hub: Hub
    ) -> None:
        hub.layer.degraded = True
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["layer"]) == (
            200,
            "degraded",
            "degraded",
        )

    async def test_without_the_database_a_node_is_not_ready(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away(*_: Any) -> None:
            raise Unavailable("away", retry_after=1.0)

        monkeypatch.setattr(views, "read", away)
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["down"]) == (
            503,
            "not ready",
            ["database"],
        )

    async def test_a_node_that_cannot_write_is_ready_to_read_and_says_so(self, hub: Hub) -> None:
        health.forget()
        assert (await AsyncClient().get("/readyz?write=1")).json()["down"] == ["writable"]
        await hub.reporter.report()
        assert (await AsyncClient().get("/readyz?write=1")).status_code == 200
        try:
            health.note(psycopg.errors.DiskFull("could not extend file: No space left on device"))
            answer = await AsyncClient().get("/readyz")
            assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
            assert (answer.json()["writable"], answer.json()["cause"]) == (False, "53100")
            answer = await AsyncClient().get("/readyz?write=1")
            assert (answer.status_code, answer.json()["down"]) == (503, ["writable"])
        finally:
            health.forget()

    async def test_a_corrupted_file_is_an_answer_and_not_an_error_page(
        self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = tmp_path / "broken.sqlite3"
        broken.write_bytes(b"no database" * 1000)
        config = {"ENGINE": "django.db.backends.sqlite3", "NAME": broken}

        def read_it() -> str:
            database = ConnectionHandler({"default": config})["default"]
            with database.cursor() as cursor:
                cursor.execute("SELECT name FROM realtime_epoch")
            return ""

        monkeypatch.setattr(reads, "epoch", read_it)
        try:
            answer = await AsyncClient().get("/readyz")
            assert (answer.status_code, answer.json()["down"]) == (503, ["database"])
            assert answer.json()["cause"] == "SQLITE_NOTADB"
        finally:
            health.forget()

    async def test_a_draining_node_is_not_ready(self, hub: Hub, drain: Drain) -> None:
        drain.begin()
        answer = await AsyncClient().get("/readyz")
        assert (answer.status_code, answer.json()["down"]) == (503, ["draining"])


@pytest.mark.django_db
def test_the_epoch_is_named_anew_after_a_restore() -> None:
    before = reads.epoch()
    call_command("new_epoch")
    assert reads.epoch() != before
    assert not Stream.objects.exists()
