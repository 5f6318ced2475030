"""A page with no more than a bell: ``/ws/notifications/``, open in two tabs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from channels.testing import ApplicationCommunicator
from django.contrib.auth.models import User

from holdfast import __version__
from notifications import payloads, policies, services
from notifications.api.consumers import NotificationConsumer
from notifications.policies import Words
from notifications.queries import Audience
from notifications.services import Notice, inbox
from realtime.auth import Account
from realtime.core import database
from realtime.core import writer as writers
from realtime.core.heads import changing
from realtime.engine import hub as hubs
from tests.conftest import People

pytestmark = pytest.mark.django_db(transaction=True)

REPLY_SECONDS = 5


class Tab:
    """One open page of a user: its socket, and the messages received over it."""

    def __init__(self, user: User, language: str = "en") -> None:
        account = Account(
            user.pk,
            user.username,
            user.username,
            False,
            None,
            None,
            "session:1",
            hash(user.password),
        )
        scope = {
            "type": "websocket",
            "path": "/ws/notifications/",
            "subprotocols": ["holdfast.v1"],
            "account": account,
            "language": language,
        }
        self._communicator = ApplicationCommunicator(NotificationConsumer.as_asgi(), scope)
        self._objects: list[dict[str, Any]] = []
        self._ids = 0
        self.hello: dict[str, Any] = {}

    async def open(self) -> "Tab":
        await self._communicator.send_input({"type": "websocket.connect"})
        assert (await self._communicator.receive_output(REPLY_SECONDS))[
            "type"
        ] == "websocket.accept"
        self.hello = await self.next("hello")
        return self

    async def command(self, command: str, **fields: Any) -> dict[str, Any]:
        """Send a command and return its reply."""
        self._ids += 1
        request = msgspec.json.encode({"id": self._ids, "command": command, **fields}).decode()
        await self._communicator.send_input({"type": "websocket.receive", "text": request})
        reply = await self.next("reply")
        assert reply["id"] == self._ids
        return reply

    async def follow(self, *streams: str) -> None:
        reply = await self.command("subscribe", streams=dict.fromkeys(streams))
        assert reply["data"]["errors"] == {}

    async def next(self, kind: str) -> dict[str, Any]:
        """Return the next object of a type; what comes before it waits."""
        while True:
            for position, found in enumerate(self._objects):
                if found["type"] == kind:
                    return self._objects.pop(position)
            output = await self._communicator.receive_output(REPLY_SECONDS)
            decoded = msgspec.json.decode(output["text"])
            self._objects += decoded if isinstance(decoded, list) else [decoded]

    async def close(self) -> None:
        await self._communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await self._communicator.wait(REPLY_SECONDS)


OpenTab = Callable[..., Awaitable[Tab]]


@pytest.fixture
async def tab(transactional_db: None) -> AsyncIterator[OpenTab]:
    """``first = await tab(alice)``."""
    tabs: list[Tab] = []

    async def opened(user: User, language: str = "en") -> Tab:
        tabs.append(await Tab(user, language).open())
        return tabs[-1]

    yield opened
    await asyncio.gather(*(each.close() for each in tabs))
    await hubs.stop()
    writers.close_all()
    database.close()


async def notified(user: User, count: int = 1) -> list[int]:
    """Put notifications into an inbox and return their ids."""

    def change() -> list[int]:
        with changing(payloads.inbox(user.pk)) as heads:
            rows = services.notify_many(
                heads, [Notice(user_id=user.pk, kind="mention", title="Hello")] * count
            )
        return [row.pk for row in rows]

    return await writers.writer().run(change)


async def test_hello_names_the_version(tab: OpenTab, people: People) -> None:
    assert (await tab(people.alice)).hello["version"] == __version__


async def test_hello_names_the_heads_of_the_inbox_and_of_announcements(
    tab: OpenTab, people: People
) -> None:
    await notified(people.alice)
    assert (await tab(people.alice)).hello["heads"] == {
        payloads.inbox(people.alice.pk): 1,
        "announcements": 0,
    }


async def test_a_notification_that_is_read_in_one_tab_is_read_in_all(
    tab: OpenTab, people: People
) -> None:
    first, second = await tab(people.alice), await tab(people.alice)
    for each in (first, second):
        await each.follow(payloads.inbox(people.alice.pk))
    ids = await notified(people.alice, 2)
    for each in (first, second):
        assert [(await each.next("event"))["data"]["unread"] for _ in ids] == [1, 2]
    assert (await first.command("notification.read", notifications=ids[:1]))["data"] == {
        "unread": 1
    }
    for each in (first, second):
        read = (await each.next("event"))["data"]
        assert (read["id"], read["unread"], read["read_at"] is not None) == (ids[0], 1, True)
    assert (await second.command("notification.archive", notifications=ids))["data"] == {
        "unread": 0
    }
    for each in (first, second):
        assert [(await each.next("event"))["data"]["unread"] for _ in ids] == [1, 0]


async def test_two_people_are_refused_in_the_language_of_each(tab: OpenTab, people: People) -> None:
    english, german = await tab(people.alice), await tab(people.bob, "de")
    told = [
        (await each.command("notification.read", notifications=[1], all=True))["error"]["message"]
        for each in (english, german, english)
    ]
    assert told == [
        "notifications: expected either ids or all: true",
        "notifications: erwartet werden IDs oder all: true",
        "notifications: expected either ids or all: true",
    ]


async def test_everything_is_read_at_once_in_all_tabs(
    tab: OpenTab, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "READ_BATCH", 2)
    first, second = await tab(people.alice), await tab(people.alice)
    await second.follow(payloads.inbox(people.alice.pk))
    await notified(people.alice, 5)
    for _ in range(5):
        await second.next("event")
    assert (await first.command("notification.read", all=True))["data"] == {"unread": 0}
    assert [(await second.next("event"))["data"]["unread"] for _ in range(5)] == [4, 3, 2, 1, 0]


async def test_an_announcement_and_its_recall_reach_an_open_tab(
    tab: OpenTab, people: People
) -> None:
    bob = await tab(people.bob)
    await bob.follow("announcements")
    words = Words(body="Maintenance at six")
    sent = await writers.writer().run(
        services.broadcast, words=words, audience=Audience(everybody=True)
    )
    assert (await bob.next("event"))["data"]["body"] == "Maintenance at six"
    await writers.writer().run(services.recall, broadcast_id=sent.pk)
    recalled = (await bob.next("event"))["data"]
    assert (recalled["body"], recalled["recalled_at"] is not None) == ("", True)


async def test_bob_cannot_follow_alices_inbox(tab: OpenTab, people: People) -> None:
    bob, name = await tab(people.bob), payloads.inbox(people.alice.pk)
    reply = await bob.command("subscribe", streams={name: 0})
    assert reply["data"]["errors"][name]["code"] == "not_found"


async def test_bob_cannot_read_what_is_alices(tab: OpenTab, people: People) -> None:
    ids = await notified(people.alice)
    reply = await (await tab(people.bob)).command("notification.read", notifications=ids)
    assert reply["error"] == {
        "code": "not_found",
        "message": f"There is no notification {ids[0]} in your inbox.",
    }


@pytest.mark.parametrize(
    ("command", "fields", "names"),
    [
        ("notification.read", {}, "notifications: expected either ids or all"),
        ("notification.read", {"all": False}, "notifications: expected either ids or all"),
        (
            "notification.read",
            {"all": True, "notifications": [1]},
            "notifications: expected either ids or all",
        ),
        ("notification.read", {"all": "yes"}, "all: "),
        ("notification.read", {"notifications": 7}, "notifications: "),
        ("notification.read", {"notifications": [0]}, "notifications[0]: "),
        ("notification.read", {"notifications": [2**63]}, "notifications: "),
        ("notification.read", {"notifications": [True]}, "notifications[0]: "),
        ("notification.archive", {}, "notifications"),
        ("notification.archive", {"notifications": ["7"]}, "notifications[0]: "),
        (
            "notification.archive",
            {"notifications": list(range(1, policies.MAX_IDS + 2))},
            "notifications: ",
        ),
    ],
)
async def test_a_command_with_wrong_fields_is_answered_with_their_names(
    tab: OpenTab, people: People, command: str, fields: dict[str, Any], names: str
) -> None:
    reply = await (await tab(people.alice)).command(command, **fields)
    assert reply["error"]["code"] == "bad_request"
    assert names in reply["error"]["message"]


async def test_reading_no_notifications_answers_with_the_count(
    tab: OpenTab, people: People
) -> None:
    await notified(people.alice)
    reply = await (await tab(people.alice)).command("notification.read", notifications=[])
    assert reply["data"] == {"unread": 1}
