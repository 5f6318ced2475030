"""A PostgreSQL that is away, locked, slow, full, or another one."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.crowd import Crowd
from tests.chaos.faults.kinds import NONE, all_of, kind
from tests.chaos.history import Fault
from tests.chaos.proxy import each_statement
from tests.support.replication import Replication
from tests.support.waiting import during

SLOW_SECONDS = 0.5  # of each statement
LONG_BODY = "z" * 3900
LONG_BODIES = 20  # more than the free pages of the tables take
LEVEL_SECONDS = 60.0  # after a promotion
MAX_NAMED = 10


@kind("restart PostgreSQL", "postgresql", bound=3.0, lasts=3, briefly=0, holds=True, closes=NONE)
@asynccontextmanager
async def restart_postgresql(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.postgres_down()):
        yield


@kind("lock a room", "postgresql", bound=5.0, lasts=20, briefly=3, holds=True, closes=NONE)
@asynccontextmanager
async def lock_room(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    statement = f"SELECT 1 FROM realtime_stream WHERE name = 'room.{crowd.hall}' FOR UPDATE"
    async with during(crowd.stage.cluster.locked(statement)):
        yield


@kind(
    "lock all messages",
    "postgresql",
    bound=5.0,
    lasts=20,
    briefly=3,
    holds=True,
    closes=NONE,
    in_short_form=False,
)
@asynccontextmanager
async def lock_messages(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.locked("LOCK TABLE chat_message IN SHARE MODE")):
        yield


@kind(
    "freeze PostgreSQL",
    "postgresql",
    bound=10.0,
    lasts=15,
    briefly=3,
    holds=True,
    in_short_form=False,
)
@asynccontextmanager
async def freeze_postgresql(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.postgres_frozen()):
        yield


@kind("make PostgreSQL slow", "postgresql", bound=10.0, lasts=20, briefly=3, holds=True)
@asynccontextmanager
async def slow_postgresql(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """Every statement of every node."""
    stage = crowd.stage
    networks = stage.networks("databases", stage.cluster.node_names)
    async with all_of(each.late(each_statement(SLOW_SECONDS)) for each in networks):
        yield


@kind("slow down one table", "postgresql", bound=5.0, lasts=20, briefly=3, closes=NONE)
@asynccontextmanager
async def slow_table(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    slow = crowd.stage.cluster.slow_inserts("chat_message", SLOW_SECONDS)
    async with during(slow):
        yield


@kind(
    "fill PostgreSQL's disk",
    "postgresql",
    bound=10.0,
    lasts=10,
    briefly=2,
    holds=True,
    in_short_form=False,
)
@asynccontextmanager
async def fill_disk(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """It may end PostgreSQL, which is started again once there is space."""
    cluster = crowd.stage.cluster
    server = crowd.stage.primary
    if server.disk is None:
        refuses = cluster.postgres_refuses("53100", "No space left on device")
        async with during(refuses):
            yield
        return
    async with during(server.disk.full()):
        # The last pages of tables have space for some messages.
        crying = [crowd.crier.say(crowd.court, LONG_BODY) for _ in range(LONG_BODIES)]
        said = asyncio.gather(*crying)
        yield
    if not server.running:
        crowd.stage.say("PostgreSQL ended without space")
        await asyncio.to_thread(server.start)
    await said


@kind("promote a standby that lags", "history", bound=10.0, lasts=5, holds=True, large=True)
@asynccontextmanager
async def promote_lagging(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """Messages that only the old primary had are lost, although they were acknowledged."""
    pair = crowd.stage.pair
    async with crowd.only_posts():
        await asyncio.to_thread(with_standby, pair)
        await asyncio.to_thread(pair.cut)
        since = time.monotonic()
        try:
            yield
        finally:
            await asyncio.to_thread(pair.primary.kill)
            await asyncio.to_thread(pair.promote)
            fault.over = back = time.monotonic()
            await crowd.level(LEVEL_SECONDS)
            lost = await asyncio.to_thread(crowd.forget_lost, since, back)
            names = ", ".join(str(post.number) for post in lost[:MAX_NAMED])
            crowd.stage.say(f"lost with the old primary: {len(lost)} messages ({names} …)")


@kind("promote a synchronous standby", "history", bound=10.0, lasts=5, holds=True, large=True)
@asynccontextmanager
async def promote_synchronous(
    crowd: Crowd, rnd: random.Random, fault: Fault
) -> AsyncIterator[None]:
    """Nothing acknowledged is lost."""
    pair = crowd.stage.pair
    await asyncio.to_thread(with_standby, pair)
    await asyncio.to_thread(pair.make_synchronous)
    try:
        yield
    finally:
        await asyncio.to_thread(pair.primary.kill)
        await asyncio.to_thread(pair.promote)
        pair.synchronous = False  # the new primary waits for nobody
        fault.over = time.monotonic()


def with_standby(pair: Replication) -> None:
    """Have a standby that has everything: the old primary, where another one took over."""
    if not pair.standby.running:
        pair.rejoin()
    pair.wait_for_standby()
