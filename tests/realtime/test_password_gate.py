"""Forms with a password wait without a thread, and the addresses take turns."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.test import override_settings

from realtime.auth.passwords import gate
from realtime.auth.passwords.gate import FairQueue, PasswordGate
from realtime.protocol.errors import Unavailable

SECONDS = 60  # a busy machine; nothing here takes a part of one

ALICE, BOB, MALLORY = "192.0.2.1", "192.0.2.2", "203.0.113.9"


class Visitors:
    """Requests that hold their turn until they are let go."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self.served: list[str] = []
        self.refused: list[str] = []
        self._go: list[asyncio.Event] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, *names: str) -> None:
        for name in names:
            self._tasks.append(asyncio.create_task(self._visit(name)))
            await settle()

    async def _visit(self, name: str) -> None:
        try:
            async with self._queue.turn(name.partition(" ")[0]):
                self.served.append(name)
                go = asyncio.Event()
                self._go.append(go)
                await go.wait()
        except Unavailable:
            self.refused.append(name)

    async def finish_one(self) -> None:
        self._go.pop(0).set()
        await settle()

    async def finish_all(self) -> None:
        while self._go:
            await self.finish_one()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def leave(self, number: int) -> None:
        self._tasks[number].cancel()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def visitors(*, at_once: int = 1, waiting: int = 4) -> AsyncIterator[Visitors]:
    found = Visitors(FairQueue(at_once=at_once, waiting=waiting, seconds=SECONDS))
    yield found
    await found.finish_all()


async def test_so_many_at_once_and_the_others_in_order() -> None:
    async with visitors(at_once=2) as here:
        await here.come("a 1", "a 2", "a 3", "a 4")
        assert here.served == ["a 1", "a 2"]
        await here.finish_one()
        assert here.served == ["a 1", "a 2", "a 3"]
    assert here.served == ["a 1", "a 2", "a 3", "a 4"]


async def test_addresses_take_turns() -> None:
    async with visitors() as here:
        await here.come(*(f"{MALLORY} {number}" for number in range(4)), f"{ALICE} 1")
        await here.finish_one()
        await here.finish_one()
    assert here.served.index(f"{ALICE} 1") == 2


async def test_a_full_queue_refuses_the_address_that_fills_it() -> None:
    async with visitors() as here:
        await here.come(*(f"{MALLORY} {number}" for number in range(6)))
        assert here.refused == [f"{MALLORY} 5"]
        await here.come(f"{ALICE} 1", f"{BOB} 1")
        assert set(here.refused) == {f"{MALLORY} {number}" for number in (3, 4, 5)}
    assert {f"{ALICE} 1", f"{BOB} 1"} <= set(here.served)


async def test_without_a_queue_the_next_one_is_refused() -> None:
    async with visitors(waiting=0) as here:
        await here.come("a 1", "a 2", "b 1")
        assert here.refused == ["a 2", "b 1"]


async def test_who_leaves_gives_the_turn_to_the_next_one() -> None:
    async with visitors() as here:
        await here.come("a 1", "b 1", "c 1")
        here.leave(1)  # while waiting
        await settle()
        here.leave(0)  # while served
        await settle()
        assert here.served == ["a 1", "c 1"]
        here._go.pop(0)  # nobody waits for that one any more
        await here.come("d 1")
    assert here.served == ["a 1", "c 1", "d 1"]


async def test_a_turn_given_to_one_who_leaves_at_that_moment_goes_on() -> None:
    async with visitors() as here:
        await here.come("a 1", "b 1", "c 1")
        here._go.pop(0).set()
        await asyncio.sleep(0)  # a 1 goes, and b 1 has its turn but has not run
        here.leave(1)
        await settle()
        assert here.served == ["a 1", "c 1"]


async def test_waiting_has_an_end() -> None:
    queue = FairQueue(at_once=1, waiting=1, seconds=0.01)
    async with queue.turn("a"):
        with pytest.raises(Unavailable):
            async with queue.turn("b"):
                pass
    async with queue.turn("b"):  # nothing is left of the one that gave up
        pass


async def answer(path: str, *, method: str = "POST", host: str = "testserver") -> dict[str, Any]:
    """Send a request through the gate, behind which everything is refused."""
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", host.encode()), (b"accept-language", b"de")],
        "client": (MALLORY, 1),
    }
    await PasswordGate(inner)(scope, None, send)  # type: ignore[arg-type]
    return {
        "status": sent[0]["status"],
        "headers": {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]},
        "body": b"".join(message.get("body", b"") for message in sent[1:]).decode(),
    }


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = FairQueue(at_once=0, waiting=0, seconds=SECONDS)
    monkeypatch.setattr(gate, "_queue", lambda: queue)


@pytest.mark.usefixtures("full")
async def test_a_refusal_is_a_whole_page() -> None:
    refused = await answer("/accounts/login/")
    assert refused["status"] == 503
    assert refused["headers"]["retry-after"] == "3"
    assert refused["headers"]["cache-control"] == "no-store"
    assert "default-src 'none'" in refused["headers"]["content-security-policy"]
    assert "x-request-id" in refused["headers"]
    assert '<html lang="de"' in refused["body"]
    assert 'href="/accounts/login/"' in refused["body"]


@pytest.mark.usefixtures("full")
async def test_a_foreign_host_gets_no_page() -> None:
    with override_settings(ALLOWED_HOSTS=["chat.example"]):
        refused = await answer("/accounts/login/", host="evil.example")
    assert refused["status"] == 400


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/accounts/login/", 503),
        ("POST", "/admin/login/", 503),
        ("POST", "/accounts/signup/", 503),
        ("POST", "/accounts/password_change/", 503),
        ("GET", "/accounts/login/", 200),
        ("POST", "/accounts/logout/", 200),
    ],
)
async def test_only_forms_with_a_password_wait(method: str, path: str, status: int) -> None:
    assert (await answer(path, method=method))["status"] == status
