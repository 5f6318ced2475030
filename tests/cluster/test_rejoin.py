"""A node that was away and is back takes all its clients at once."""

import asyncio
import re

from tests.cluster.conftest import Desk
from tests.conformance.client import Client
from tests.support.server import ROOT
from tests.support.waiting import during

CLIENTS = 20
SECONDS = 10  # for twenty handshakes


async def test_after_all_nodes_were_away_once_everybody_gets_in_at_once(desk: Desk) -> None:
    """Otherwise nginx sends one client a second to a failed node, and sockets stay there."""
    room = desk.room("bob")
    names = desk.cluster.socket_names
    for name in names:
        cookie = {"Cookie": f"holdfast_node={await desk.cookie_to(name)}"}
        async with during(desk.cluster.down(name)):
            visitor = Client(
                f"{desk.cluster.sockets}/ws/chat/",
                desk.cluster.people["bob"].token,
                [f"room.{room}"],
                cookie,
            )
            await visitor.connect()
            desk.clients.append(visitor)
            assert visitor.hello["node"] != name
    async with asyncio.timeout(SECONDS):
        clients = await asyncio.gather(
            *(
                desk.client("bob", room, name)
                for name in names
                for _ in range(CLIENTS // len(names))
            )
        )
    assert len(clients) == CLIENTS


def test_what_is_deployed_says_so_too() -> None:
    for file in ("nginx/variables.env", "compose.yaml"):
        [line] = re.findall(r"NGINX_SOCKET_NODES.*", (ROOT / file).read_text())
        servers = re.findall(r"server [^;]*;", line)
        assert servers
        assert all(server.endswith(" max_fails=0;") for server in servers), file
