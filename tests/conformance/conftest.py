"""The scene of these stories."""

import pytest

from chat.services.rooms import members, rooms
from realtime.auth import issue_token
from tests.conformance.scene import Scene
from tests.conftest import People
from tests.support.server import Nodes


@pytest.fixture
def scene(nodes: Nodes, people: People) -> Scene:
    room = rooms.create_room(actor_id=people.alice.pk, name="Hall", kind="public").room
    members.join(actor_id=people.bob.pk, room_id=room.pk)
    secret = rooms.create_room(actor_id=people.bob.pk, name="Secret", kind="private").room
    tokens = {name: issue_token(getattr(people, name)) for name in ("alice", "bob", "charlie")}
    return Scene(nodes.start(), people, room, secret, tokens)
