"""The same positions over HTTP: pages, long poll and server-sent events.

In one process, without a network.
"""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, override_settings

from notifications.payloads import inbox
from realtime.api import views
from realtime.auth.revocation import end_sessions
from realtime.core import reads
from realtime.core.drain import Drain
from realtime.core.writer import writer
from realtime.engine.hub import Hub
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import Unavailable
from tests.realtime.calling import REPLY_SECONDS, Caller, Notify, titles


class TestPages:
    async def test_a_page_is_what_changed_after_a_position(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one", "two", "three")
        answer = await caller.events("?after=1")
        page = answer.json()
        assert (page["stream"], page["from"], page["to"], page["head"]) == (caller.inbox, 1, 3, 3)
        assert titles(page) == ["two", "three"]
        assert answer.headers["Stream-Epoch"] == await sync_to_async(reads.epoch)()
        assert answer.headers["Cache-Control"] == "no-store"

    async def test_without_a_position_the_page_is_empty_at_the_head(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one")
        page = (await caller.events()).json()
        assert (page["from"], page["to"], page["head"], page["events"]) == (1, 1, 1, [])

    async def test_a_position_above_the_head_is_a_reset(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one")
        answer = await caller.events("?after=7")
        assert answer.status_code == 409
        assert (answer.json()["error"]["code"], answer.json()["error"]["data"]) == (
            "reset",
            {"head": 1},
        )
        assert "Stream-Epoch" in answer.headers

    async def test_other_peoples_streams_are_not_found(self, caller: Caller, people: Any) -> None:
        for stream in (
            inbox(people.bob.pk),
            "nothing.1",
            "inbox.01",
            "inbox",
            "inbox.99999999999999999999",
        ):
            answer = await caller.events(stream=stream)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")

    async def test_nonsense_is_named(self, caller: Caller) -> None:
        for query in (
            "after=-1",
            "after=x",
            "after=1.5",
            "after=99999999999999999999",
            "after=%00",
            "wait=x",
            "wait=nan",
            "wait=-1",
        ):
            answer = await caller.events(f"?{query}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
            assert answer.json()["error"]["message"].startswith(query.split("=")[0])

    async def test_without_credentials_there_is_nothing(self, caller: Caller) -> None:
        answer = await AsyncClient().get(f"/api/streams/{caller.inbox}/events")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    async def test_a_session_reads_as_well(self, caller: Caller, notified: Notify) -> None:
        await notified(caller, "one")
        browser = AsyncClient()
        await browser.aforce_login(caller.user)
        answer = await browser.get(f"/api/streams/{caller.inbox}/events?after=0")
        assert titles(answer.json()) == ["one"]

    async def test_other_methods_are_refused(self, caller: Caller) -> None:
        answer = await AsyncClient().delete(f"/api/streams/{caller.inbox}/events")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")

    async def test_a_database_that_does_not_answer_is_reported(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away(*_: Any) -> None:
            raise Unavailable("away", retry_after=1.2)

        monkeypatch.setattr("realtime.auth.http.read", away)
        answer = await caller.events()
        assert (
            answer.status_code,
            answer.json()["error"]["retry_after"],
            answer.headers["Retry-After"],
        ) == (503, 1.2, "2")


class TestLongPolls:
    async def test_a_poll_returns_at_once_what_is_there(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one")
        assert titles((await caller.events("?after=0&wait=30")).json()) == ["one"]

    async def test_a_poll_returns_when_something_comes(
        self, caller: Caller, hub: Hub, notified: Notify
    ) -> None:
        await notified(caller, "one")
        poll = asyncio.create_task(caller.events("?after=1&wait=30"))
        await followed(hub, 1)
        await notified(caller, "two")
        page = (await poll).json()
        assert (page["from"], page["to"], titles(page)) == (1, 2, ["two"])

    async def test_a_poll_that_waits_in_vain_returns_an_empty_page(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one")
        page = (await caller.events("?after=1&wait=0.05")).json()
        assert (page["from"], page["to"], page["head"], page["events"]) == (1, 1, 1, [])

    async def test_nobody_waits_longer_than_the_limit(self, caller: Caller) -> None:
        with override_settings(HOLDFAST_LONG_POLL_MAX_SECONDS=0.05):
            assert (await caller.events("?wait=3600")).json()["events"] == []

    async def test_a_poll_ends_when_its_session_does(self, caller: Caller, hub: Hub) -> None:
        poll = asyncio.create_task(caller.events("?wait=30"))
        await followed(hub, 1)
        await writer().run(
            lambda: end_sessions(caller.user.pk, code=CloseCode.BANNED, reason="Spam")
        )
        answer = await poll
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert "Spam" in answer.json()["error"]["message"]

    async def test_a_poll_is_answered_when_the_node_drains(
        self, caller: Caller, hub: Hub, drain: Drain
    ) -> None:
        poll = asyncio.create_task(caller.events("?wait=30"))
        await followed(hub, 1)
        drain.begin()
        assert (await poll).json()["events"] == []

    async def test_a_client_that_goes_away_is_forgotten(self, caller: Caller, hub: Hub) -> None:
        poll = asyncio.create_task(caller.events("?wait=30"))
        await followed(hub, 1)
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
        await followed(hub, 0)

    async def test_connections_of_one_account_are_bounded(self, caller: Caller, hub: Hub) -> None:
        with override_settings(HOLDFAST_MAX_SOCKETS_PER_USER=1):
            poll = asyncio.create_task(caller.events("?wait=30"))
            await followed(hub, 1)
            answer = await caller.events("?wait=1")
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many")
            poll.cancel()
            await asyncio.gather(poll, return_exceptions=True)


async def followed(hub: Hub, count: int) -> None:
    """Return when ``count`` long polls or event streams are open."""
    async with asyncio.timeout(REPLY_SECONDS):
        # A turn of the loop each, no time  # a turn of the loop each, no time.
        while len(hub.http_followers) != count:  # noqa: ASYNC110
            await asyncio.sleep(0)


class TestServerSentEvents:
    async def test_a_stream_begins_with_a_page_and_goes_on_with_events(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one")
        async with caller.listening() as stream:
            assert stream.answer.headers["Content-Type"] == "text/event-stream"
            assert stream.answer.headers["X-Accel-Buffering"] == "no"
            assert "Stream-Epoch" in stream.answer.headers
            assert "retry" in await stream.block()
            assert await stream.event() == (
                1,
                {
                    "type": "page",
                    "stream": caller.inbox,
                    "from": 1,
                    "to": 1,
                    "head": 1,
                    "events": [],
                },
            )
            await notified(caller, "two")
            ident, event = await stream.event()
            assert (
                ident,
                event["type"],
                event["stream"],
                event["seq"],
                event["data"]["title"],
            ) == (2, "event", caller.inbox, 2, "two")

    async def test_every_change_after_the_position_is_sent_with_its_own_id(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one", "two", "three")
        async with caller.listening("?after=1") as stream:
            assert [ident for ident, _ in [await stream.event(), await stream.event()]] == [2, 3]

    async def test_a_page_with_holes_is_sent_as_one(self, caller: Caller, notified: Notify) -> None:
        await notified(caller, "one")
        await writer().run(
            lambda: end_sessions(
                caller.user.pk,
                code=CloseCode.SESSION_ENDED,
                reason="hidden",
                credential="session:other",
            )
        )
        async with caller.listening("?after=0") as stream:
            ident, page = await stream.event()
            assert (ident, page["type"], page["to"], titles(page)) == (2, "page", 2, ["one"])

    async def test_the_last_event_id_wins_over_the_address(
        self, caller: Caller, notified: Notify
    ) -> None:
        await notified(caller, "one", "two")
        async with caller.listening("?after=0", last_event_id="1") as stream:
            ident, event = await stream.event()
            assert (ident, event["data"]["title"]) == (2, "two")

    async def test_silence_is_broken_by_comments(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "HEARTBEAT_SECONDS", 0.02)
        async with caller.listening() as stream:
            await stream.event()
            assert await stream.block() == {"": ""}

    async def test_a_stream_ends_when_its_right_does(self, caller: Caller, hub: Hub) -> None:
        async with caller.listening() as stream:
            await stream.event()
            reading = asyncio.create_task(stream.event())
            await followed(hub, 1)
            await writer().run(
                lambda: end_sessions(
                    caller.user.pk, code=CloseCode.SESSION_ENDED, reason="signed out"
                )
            )
            assert await reading == (
                None,
                {"type": "closed", "stream": caller.inbox, "reason": "signed out"},
            )
            assert await stream.ended()
            await followed(hub, 0)

    async def test_an_event_stream_ends_with_bye_when_the_node_drains(
        self, caller: Caller, hub: Hub, drain: Drain
    ) -> None:
        async with caller.listening() as stream:
            await stream.event()
            reading = asyncio.create_task(stream.block())
            await followed(hub, 1)
            drain.begin()
            while "retry" not in (block := await reading):
                reading = asyncio.create_task(stream.block())
            _, bye = await stream.event()
            assert (bye["type"], bye["reason"]) == ("bye", "restart")
            assert int(block["retry"]) == round(bye["retry_after"] * 1000)
            assert await stream.ended()

    async def test_a_listener_that_goes_away_is_forgotten(self, caller: Caller, hub: Hub) -> None:
        async with caller.listening() as stream:
            await stream.event()
            reading = asyncio.create_task(stream.event())
            await followed(hub, 1)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await followed(hub, 0)

    async def test_a_position_above_the_head_is_refused_before_the_stream_begins(
        self, caller: Caller
    ) -> None:
        assert (await caller.events("?after=7", accept="text/event-stream")).status_code == 409
