"""A Redis that is away, silent, empty, or brings messages twice and in another order."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.bounds import CALM_SECONDS
from tests.chaos.crowd import Crowd
from tests.chaos.faults.kinds import HEAD_CHECK_SECONDS, NONE, kind
from tests.chaos.history import Fault
from tests.chaos.stage import PLAIN, SENTINELS
from tests.support.waiting import during


@kind("restart Redis", "redis", broker=PLAIN, bound=HEAD_CHECK_SECONDS, closes=NONE)
@asynccontextmanager
async def restart_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.redis_down()):
        pass
    yield


@kind(
    "stop Redis", "redis", broker=PLAIN, bound=HEAD_CHECK_SECONDS, lasts=20, briefly=5, closes=NONE
)
@asynccontextmanager
async def stop_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.redis_down()):
        yield


@kind(
    "freeze Redis",
    "redis",
    broker=PLAIN,
    bound=HEAD_CHECK_SECONDS,
    lasts=20,
    briefly=5,
    closes=NONE,
)
@asynccontextmanager
async def freeze_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    with crowd.stage.cluster.redis_frozen():
        yield


@kind("flush Redis", "redis", broker=PLAIN, bound=CALM_SECONDS, closes=NONE)
@asynccontextmanager
async def flush_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    await asyncio.to_thread(crowd.stage.cluster.redis, "FLUSHALL")
    yield


@kind(
    "disconnect the subscribers of Redis",
    "redis",
    broker=PLAIN,
    bound=HEAD_CHECK_SECONDS,
    closes=NONE,
)
@asynccontextmanager
async def disconnect_subscribers(
    crowd: Crowd, rnd: random.Random, fault: Fault
) -> AsyncIterator[None]:
    await asyncio.to_thread(crowd.stage.cluster.redis, "CLIENT", "KILL", "TYPE", "pubsub")
    yield


@kind(
    "lose, repeat and reorder what the broker brings",
    "broker",
    bound=HEAD_CHECK_SECONDS,
    lasts=15,
    briefly=4,
    closes=NONE,
)
@asynccontextmanager
async def disorder(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    crowd.stage.controls.set("broker", "in disorder")
    try:
        yield
    finally:
        crowd.stage.controls.set("broker", None)


@kind(
    "kill the master of Redis",
    "redis",
    bound=HEAD_CHECK_SECONDS,
    lasts=10,
    briefly=5,
    closes=NONE,
    broker=SENTINELS,
)
@asynccontextmanager
async def kill_master(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """Sentinels choose another one, which the nodes follow. The old one comes back below it."""
    watched = crowd.stage.watched
    assert watched is not None
    dead = watched.master
    await asyncio.to_thread(dead.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(watched.have_another, dead)
