"""The commands of rooms and messages, and the signals that they send.

They run as on a socket, or through ``POST /api/commands``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from chat import services
from chat.api import handlers
from chat.api.consumers import ChatConsumer
from chat.api.handlers import Throttle, commands
from chat.api.receipts import receipt_signals
from chat.models import Case, Membership, Message, Room
from realtime.auth import Account
from realtime.core import database
from realtime.core import writer as writers
from realtime.core.commands import Caller
from realtime.engine import hub as hubs
from realtime.engine.hub import Hub
from realtime.engine.socket import Socket
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound, UnknownCommand
from tests.chat.conftest import Say
from tests.engine.ledger import Wire

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def hub(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    monkeypatch.setattr(handlers, "_typing", Throttle(2.0))
    yield await hubs.started()
    await hubs.stop()
    writers.close_all()
    database.close()


@pytest.fixture
def run(hub: Hub) -> Run:
    """``await run(alice, "room.join", room=42)``: what the reply's ``data`` is."""

    async def command(user: User, name: str, /, **fields: Any) -> dict[str, Any]:
        raw = {"id": 1, "command": name, **fields}
        return await commands.find(name).run(Caller(user.pk, user.username, "session:1"), raw)

    return command


async def follow(hub: Hub, user: User, room: Room) -> tuple[Socket, Wire]:
    """Return a socket of ``user`` that is level in ``room``."""
    wire = Wire()
    account = Account(
        user.pk,
        user.username,
        user.username,
        False,
        None,
        None,
        f"session:{user.pk}",
        hash(user.password),
    )
    socket = Socket(wire, account=account, kinds=ChatConsumer.stream_kinds)
    await hub.attach(socket)
    await hub.subscribe(socket, 1, {f"room.{room.pk}": None})
    assert not wire.objects[-1]["data"]["errors"]
    return socket, wire


def signals(wire: Wire, kind: str) -> list[dict[str, Any]]:
    return [
        found["data"]
        for found in wire.objects
        if found["type"] == "signal" and found["kind"] == kind
    ]


async def test_a_post_is_answered_with_the_message(run: Run, general: Room, alice: User) -> None:
    key = str(uuid4())
    first = await run(alice, "message.post", room=general.pk, key=key, body="Hello")
    again = await run(alice, "message.post", room=general.pk, key=key, body="Hello")
    assert (first["message"]["number"], first["seq"], first["duplicate"]) == (
        1,
        first["message"]["seq"],
        False,
    )
    assert again == first | {"duplicate": True}


async def test_posts_of_one_moment_are_committed_together_in_order(
    run: Run, general: Room, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    post_messages = services.post_messages

    def counting(posts: Any) -> Any:
        sizes.append(len(posts))
        return post_messages(posts)

    monkeypatch.setattr(services, "post_messages", counting)
    replies = await asyncio.gather(
        *(
            run(alice, "message.post", room=general.pk, key=str(uuid4()), body=f"message {number}")
            for number in range(50)
        )
    )
    assert [reply["message"]["number"] for reply in replies] == list(range(1, 51))
    assert [reply["message"]["body"] for reply in replies] == [
        f"message {number}" for number in range(50)
    ]
    assert len(sizes) <= 2
    assert commands.find("message.post").pipelined
    assert commands.find("room.read").pipelined


async def test_a_message_is_edited_reacted_to_reported_and_deleted(
    run: Run, general: Room, alice: User, bob: User
) -> None:
    message = (await run(alice, "message.post", room=general.pk, key=str(uuid4()), body="Hello"))[
        "message"
    ]["id"]
    assert (await run(alice, "message.edit", message=message, body="Hi"))["message"]["body"] == "Hi"
    assert (await run(bob, "message.react", message=message, emoji="👍", on=True))["message"][
        "reactions"
    ] == {"👍": [bob.pk]}
    assert isinstance(
        (await run(bob, "message.report", message=message, category="spam", note="look"))["report"],
        int,
    )
    assert (await run(alice, "message.delete", message=message))["message"][
        "deleted_at"
    ] is not None


async def test_rooms_are_joined_read_and_left(
    run: Run, general: Room, alice: User, charlie: User
) -> None:
    assert (await run(charlie, "room.join", room=general.pk))["membership"]["state"] == "active"
    await run(alice, "message.post", room=general.pk, key=str(uuid4()), body="Hello")
    await run(alice, "message.post", room=general.pk, key=str(uuid4()), body="there")
    assert await run(charlie, "room.read", room=general.pk, number=1) == {"unread": 1}
    assert await run(charlie, "room.read", room=general.pk, number=2) == {"unread": 0}
    back = await run(charlie, "room.unread", room=general.pk, number=2)
    row = await database.read(Membership.objects.get, room=general, user=charlie)
    assert back == {"unread": 1, "read_number": 1, "seq": row.inbox_seq}
    assert await run(charlie, "room.read_all") == {"rooms": 1}
    with pytest.raises(BadRequest, match="number"):
        await run(charlie, "room.unread", room=general.pk, number=0)
    assert (await run(charlie, "room.leave", room=general.pk))["membership"]["state"] == "left"


async def test_others_see_a_typing_member_but_not_too_often(
    run: Run, hub: Hub, general: Room, alice: User, bob: User
) -> None:
    (_, alices), (_, bobs) = await follow(hub, alice, general), await follow(hub, bob, general)
    for _ in range(3):
        assert await run(alice, "room.typing", room=general.pk) == {}
    [shown] = signals(bobs, "typing")
    assert (shown["user"], shown["until"][-1]) == (alice.pk, "Z")
    assert signals(alices, "typing") == []


async def test_a_user_who_may_not_post_is_not_shown_as_typing(
    run: Run, general: Room, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    await database.read(
        lambda: Membership.objects.filter(room=general, user=bob).update(
            muted_until="2999-01-01T00:00:00Z"
        )
    )
    for user, room in [(charlie, general), (charlie, secret), (bob, general)]:
        with pytest.raises(HoldfastError):
            await run(user, "room.typing", room=room.pk)


async def test_nobody_sees_how_far_others_have_read_where_the_room_does_not_want_it(
    run: Run, hub: Hub, general: Room, alice: User, bob: User
) -> None:
    _, alices = await follow(hub, alice, general)
    await run(alice, "message.post", room=general.pk, key=str(uuid4()), body="one")
    await run(bob, "room.read", room=general.pk, number=1)
    await run(bob, "room.typing", room=general.pk)
    assert signals(alices, "read") == []
    assert not receipt_signals.waiting


async def test_presence_lists_the_users_who_are_online(
    run: Run, hub: Hub, general: Room, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    assert (await run(bob, "room.presence", room=general.pk))["count"] == 0
    await follow(hub, alice, general)
    assert await run(bob, "room.presence", room=general.pk) == {"count": 1, "users": [alice.pk]}
    with pytest.raises(NotFound):
        await run(charlie, "room.presence", room=secret.pk)


async def test_a_removed_member_receives_nothing_more(
    run: Run, hub: Hub, secret: Room, alice: User, bob: User
) -> None:
    _, bobs = await follow(hub, bob, secret)
    await database.read(
        lambda: services.remove(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk)
    )
    await run(alice, "message.post", room=secret.pk, key=str(uuid4()), body="only for us")
    closed = [found for found in bobs.objects if found["type"] == "closed"]
    assert closed == [{"type": "closed", "stream": f"room.{secret.pk}", "reason": "removed"}]
    assert "only for us" not in str(bobs.objects)


async def test_a_user_banned_from_the_site_is_disconnected(
    run: Run, hub: Hub, general: Room, alice: User, bob: User, mona: User
) -> None:
    _, bobs = await follow(hub, bob, general)
    await database.read(lambda: services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam"))
    await run(alice, "message.post", room=general.pk, key=str(uuid4()), body="only for us")
    assert bobs.closed == (CloseCode.BANNED, "You've been banned. Reason: spam")
    assert "only for us" not in str(bobs.objects)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("message.post", {"room": 1, "key": "x", "body": "x"}),
        ("message.post", {"room": 1, "key": 5, "body": "x"}),
        ("message.post", {"room": "1", "key": str(uuid4()), "body": "x"}),
        ("message.post", {"room": 10**30, "key": str(uuid4()), "body": "x"}),
        ("message.post", {"room": -1, "key": str(uuid4()), "body": "x"}),
        ("message.post", {"room": True, "key": str(uuid4()), "body": "x"}),
        ("message.post", {"room": 1, "key": str(uuid4()), "body": None}),
        ("message.post", {"room": 1, "key": str(uuid4()), "body": "x", "reply_to": 2**63}),
        ("message.post", {"room": 1, "key": str(uuid4())}),
        ("message.edit", {"message": 0, "body": "x"}),
        ("message.react", {"message": 1, "emoji": "👍", "on": 1}),
        ("message.delete", {"message": 1.5}),
        ("room.read", {"room": 1, "number": -1}),
        ("room.read", {"room": 1, "number": 2**63}),
        ("room.join", {}),
    ],
)
async def test_a_bad_field_is_named(
    run: Run, alice: User, name: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        await run(alice, name, **fields)


async def test_what_is_not_there_is_not_found(run: Run, alice: User, general: Room) -> None:
    commands_and_fields: list[tuple[str, dict[str, Any]]] = [
        ("message.post", {"room": 2**63 - 1, "key": str(uuid4()), "body": "x"}),
        ("message.edit", {"message": 2**63 - 1, "body": "x"}),
        ("message.delete", {"message": 2**63 - 1}),
        ("message.report", {"message": 2**63 - 1, "category": "spam"}),
        ("room.read", {"room": 2**63 - 1, "number": 1}),
        ("room.join", {"room": 2**63 - 1}),
        ("room.presence", {"room": 2**63 - 1}),
        ("room.typing", {"room": 2**63 - 1}),
    ]
    for name, fields in commands_and_fields:
        with pytest.raises(NotFound):
            await run(alice, name, **fields)


async def test_chat_has_all_commands_of_the_protocol() -> None:
    protocol = "post edit delete react report"
    assert {f"message.{name}" for name in protocol.split()} <= commands.names
    assert {
        f"room.{name}" for name in ["read", "typing", "join", "leave", "presence"]
    } <= commands.names
    assert {"ping", "notification.read", "notification.archive"} <= commands.names
    with pytest.raises(UnknownCommand):
        commands.find("room.explode")


def test_a_throttle_lets_each_through_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = Throttle(2.0)
    assert [throttle.passes((1, 1), now) for now in (0.0, 1.9, 2.0, 3.9, 4.0)] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert throttle.passes((2, 1), 4.0)
    monkeypatch.setattr(Throttle, "REMEMBERED", 2)
    assert throttle.passes((3, 1), 4.0)
    assert throttle.passes((1, 1), 4.0)  # forgotten


async def test_a_refusal_is_for_one_post_alone(
    run: Run, general: Room, alice: User, charlie: User, say: Say
) -> None:
    posts = [
        run(user, "message.post", room=general.pk, key=str(uuid4()), body="x")
        for user in (alice, charlie, alice)
    ]
    found = await asyncio.gather(*posts, return_exceptions=True)
    assert isinstance(found[1], Forbidden)
    assert await database.read(Message.objects.count) == 2


async def test_a_user_is_blocked_and_unblocked(run: Run, alice: User, bob: User) -> None:
    made = (await run(alice, "person.block", user=bob.pk))["block"]
    assert (made["user"]["id"], made["lifted_at"]) == (bob.pk, None)
    lifted = (await run(alice, "person.unblock", user=bob.pk))["block"]
    assert (lifted["id"], lifted["lifted_at"] is None) == (made["id"], False)
    with pytest.raises(BadRequest):
        await run(alice, "person.block", user="bob")


async def test_a_person_and_a_room_are_reported(
    run: Run, general: Room, alice: User, bob: User
) -> None:
    person = await run(alice, "person.report", user=bob.pk, category="abuse", note="the name")
    room = await run(bob, "room.report", room=general.pk, category="illegal")
    kinds = await database.read(lambda: list(Case.objects.order_by("pk").values_list("kind")))
    assert kinds == [("person",), ("room",)]
    assert person["report"] < room["report"]


async def test_a_blocked_user_is_not_shown_as_typing(
    run: Run, hub: Hub, direct: Room, alice: User, bob: User
) -> None:
    await run(alice, "person.block", user=bob.pk)
    with pytest.raises(Forbidden, match="cannot write to this person"):
        await run(bob, "room.typing", room=direct.pk)
