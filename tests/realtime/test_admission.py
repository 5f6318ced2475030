"""HTTP requests under way are bounded, by process, account and address."""

import asyncio
import json
from collections import Counter
from functools import partial
from typing import Any

import pytest

from realtime.auth import admission
from realtime.auth.admission import Bounded
from realtime.auth.clients import SCOPE_KEY, Client, client_of, known_credentials
from realtime.core.bounds.budgets import _budgets
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.HOLDFAST_REQUESTS, settings.HOLDFAST_REQUESTS_PER_CLIENT = 4, 2
    settings.HOLDFAST_REQUEST_QUEUE, settings.HOLDFAST_REQUEST_QUEUE_PER_CLIENT = 12, 3
    settings.HOLDFAST_REQUEST_WAIT_SECONDS = 30
    settings.ALLOWED_HOSTS = ["testserver"]
    admission._queues.clear()
    _budgets.clear()
    known_credentials._known.clear()


class Site:
    """An application whose requests run until they are let go."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.running: list[Client] = []
        self.most = 0
        self.app = Bounded(self.answer)

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.running.append(scope.get(SCOPE_KEY))
        self.most = max(self.most, len(self.running))
        await self.gate.wait()
        self.running.pop()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    def has_running(self, number: int) -> bool:
        return len(self.running) == number

    async def get(self, path: str = "/rooms/general/", **more: Any) -> tuple[int, Any, bytes]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope(path, **more), None, send)
        headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers, sent[1]["body"]


def scope(
    path: str, *, cookie: str = "", address: str = "192.0.2.1", **headers: str
) -> dict[str, Any]:
    named = {"host": "testserver", **headers}
    if cookie:
        named["cookie"] = f"other=1; sessionid={cookie}"
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "scheme": "https",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": [address, 1],
        "server": ["testserver", 443],
    }


def signed_in(user_id: int) -> str:
    """Return a session cookie that this process has accepted before."""
    cookie = f"session-of-{user_id}"
    client_of(scope("/", cookie=cookie)).identified(user_id)
    return cookie


async def statuses(site: Site, *requests: Any) -> Counter[int]:
    tasks = [asyncio.ensure_future(request) for request in requests]
    await until(lambda: len(site.running) == site.most > 0)
    await asyncio.sleep(0)
    site.gate.set()
    return Counter(status for status, _, _ in await asyncio.gather(*tasks))


async def test_one_account_runs_two_waits_with_three_and_the_rest_is_refused() -> None:
    site, cookie = Site(), signed_in(1)
    found = await statuses(site, *(site.get(cookie=cookie) for _ in range(20)))
    assert found == {200: 5, 429: 15}
    assert site.most == 2


async def test_a_cookie_that_nobody_knows_opens_no_bucket() -> None:
    site = Site()
    invented = (site.get(cookie=f"{n:032}", authorization=f"Junk {n}") for n in range(40))
    found = await statuses(site, *invented)
    assert found == {200: 8, 429: 32}, "two run and six wait, as those of one address"
    assert site.most == 2


async def test_others_are_served_meanwhile() -> None:
    site, cookie = Site(), signed_in(1)
    many = [asyncio.ensure_future(site.get(cookie=cookie)) for _ in range(5)]
    other = asyncio.ensure_future(site.get(cookie=signed_in(2), address="192.0.2.2"))
    await until(lambda: len(site.running) == 3)
    assert 2 in [client.user_id for client in site.running]
    site.gate.set()
    await asyncio.gather(*many, other)


async def test_a_refusal_is_in_words_for_programs_and_for_people() -> None:
    site, cookie = Site(), signed_in(1)
    many = [asyncio.ensure_future(site.get(cookie=cookie)) for _ in range(5)]
    await asyncio.sleep(0)
    status, headers, body = await site.get("/api/rooms/", cookie=cookie)
    assert (status, headers["retry-after"]) == (429, "1")
    error = json.loads(body)["error"]
    assert (error["code"], error["retry_after"]) == ("rate_limited", 1)
    assert "too many requests" in error["message"]
    status, headers, body = await site.get(cookie=cookie)
    assert (status, headers["retry-after"], headers["cache-control"]) == (429, "1", "no-store")
    assert "default-src" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert b"too many requests" in body
    site.gate.set()
    await asyncio.gather(*many)


async def test_who_waits_too_long_hears_that_the_server_is_busy(settings: Any) -> None:
    settings.HOLDFAST_REQUEST_WAIT_SECONDS = 0.05
    site, cookie = Site(), signed_in(1)
    many = [asyncio.ensure_future(site.get(cookie=cookie)) for _ in range(3)]
    status, headers, _ = await many[2]
    assert (status, headers["retry-after"]) == (503, "2")
    site.gate.set()
    assert [status for status, _, _ in await asyncio.gather(*many[:2])] == [200, 200]


async def test_probes_are_always_answered() -> None:
    site, cookie = Site(), signed_in(1)
    many = [asyncio.ensure_future(site.get(cookie=cookie)) for _ in range(5)]
    await asyncio.sleep(0)
    probe = asyncio.ensure_future(site.get("/healthz", cookie=cookie))
    await until(lambda: len(site.running) == 3)
    site.gate.set()
    assert (await probe)[0] == 200
    await asyncio.gather(*many)


async def test_searches_have_a_queue_of_their_own() -> None:
    site, cookie = Site(), signed_in(1)
    searches = [asyncio.ensure_future(site.get("/search/", cookie=cookie)) for _ in range(3)]
    await until(lambda: len(site.running) == 1)
    pages = [asyncio.ensure_future(site.get(cookie=cookie)) for _ in range(2)]
    await until(lambda: len(site.running) == 3)
    site.gate.set()
    await asyncio.gather(*searches, *pages)


async def test_a_request_that_begins_to_wait_leaves_its_place(settings: Any) -> None:
    settings.HOLDFAST_ASYNC_REQUESTS, settings.HOLDFAST_ASYNC_PER_CLIENT = 4, 1
    site, cookie, path = Site(), signed_in(1), "/api/streams/room.1/events"
    polls = [asyncio.ensure_future(site.get(path, cookie=cookie)) for _ in range(3)]
    for number in range(1, 4):
        await until(partial(site.has_running, number))
        leave = site.running[-1].leave
        assert leave is not None
        leave()
    site.gate.set()
    assert [status for status, _, _ in await asyncio.gather(*polls)] == [200] * 3


async def test_an_account_has_one_budget_for_requests(settings: Any) -> None:
    settings.HOLDFAST_COMMAND_RATE, settings.HOLDFAST_COMMAND_BURST = 0.01, 3
    site, cookie = Site(), signed_in(1)
    site.gate.set()
    found = [(await site.get("/api/rooms/", cookie=cookie))[0] for _ in range(5)]
    assert found == [200, 200, 200, 429, 429]


async def test_an_address_of_ipv6_is_a_household_and_an_unknown_one_is_no_key() -> None:
    households = {
        client_of(scope("/", address=f"2001:db8:0:{net}::{host}")).key
        for net in (1, 2)
        for host in range(5)
    }
    assert len(households) == 2
    unknown = client_of({**scope("/"), "client": None})
    assert (unknown.address, unknown.place) == (None, "address:unknown")
