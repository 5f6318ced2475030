"""Actions reach open sockets within a second: a server process, its admin, and a follower."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from chat import services
from chat.models import Message, Room
from realtime.auth import issue_token
from tests.conftest import PASSWORD
from tests.support.server import Node, Nodes

WITHIN = 1.0  # seconds, as promised


@pytest.fixture
def node(nodes: Nodes) -> Node:
    return nodes.start()


@pytest.fixture
def desk(node: Node, mona: User) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Mona's browser, signed in through the form of the admin.

    For example ``desk("message/action/delete/", {"ids": 7, "reason": "spam"})``.
    """
    with httpx.Client(
        base_url=node.origin, headers={"Origin": node.origin}, timeout=20, follow_redirects=True
    ) as client:

        def post(path: str, fields: dict[str, Any]) -> None:
            client.get("/admin/login/")
            token = client.cookies.get("csrftoken") or ""
            answer = client.post(path, data={"csrfmiddlewaretoken": token, **fields})
            assert answer.status_code == 200, answer.text

        post("/admin/login/", {"username": mona.username, "password": PASSWORD, "next": "/admin/"})
        yield lambda path, fields: post(f"/admin/chat/{path}", fields)


@pytest.fixture
def message(general: Room, bob: User) -> Message:
    return services.post_message(author_id=bob.pk, room_id=general.pk, body="buy this").message


@pytest.fixture
def socket(node: Node, message: Message, bob: User) -> Iterator[ClientConnection]:
    """Bob's, level in the room."""
    headers = {"Authorization": f"Bearer {issue_token(bob)}"}
    protocols: Any = ["holdfast.v1"]
    with connect(
        f"{node.sockets}/ws/chat/", additional_headers=headers, subprotocols=protocols
    ) as found:
        found.send(
            json.dumps(
                {"id": 1, "command": "subscribe", "streams": {f"room.{message.room_id}": None}}
            )
        )
        heard(found, lambda item: item["type"] == "reply")
        yield found


def heard(socket: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> float:
    """Wait for an object, and return when it came."""
    while True:
        found = json.loads(socket.recv(timeout=10))
        if any(wanted(item) for item in (found if isinstance(found, list) else [found])):
            return time.monotonic()


def test_a_deleted_text_is_gone_from_an_open_socket(
    desk: Callable[..., None], socket: ClientConnection, message: Message
) -> None:
    desk("message/action/delete/", {"ids": message.pk, "reason": "spam"})
    answered = time.monotonic()
    came = heard(
        socket,
        lambda item: item.get("kind") == "message" and item["data"]["deleted_at"] is not None,
    )
    assert came - answered < WITHIN


def test_a_removed_member_receives_nothing_more(
    desk: Callable[..., None], socket: ClientConnection, message: Message, bob: User
) -> None:
    row = bob.memberships.get(room=message.room_id)
    desk("membership/action/remove/", {"ids": row.pk, "reason": "enough"})
    answered = time.monotonic()
    came = heard(socket, lambda item: item["type"] == "closed" and item["reason"] == "removed")
    assert came - answered < WITHIN


def test_a_ban_from_the_site_disconnects_the_user(
    desk: Callable[..., None], socket: ClientConnection, bob: User
) -> None:
    desk("person/action/site-ban/", {"ids": bob.pk, "reason": "threats"})
    answered = time.monotonic()
    with pytest.raises(ConnectionClosed) as closed:
        heard(socket, lambda item: False)
    assert time.monotonic() - answered < WITHIN
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4503
