"""Two servers while old messages are removed: who is behind is reset, who is level goes on."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chat.models import Message, Room
from chat.services.retention import run
from tests.conformance.client import Client, Refused
from tests.conformance.scene import SECONDS, Scene
from tests.support.server import Node, Nodes

MESSAGES = 30
KEPT = 4


@pytest.fixture
def second(scene: Scene, nodes: Nodes) -> Node:
    """A node that hears nothing of the first, so that it learns everything from the database."""
    return nodes.start(HOLDFAST_HEAD_CHECK_SECONDS="0.3")


def test_a_client_below_the_floor_is_reset_and_comes_back_complete(
    scene: Scene, second: Node
) -> None:
    asyncio.run(story(scene, second))


def retain(scene: Scene) -> None:
    old = timezone.now() - timedelta(days=40)
    rows = Message.objects.filter(room=scene.room, number__lte=MESSAGES - KEPT)
    rows.update(created_at=old)
    Room.objects.filter(pk=scene.room.pk).update(retention_days=30)
    assert run.run().messages == MESSAGES - KEPT


async def story(scene: Scene, second: Node) -> None:
    stream = f"room.{scene.room.pk}"
    level = Client(f"{second.sockets}/ws/chat/", scene.tokens["bob"], [stream])
    away = Client(f"{second.sockets}/ws/chat/", scene.tokens["bob"], [stream])
    sender = Client(f"{scene.node.sockets}/ws/chat/", scene.tokens["alice"], [stream])
    for client in (level, away, sender):
        await client.connect()
    for number in range(5):
        await sender.post(scene.room.pk, f"{number}")
    await until(lambda: len(rows(away, stream)) == 5)
    await away.close()
    for number in range(5, MESSAGES):
        await sender.post(scene.room.pk, f"{number}")
    await until(lambda: len(rows(level, stream)) == MESSAGES)
    await sync_to_async(retain)(scene)
    # The room's event says which messages are no longer kept.
    await until(lambda: first_number(level, stream) == MESSAGES - KEPT + 1)
    with pytest.raises(Refused) as refused:
        await level.command("pull", stream=stream, after=away.copies[stream].position)
    assert refused.value.code == "reset"
    assert level.copies[stream].level, "a client that is level goes on"
    # The client that was away does what the protocol says: a snapshot, then everything after it.
    await away.connect()
    assert "reset" in str(away.breaches.pop())
    head = await snapshot(scene, second, away, stream)
    await away.close()
    assert away.copies[stream].position == head
    await away.connect()
    last = await sender.post(scene.room.pk, "afterwards")
    for client in (level, away):
        await until(partial(has, client, stream, last["id"]))
        assert kept(client, stream) == list(range(MESSAGES - KEPT + 1, MESSAGES + 2))
        assert client.breaches == []
        await client.close()
    await sender.close()


async def snapshot(scene: Scene, node: Node, client: Client, stream: str) -> int:
    headers = {"Authorization": f"Bearer {scene.tokens['bob']}"}
    async with httpx.AsyncClient(base_url=node.origin, headers=headers) as http:
        found = (await http.get(f"/api/rooms/{scene.room.pk}/")).raise_for_status().json()
    copy = client.copies[stream]
    copy.position = found["seq"]
    copy.rows = {("message", row["id"]): (row["seq"], row) for row in found["messages"]}
    copy.rows["room", found["room"]["id"]] = (found["seq"], found["room"])
    position: int = found["seq"]
    return position


def rows(client: Client, stream: str) -> list[int]:
    found = client.copies[stream].rows.items()
    return sorted(row["number"] for (kind, _), (_, row) in found if kind == "message")


def has(client: Client, stream: str, message: int) -> bool:
    return ("message", message) in client.copies[stream].rows


def first_number(client: Client, stream: str) -> int:
    found = client.copies[stream].rows.items()
    return max((row["first_number"] for (kind, _), (_, row) in found if kind == "room"), default=1)


def kept(client: Client, stream: str) -> list[int]:
    first = first_number(client, stream)
    return [number for number in rows(client, stream) if number >= first]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110  see test_convergence
            await asyncio.sleep(0.01)
