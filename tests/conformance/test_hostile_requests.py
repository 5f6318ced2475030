"""Clients that send too many requests, or too slowly, to a real node."""

import asyncio
import time
from collections import Counter

from django.contrib.auth.models import User
from django.test import Client as Browser

from tests.conformance.client import Client
from tests.conformance.scene import SECONDS, Scene, resident, run
from tests.support.server import Node, Nodes

PAGES = 300
GROWTH = 64 * 2**20  # bytes; Python keeps what a few requests at a time need
PATIENCE = 60.0


def cookie(user: User) -> str:
    browser = Browser()
    browser.force_login(user)
    return str(browser.cookies["sessionid"].value)


async def get(node: Node, path: str, session: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid={session}\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return int(answer[9:12])


def test_three_hundred_pages_at_once_leave_memory_and_others_alone(scene: Scene) -> None:
    hostile, other = cookie(scene.people.alice), cookie(scene.people.bob)

    async def story(scene: Scene) -> None:
        node, path = scene.node, "/rooms/hall/"
        for session in (hostile, other):
            assert await get(node, path, session) == 200
        before = resident(node)
        flood = [asyncio.ensure_future(get(node, path, hostile)) for _ in range(PAGES)]
        member = Client(f"{node.sockets}/ws/chat/", scene.tokens["bob"], [f"room.{scene.room.pk}"])
        await member.connect()
        assert [await get(node, path, other) for _ in range(3)] == [200] * 3
        await member.post(scene.room.pk, "meanwhile")
        await member.close()
        found = Counter(await asyncio.gather(*flood))
        assert found[200] > 0
        assert found[429] > PAGES / 2
        assert set(found) <= {200, 429, 503}
        assert resident(node) - before < GROWTH
        assert await get(node, path, hostile) == 200

    run(scene, story)


def test_a_request_that_comes_byte_by_byte_is_ended(nodes: Nodes) -> None:
    node = nodes.start(HOLDFAST_REQUEST_SECONDS="1")
    beginnings = (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /api/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n",
        b"GET /ws/chat/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nX-Slow: ",
        b"",
    )

    async def drip(beginning: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(beginning)
        answer = asyncio.ensure_future(reader.read())
        started = time.monotonic()
        while not answer.done():
            assert time.monotonic() - started < SECONDS
            if beginning:
                writer.write(b"x")
            await asyncio.wait([answer], timeout=0.2)
        writer.close()
        return await answer

    async def story() -> None:
        answers = await asyncio.gather(*map(drip, beginnings), return_exceptions=True)
        for answer in answers:
            assert isinstance(answer, ConnectionError) or (
                isinstance(answer, bytes) and answer.startswith(b"HTTP/1.1 408")
            )

    asyncio.run(story())


def test_an_address_has_so_many_connections_and_gets_them_back(nodes: Nodes) -> None:
    node = nodes.start(
        HOLDFAST_CONNECTIONS_PER_ADDRESS="5", HOLDFAST_TRUSTED_PROXIES="192.0.2.0/24"
    )

    async def story() -> None:
        opened = [await asyncio.open_connection("127.0.0.1", node.port) for _ in range(5)]
        assert await refused()
        opened.pop()[1].close()

        async def accepted() -> None:
            while await refused():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

        await asyncio.wait_for(accepted(), SECONDS)
        for _, writer in opened:
            writer.close()

    async def refused() -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
        except ConnectionError:
            return True
        return not answer

    asyncio.run(story())


def test_sockets_of_one_account_share_their_tokens(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        url = f"{scene.node.sockets}/ws/chat/"
        clients = [Client(url, scene.tokens["alice"], []) for _ in range(4)]
        for client in clients:
            await client.connect()
        answers = await asyncio.gather(
            *(client.command("ping") for client in clients for _ in range(200)),
            return_exceptions=True,
        )
        accepted = [answer for answer in answers if not isinstance(answer, Exception)]
        assert len(accepted) < 700
        for client in clients:
            await client.close()

    run(scene, story)
