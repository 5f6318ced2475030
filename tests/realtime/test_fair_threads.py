"""Threads that keys share fairly."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from realtime.core.bounds.fair_threads import FairThreads
from realtime.protocol.errors import Unavailable


@pytest.fixture
async def pool() -> AsyncIterator[FairThreads]:
    found = FairThreads("try", threads=2, waiting=50)
    yield found
    found._pool.shutdown(wait=True)


async def test_one_with_many_calls_delays_others_by_one(pool: FairThreads) -> None:
    order: list[str] = []
    calls = [pool.run("alice", order.append, f"alice {number}") for number in range(40)]
    await asyncio.gather(*calls, pool.run("bob", order.append, "bob"))
    assert order.index("bob") < 3
    assert [each for each in order if each != "bob"] == [f"alice {n}" for n in range(40)]


async def test_one_key_has_one_call_at_a_time(pool: FairThreads) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def call() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1

    await asyncio.gather(*(pool.run("alice", call) for _ in range(30)))
    assert most == [1]


async def test_too_many_are_refused_and_errors_arrive(pool: FairThreads) -> None:
    gate = threading.Event()
    calls = [asyncio.ensure_future(pool.run("alice", gate.wait, 10)) for _ in range(51)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await pool.run("alice", gate.wait, 10)
    gate.set()
    await asyncio.gather(*calls)
    with pytest.raises(ValueError, match="invalid literal"):
        await pool.run("alice", int, "x")
    assert await pool.run("alice", int, "1") == 1


async def test_a_caller_that_is_gone_holds_nothing_up(pool: FairThreads) -> None:
    gate = threading.Event()
    gone = asyncio.ensure_future(pool.run("alice", gate.wait, 10))
    await asyncio.sleep(0)
    gone.cancel()
    behind = asyncio.ensure_future(pool.run("alice", int, "2"))
    await asyncio.sleep(0)
    gate.set()
    assert await behind == 2
