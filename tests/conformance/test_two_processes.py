"""Two servers on one database without a broker: the head check delivers everything."""

import asyncio

import pytest
from django.contrib.auth.models import User

from chat.models import Room
from chat.services.rooms import members, rooms
from realtime.auth import issue_token
from tests.conformance.client import Client, Copy
from tests.conftest import People
from tests.support.server import Node, Nodes

MESSAGES = 60
HEAD_CHECK_SECONDS = 0.5


@pytest.fixture
def room(people: People) -> Room:
    room = rooms.create_room(actor_id=people.alice.pk, name="Apart", kind="public").room
    members.join(actor_id=people.bob.pk, room_id=room.pk)
    return room


@pytest.fixture
def pair(nodes: Nodes) -> tuple[Node, Node]:
    """Each has an in-memory layer of its own, so neither hears the other."""
    period = {"HOLDFAST_HEAD_CHECK_SECONDS": str(HEAD_CHECK_SECONDS)}
    return nodes.start(**period), nodes.start(**period)


def test_both_nodes_show_both_people_one_order(
    pair: tuple[Node, Node], room: Room, alice: User, bob: User
) -> None:
    tokens = issue_token(alice), issue_token(bob)
    asyncio.run(converse(pair, room.pk, tokens))


async def converse(pair: tuple[Node, Node], room: int, tokens: tuple[str, str]) -> None:
    stream = f"room.{room}"
    clients = [
        Client(f"{node.sockets}/ws/chat/", token, [stream])
        for node, token in zip(pair, tokens, strict=True)
    ]
    for client in clients:
        client.copies[stream].position = 0
        await client.connect()

    async def talk(client: Client) -> None:
        for number in range(MESSAGES):
            await client.post(room, f"{number}")

    await asyncio.gather(*map(talk, clients))
    copies = [client.copies[stream] for client in clients]
    async with asyncio.timeout(10):
        while any(len(numbers(copy)) < 2 * MESSAGES for copy in copies):  # noqa: ASYNC110  see test_convergence
            await asyncio.sleep(0.01)
    assert copies[0].rows == copies[1].rows
    assert numbers(copies[0]) == list(range(1, 2 * MESSAGES + 1))
    assert [breach for client in clients for breach in client.breaches] == []
    for client in clients:
        await client.close()


def numbers(copy: Copy) -> list[int]:
    return sorted(row["number"] for (kind, _), (_, row) in copy.rows.items() if kind == "message")


def test_a_ban_on_one_node_ends_the_subscription_on_the_other(
    pair: tuple[Node, Node], room: Room, alice: User, bob: User
) -> None:
    from chat.services import ban

    token = issue_token(bob)

    async def story() -> None:
        client = Client(f"{pair[1].sockets}/ws/chat/", token, [f"room.{room.pk}"])
        await client.connect()
        await asyncio.to_thread(
            ban, actor_id=alice.pk, room_id=room.pk, user_id=bob.pk, reason="spam"
        )
        async with asyncio.timeout(10):
            while not any(each["type"] == "closed" for each in client.others):  # noqa: ASYNC110  see test_convergence
                await asyncio.sleep(0.01)
        assert [each for each in client.others if each["type"] == "closed"] == [
            {"type": "closed", "stream": f"room.{room.pk}", "reason": "banned"}
        ]
        await client.close()

    asyncio.run(story())
