"""Broadcasts from a process of its own, while a server runs and no broker connects the two."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from websockets.sync.client import ClientConnection, connect

from chat.services.rooms import rooms
from realtime.auth import issue_token
from tests.conftest import make_user
from tests.support.server import Nodes

SOON = 10  # seconds; the head check finds the change in one


def objects(socket: ClientConnection) -> list[dict[str, Any]]:
    """Return what comes next."""
    found = json.loads(socket.recv(SOON))
    return found if isinstance(found, list) else [found]


def row(socket: ClientConnection) -> dict[str, Any]:
    """Return the next row that arrives, as an event or in the page of a repair."""
    while True:
        for found in objects(socket):
            if found["type"] in {"event", "page"}:
                (event,) = found["events"] if found["type"] == "page" else [found]
                data: dict[str, Any] = event["data"]
                return data


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_user("alice")


def test_a_broadcast_and_its_recall_reach_connected_users(
    nodes: Nodes, manage_py: Callable[..., str], alice: User
) -> None:
    room = rooms.create_room(actor_id=alice.pk, name="General", kind="public").room
    node = nodes.start(HOLDFAST_HEAD_CHECK_SECONDS="1")
    headers = {"Authorization": f"Bearer {issue_token(alice)}"}
    with connect(f"{node.sockets}/ws/chat/", additional_headers=headers) as socket:
        assert objects(socket)[0]["type"] == "hello"
        names = ["announcements", f"inbox.{alice.pk}", f"room.{room.pk}"]
        socket.send(json.dumps({"id": 1, "command": "subscribe", "streams": dict.fromkeys(names)}))
        assert objects(socket)[0]["data"]["errors"] == {}

        sent = json.loads(manage_py("broadcast", "Maintenance at six", "--all", "--yes", "--json"))
        assert sent["recipients"] == 1
        assert row(socket)["body"] == "Maintenance at six"
        manage_py("edit_broadcast", str(sent["broadcast"]), "Maintenance at seven")
        assert row(socket)["body"] == "Maintenance at seven"
        assert f"Took back broadcast {sent['broadcast']}" in manage_py(
            "recall", str(sent["broadcast"])
        )
        assert row(socket)["body"] == ""

        assert "Reached 1 person by a notification" in manage_py(
            "broadcast", "For you", "--user", "alice"
        )
        assert row(socket)["body"] == "For you"

        sent = json.loads(manage_py("broadcast", "For the room", "--room", room.slug, "--json"))
        assert "For the room" in row(socket)["body"]
        manage_py("edit_broadcast", str(sent["broadcast"]), "For all of you")
        assert row(socket)["body"] == "For all of you"
        manage_py("recall", str(sent["broadcast"]))
        assert row(socket)["body"] == ""


def test_a_wrong_name_ends_with_an_error_and_reaches_nobody(
    manage_py: Callable[..., str], alice: User
) -> None:
    with pytest.raises(
        RuntimeError, match=r'ended with 1:\n.*There is no user "alcie". Did you mean alice\?'
    ):
        manage_py("broadcast", "Hello", "--user", "alice", "alcie")
    assert not alice.notifications.exists()
