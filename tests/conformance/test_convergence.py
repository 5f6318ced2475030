"""Hundreds of changes, random cuts, resumes on every transport: all end in the same state."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import Room
from chat.services.rooms import members, rooms
from realtime.auth import issue_token
from tests.conformance.client import Client, Copy, Cut, Poller, Refused, replay
from tests.conftest import make_user
from tests.support.server import Node, Nodes

WRITERS = 6
CHANGES = 70  # of each writer
SEED = 20261124


@pytest.fixture
def users(transactional_db: None) -> list[User]:
    return [make_user(f"writer{n}") for n in range(WRITERS)]


@pytest.fixture
def room(users: list[User]) -> Room:
    room = rooms.create_room(actor_id=users[0].pk, name="Conformance", kind="public").room
    for user in users[1:]:
        members.join(actor_id=user.pk, room_id=room.pk)
    return room


async def write(
    client: Client, room: int, rnd: random.Random, acknowledged: dict[str, int], deleted: set[int]
) -> None:
    """Post, edit, delete, react and cut at random."""
    mine: list[int] = []
    for step in range(CHANGES):
        dice = rnd.random()
        if dice < 0.06:
            await client.cut()
            await client.reconnect()
        elif dice < 0.6 or not mine:
            body = f"{id(client)} says {step} **loudly** secret-{id(client)}-{step}"
            posting = asyncio.ensure_future(client.post(room, body))
            if rnd.random() < 0.1:  # the network goes while the answer is on its way
                await asyncio.sleep(rnd.random() / 50)
                await client.cut()
            message = await posting
            acknowledged[body] = message["id"]
            mine.append(message["id"])
        elif dice < 0.75:
            await client.insist("message.edit", message=rnd.choice(mine), body=f"edited at {step}")
        elif dice < 0.85:
            gone = mine.pop(rnd.randrange(len(mine)))
            await client.insist("message.delete", message=gone)
            deleted.add(gone)
        else:
            await client.insist(
                "message.react",
                message=rnd.choice(mine),
                emoji=rnd.choice("👍🎉❤️"[:2]),
                on=rnd.random() < 0.7,
            )


def same(copy: Copy, fresh: Copy) -> None:
    assert copy.position == fresh.position
    assert {key: row for key, row in copy.rows.items() if row != fresh.rows.get(key)} == {}
    assert set(copy.rows) == set(fresh.rows)


async def until_level(copies: list[Copy], head: Callable[[], int]) -> None:
    async with asyncio.timeout(60):
        while any(copy.position != head() for copy in copies):  # noqa: ASYNC110  the clients are strangers: there is nothing else to wait on
            await asyncio.sleep(0.02)


def test_every_client_on_every_transport_ends_with_the_state_of_the_database(
    nodes: Nodes, users: list[User], room: Room
) -> None:
    node = nodes.start(HOLDFAST_COMMAND_RATE="2000", HOLDFAST_COMMAND_BURST="2000")
    tokens = [issue_token(user) for user in users]
    asyncio.run(converge(node, room.pk, [user.pk for user in users], tokens))


async def converge(node: Node, room: int, user_ids: list[int], tokens: list[str]) -> None:
    rnd = random.Random(SEED)
    stream = f"room.{room}"
    clients = [
        Client(f"{node.sockets}/ws/chat/", token, [stream, f"inbox.{user}", "announcements"])
        for user, token in zip(user_ids, tokens, strict=True)
    ]
    bell = Client(
        f"{node.sockets}/ws/notifications/", tokens[0], [f"inbox.{user_ids[0]}", "announcements"]
    )
    polling, listening = (
        Poller(node.origin, tokens[1], stream),
        Poller(node.origin, tokens[2], stream),
    )
    for copy in [clients[0].copies[stream], *(copy for copy in bell.copies.values())]:
        # From the beginning; the others begin at the head, which is the same here.
        copy.position = 0
    await asyncio.gather(*(client.connect() for client in [*clients, bell]))
    acknowledged: dict[str, int] = {}
    deleted: set[int] = set()

    async def poll() -> None:
        while True:
            await polling.poll(1)

    readers = [
        asyncio.create_task(poll()),
        asyncio.create_task(listening.listen(cut_after=40)),
    ]
    await asyncio.gather(
        *(
            write(client, room, random.Random(rnd.random()), acknowledged, deleted)
            for client in clients
        )
    )
    fresh = await replay(node.origin, tokens[0], stream)
    await until_level(
        [*(client.copies[stream] for client in clients), polling.copy, listening.copy],
        lambda: fresh.position or 0,
    )
    for reader in readers:
        reader.cancel()
    ends = await asyncio.gather(*readers, return_exceptions=True)
    assert [end for end in ends if not isinstance(end, asyncio.CancelledError)] == []

    check_messages(fresh, acknowledged, deleted)
    begun_at_zero = [clients[0].copies[stream], polling.copy, listening.copy]
    for copy in begun_at_zero:
        same(copy, fresh)
    for client in clients[1:]:
        copy = client.copies[stream]
        assert copy.position == fresh.position
        assert all(fresh.rows[key] == row for key, row in copy.rows.items())
    breaches = [
        *(client.breaches for client in [*clients, bell]),
        polling.breaches,
        listening.breaches,
    ]
    assert [breach for each in breaches for breach in each] == []
    await asyncio.gather(
        *(client.close() for client in [*clients, bell]), polling.close(), listening.close()
    )


def check_messages(fresh: Copy, acknowledged: dict[str, int], deleted: set[int]) -> None:
    messages = [row for (kind, _), (_, row) in fresh.rows.items() if kind == "message"]
    assert sorted(message["number"] for message in messages) == list(range(1, len(messages) + 1))
    assert len({message["id"] for message in messages}) == len(messages)
    assert set(acknowledged.values()) == {message["id"] for message in messages}, (
        "acknowledged and stored are the same, once each"
    )
    assert {message["id"] for message in messages if message["deleted_at"]} == deleted
    by_number = sorted(messages, key=lambda message: message["number"])
    assert [message["id"] for message in by_number] == sorted(message["id"] for message in messages)


def test_a_repeated_post_is_one_message_on_every_way(
    nodes: Nodes, users: list[User], room: Room
) -> None:
    node = nodes.start()
    token = issue_token(users[0])
    asyncio.run(repeat_a_post(node, room.pk, token))


async def repeat_a_post(node: Node, room: int, token: str) -> None:
    client = Client(f"{node.sockets}/ws/chat/", token, [f"room.{room}"])
    await client.connect()
    fields: dict[str, Any] = {
        "room": room,
        "key": "0b5a31c4-3c2a-4d6c-8c1e-0d3a1f8a9b10",
        "body": "once",
    }
    answers = await asyncio.gather(*(client.command("message.post", **fields) for _ in range(10)))
    assert {answer["message"]["id"] for answer in answers} == {answers[0]["message"]["id"]}
    assert [answer["duplicate"] for answer in answers].count(False) == 1
    await client.cut()
    await client.reconnect()
    assert (await client.command("message.post", **fields))["duplicate"] is True
    with pytest.raises(Refused) as refused:
        await client.command("message.post", **{**fields, "key": "no uuid"})
    assert refused.value.code == "bad_request"
    assert "key" in str(refused.value)
    await client.close()
    with pytest.raises(Cut):
        await client.command("ping")
