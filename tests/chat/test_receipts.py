"""Read receipts: who sees how far others have read, and what that costs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import policies, services
from chat.api import receipts as signalling
from chat.api.receipts import ReceiptSignals
from chat.models import ModerationLog, ReceiptsOff, Room
from chat.queries.receipts import receipts, receipts_in
from chat.services import ReadMark
from realtime.core import database
from realtime.core import writer as writers
from realtime.engine import hub as hubs
from realtime.engine.hub import Hub
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import Say, fresh
from tests.chat.test_commands import follow, signals
from tests.conftest import make_user
from tests.support.replay import Verify


@pytest.fixture
def open_room(general: Room, alice: User) -> Room:
    """General, where Alice lets members see how far others have read."""
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_receipts=True)
    return fresh(general)


def read_to(room: Room, user: User, number: int) -> None:
    services.mark_read([ReadMark(user_id=user.pk, room_id=room.pk, number=number)])


def seen(room: Room, user: User) -> dict[str, int] | None:
    """Return how far the others have read, as the user sees it."""
    rows = receipts(room.pk, user.pk)
    return None if rows is None else {row.user.username: row.read_number for row in rows}


# -- where there are receipts ----------------------------------------------------------------------


def test_a_room_has_none_until_its_owner_turns_them_on(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, general, "Hello")
    read_to(general, bob, 1)
    assert seen(general, alice) is None
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    with pytest.raises(Forbidden, match="owners"):
        services.change_room(actor_id=bob.pk, room_id=general.pk, read_receipts=True)
    with verify() as change:
        services.change_room(actor_id=alice.pk, room_id=general.pk, read_receipts=True)
    assert change.data(f"room.{general.pk}")[0]["read_receipts"] is True
    assert seen(general, alice) == {"bob": 1}
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_receipts=False)
    assert seen(general, alice) is None
    entries = ModerationLog.objects.filter(action="receipts").order_by("pk")
    assert [entry.details for entry in entries] == [{"on": True}, {"on": False}]


def test_a_large_room_has_none(
    open_room: Room, general: Room, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "RECEIPTS_MAX_MEMBERS", 1)
    assert seen(open_room, alice) is None
    assert receipts_in([open_room.pk]) == {}
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_receipts=False)
    with pytest.raises(BadRequest, match="at most 1 members, this one has 2"):
        services.change_room(actor_id=alice.pk, room_id=general.pk, read_receipts=True)


def test_direct_conversations_have_them_unless_someone_does_not_want_them(
    direct: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    say(alice, direct, "Hello")
    read_to(direct, bob, 1)
    assert seen(direct, alice) == {"bob": 1}
    services.set_receipts(user_id=bob.pk, on=False)
    services.set_receipts(user_id=bob.pk, on=False)
    assert seen(direct, alice) == {}
    assert seen(direct, bob) is None
    group = services.group_room(actor_id=alice.pk, user_ids=[bob.pk, charlie.pk]).room
    assert seen(group, alice) == {"charlie": 0}
    services.set_receipts(user_id=bob.pk, on=True)
    assert seen(direct, bob) == {"alice": 0}


def test_only_members_see_them(open_room: Room, direct: Room, charlie: User) -> None:
    assert seen(open_room, charlie) is None  # a public room
    with pytest.raises(NotFound):
        receipts(direct.pk, charlie.pk)


def test_marking_as_unread_takes_a_receipt_back(
    open_room: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, open_room, "Hello")
    read_to(open_room, bob, 1)
    services.mark_unread(actor_id=bob.pk, room_id=open_room.pk, number=1)
    assert seen(open_room, alice) == {"bob": 0}


# -- nothing else shows it -------------------------------------------------------------------------


def test_the_api_shows_the_read_number_to_its_owner_only(
    client: Client, open_room: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, open_room, "Hello")
    read_to(open_room, bob, 1)
    client.force_login(alice)
    room = f"/api/rooms/{open_room.pk}/"
    for address in (
        f"{room}members",
        f"{room}members/{bob.pk}",
        f"/api/streams/room.{open_room.pk}/events?after=0",
    ):
        assert "read_number" not in client.get(address).content.decode(), address
    assert client.get(room).json()["membership"]["read_number"] == 0
    answer = client.get(f"{room}receipts").json()["receipts"]
    assert [(row["user"], row["number"]) for row in answer] == [(bob.pk, 1)]
    services.change_room(actor_id=alice.pk, room_id=open_room.pk, read_receipts=False)
    assert client.get(f"{room}receipts").json() == {"receipts": None}


def test_the_api_has_the_choice(client: Client, alice: User) -> None:
    client.force_login(alice)
    address = "/api/read-receipts/"
    assert client.get(address).json() == {"on": True}
    off = client.patch(address, {"on": False}, content_type="application/json")
    assert off.json() == {"on": False}
    assert ReceiptsOff.objects.filter(user=alice).exists()
    assert client.patch(address, {"on": 1}, content_type="application/json").status_code == 400


def test_the_page_has_the_choice(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert 'name="on" checked' in client.get("/accounts/").content.decode()
    client.post("/accounts/receipts/", {})
    assert 'name="on" checked' not in client.get("/accounts/").content.decode()
    client.post("/accounts/receipts/", {"on": "on"})
    assert 'name="on" checked' in client.get("/accounts/").content.decode()


# -- signals ---------------------------------------------------------------------------------------


@pytest.fixture
async def hub(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    monkeypatch.setattr(signalling, "EVERY_SECONDS", 0)
    yield await hubs.started()
    await hubs.stop()
    writers.close_all()
    database.close()


async def sent(signalled: ReceiptSignals) -> None:
    """Wait until all signals are sent."""
    assert signalled._sending is not None
    await signalled._sending


@pytest.mark.django_db(transaction=True)
async def test_a_signal_goes_to_those_who_give_receipts(
    hub: Hub, direct: Room, alice: User, bob: User, charlie: User
) -> None:
    def begin() -> Room:
        room = services.group_room(actor_id=alice.pk, user_ids=[bob.pk, charlie.pk]).room
        services.post_message(author_id=alice.pk, room_id=room.pk, body="Hello")
        services.set_receipts(user_id=charlie.pk, on=False)
        read_to(room, bob, 1)
        read_to(room, charlie, 1)
        return room

    room = await database.read(begin)
    _, alices = await follow(hub, alice, room)
    _, charlies = await follow(hub, charlie, room)
    signalled = ReceiptSignals()
    signalled.note(room.pk, bob.pk)
    signalled.note(room.pk, charlie.pk)
    await sent(signalled)
    (signal,) = signals(alices, "read")
    assert [(row["user"], row["number"]) for row in signal["receipts"]] == [(bob.pk, 1)]
    assert signals(charlies, "read") == []


@pytest.mark.django_db(transaction=True)
async def test_many_reads_are_one_question_and_one_signal(
    hub: Hub, direct: Room, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def ask(rooms: list[int]) -> Any:
        asked.append(rooms)
        return receipts_in(rooms)

    monkeypatch.setattr(signalling, "receipts_in", ask)
    _, alices = await follow(hub, alice, direct)
    signalled = ReceiptSignals()
    for _ in range(100):
        signalled.note(direct.pk, bob.pk)
    await sent(signalled)
    assert asked == [[direct.pk]]
    assert len(signals(alices, "read")) == 1


async def test_rooms_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "MAX_WAITING", 3)
    signalled = ReceiptSignals()
    for room_id in range(10):
        signalled.note(room_id, 1)
    assert signalled.waiting == 3
    assert signalled._sending is not None
    signalled._sending.cancel()
    await asyncio.gather(signalled._sending, return_exceptions=True)


def test_receipts_of_many_rooms_are_one_query(open_room: Room, direct: Room, alice: User) -> None:
    for number in range(5):
        services.direct_room(actor_id=alice.pk, user_id=make_user(f"user{number}").pk)
    ids = [*Room.objects.values_list("pk", flat=True)]
    with CaptureQueriesContext(connection) as queries:
        assert len(receipts_in(ids)) == 7
    assert len(queries) == 1
