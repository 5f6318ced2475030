"""A held post and its acceptance on two nodes that only Redis connects."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from chat import services
from chat.models import HeldPost, Room
from chat.services.moderation.moderators import appoint_moderator
from realtime.auth import issue_token
from tests.conformance.client import Client, Refused
from tests.conftest import People, make_user
from tests.support.redis import HOST, Redis, running
from tests.support.server import Node, Nodes
from tests.support.waiting import until

WORD = "giveaway"
NEVER_SECONDS = "600"  # so that the head check delivers nothing


@pytest.fixture
def pair(nodes: Nodes, tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    redis = Redis(tmp_path, "redis", "--save", "")
    env = {"HOLDFAST_HEAD_CHECK_SECONDS": NEVER_SECONDS}
    with running(redis):
        url = f"redis://{HOST}:{redis.port}"
        layers = {"CHANNEL_LAYER_URL": f"{url}/0", "CACHE_URL": f"{url}/1"}
        yield nodes.start(**env, **layers), nodes.start(**env, **layers)
        nodes.stop()


@pytest.fixture
def mona(transactional_db: None) -> User:
    user = make_user("mona")
    appoint_moderator(username="mona")
    user.refresh_from_db()
    return user


@pytest.fixture
def room(people: People, mona: User) -> Room:
    room = services.create_room(actor_id=people.alice.pk, name="Apart").room
    services.join(actor_id=people.bob.pk, room_id=room.pk)
    services.save_filter(actor_id=mona.pk, text=WORD, kind="word", action="hold", is_on=True)
    return room


def decide(node: Node, moderator: User, decision: str) -> None:
    """Press a key on the page of the case, on this node."""
    browser = Browser()
    browser.force_login(moderator)
    token = "a" * 32
    cookies = {"sessionid": browser.cookies["sessionid"].value, "csrftoken": token}
    with httpx.Client(base_url=node.origin, cookies=cookies) as client:
        case_id = HeldPost.objects.get().pk
        answer = client.post(
            f"/admin/chat/case/{case_id}/decide/",
            data={"decision": decision, "note": "", "csrfmiddlewaretoken": token},
            headers={"Referer": node.origin, "Origin": node.origin},
        )
        assert answer.status_code == 302, answer.text


def rows(client: Client, stream: str, kind: str) -> list[dict[str, Any]]:
    found = client.copies[stream].rows.items()
    return [row for (each, _), (_, row) in sorted(found) if each == kind]


def test_it_is_accepted_on_one_node_and_read_on_the_other(
    pair: tuple[Node, Node], room: Room, people: People, mona: User
) -> None:
    stream, inbox = f"room.{room.pk}", f"inbox.{people.bob.pk}"
    tokens = {user: issue_token(user) for user in (people.alice, people.bob)}
    key = str(uuid.uuid4())

    async def story() -> None:
        bob = Client(f"{pair[0].sockets}/ws/chat/", tokens[people.bob], [stream, inbox])
        alice = Client(f"{pair[1].sockets}/ws/chat/", tokens[people.alice], [stream])
        for client in (bob, alice):
            for copy in client.copies.values():
                copy.position = 0
            await client.connect()

        async def post() -> None:
            await bob.command("message.post", room=room.pk, key=key, body=f"A {WORD}")

        with pytest.raises(Refused, match=r"^held: A moderator reviews"):
            await post()
        await until(lambda: rows(bob, inbox, "held_post"))
        assert rows(bob, inbox, "held_post")[0]["state"] == "waiting"
        await alice.post(room.pk, "Hello")
        await asyncio.to_thread(decide, pair[1], mona, "keep")
        for client in (alice, bob):
            await until(lambda client=client: len(rows(client, stream, "message")) == 2)  # type: ignore[misc]
            texts = {row["number"]: row["body"] for row in rows(client, stream, "message")}
            assert texts == {1: "Hello", 2: f"A {WORD}"}
        await until(lambda: rows(bob, inbox, "held_post")[0]["state"] == "accepted")
        again = await bob.command("message.post", room=room.pk, key=key, body=f"A {WORD}")
        assert (again["duplicate"], again["message"]["number"]) == (True, 2)
        assert bob.breaches == alice.breaches == []
        await bob.close()
        await alice.close()

    asyncio.run(story())
