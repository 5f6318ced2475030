"""Which node serves a client: the same one while it is there, any other when it is not."""

import re
from collections import Counter

import httpx
from websockets.asyncio.client import connect

from tests.cluster.conftest import Desk
from tests.conformance.client import Client
from tests.support.cluster import Cluster
from tests.support.waiting import during, until

HANDSHAKES = 12


async def node_of(desk: Desk, cookie: str | None, person: str = "bob") -> str:
    client = Client(
        f"{desk.cluster.sockets}/ws/chat/",
        desk.cluster.people[person].token,
        [],
        {"Cookie": f"holdfast_node={cookie}"} if cookie else {},
    )
    await client.connect()
    await client.close()
    return str(client.hello["node"])


def issued(answer: httpx.Response) -> list[str]:
    return [
        cookie
        for cookie in answer.headers.get_list("set-cookie")
        if cookie.startswith("holdfast_node=")
    ]


async def test_a_cookie_leads_to_one_node(desk: Desk) -> None:
    for node in desk.cluster.socket_names:
        cookie = await desk.cookie_to(node)
        assert {await node_of(desk, cookie) for _ in range(5)} == {node}


async def test_a_program_without_cookies_returns_by_its_token(desk: Desk) -> None:
    assert len({await node_of(desk, None) for _ in range(5)}) == 1


def test_nginx_issues_the_cookie_once(cluster: Cluster) -> None:
    with httpx.Client() as browser:
        [cookie] = issued(browser.get(f"{cluster.origin}/accounts/login/"))
        assert re.fullmatch(r"holdfast_node=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax", cookie)
        assert issued(browser.get(f"{cluster.origin}/accounts/login/")) == []


def test_a_cookie_that_nginx_did_not_make_is_replaced(cluster: Cluster) -> None:
    answer = httpx.get(
        f"{cluster.origin}/accounts/login/", headers={"Cookie": "holdfast_node=socket-1"}
    )
    assert len(issued(answer)) == 1


async def test_a_handshake_issues_it_too_and_the_next_one_comes_to_the_same_node(
    desk: Desk,
) -> None:
    origin = {"Origin": desk.cluster.origin}
    browser = desk.sign_in("bob")
    session = f"sessionid={browser.cookies['sessionid']}"
    async with connect(
        f"{desk.cluster.sockets}/ws/chat/", additional_headers={**origin, "Cookie": session}
    ) as socket:
        first = str(await socket.recv())
        assert socket.response is not None
        cookie = socket.response.headers["Set-Cookie"].partition(";")[0]
    async with connect(
        f"{desk.cluster.sockets}/ws/chat/",
        additional_headers={**origin, "Cookie": f"{session}; {cookie}"},
    ) as socket:
        second = str(await socket.recv())
    assert re.findall('"node":"[^"]+"', first) == re.findall('"node":"[^"]+"', second)


async def test_a_handshake_is_tried_on_another_node_after_a_kill(desk: Desk) -> None:
    dead, alive = desk.cluster.socket_names
    cookie = await desk.cookie_to(dead)
    async with during(desk.cluster.down(dead)):
        assert Counter([await node_of(desk, cookie, "charlie") for _ in range(HANDSHAKES)]) == {
            alive: HANDSHAKES
        }
    await until(lambda: desk.cluster.ready(dead))


async def test_clients_of_a_killed_node_are_level_on_another_one(desk: Desk) -> None:
    dead, alive = desk.cluster.socket_names
    room = desk.room("bob")
    stream = f"room.{room}"
    bob = await desk.client("bob", room, dead)
    alice = await desk.client("alice", room, alive)
    async with during(desk.cluster.down(dead)):
        message = await alice.post(room, "while bob is away")
        await until(lambda: bob.close_code is not None)
        await bob.reconnect()
        assert await until(lambda: bob.copies[stream].position == message["seq"]) < 5
        assert bob.hello["node"] == alive
