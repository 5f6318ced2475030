"""Everything that is done to the cluster, with the bound that the failure table gives for it.

A fault is an async context manager: it happens at the beginning, lasts, and is repaired at the end.
"""

import asyncio
import os
import random
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.chaos.bounds import CALM_SECONDS
from tests.chaos.crowd import LOOK_SECONDS, Crowd
from tests.chaos.guests import PATIENCE_SECONDS
from tests.chaos.history import Fault, Post
from tests.chaos.stage import PING_AFTER_SECONDS
from tests.support.waiting import during

# HOLDFAST_HEAD_CHECK_SECONDS, and the moment that a change is given to arrive by itself.
HEAD_CHECK_SECONDS = 3.5
RETURN_SECONDS = 2.0  # jitter, a handshake, a page
# Until a client believes that its connection is dead.
SILENCE_SECONDS = PING_AFTER_SECONDS + PATIENCE_SECONDS
HOUR_SECONDS = 3600.0
RESTART = 1012
FLOODED = 4002
FIRST_LEVEL_SECONDS = 10.0  # of a client that begins with everything that has ever been posted
BEGIN_SECONDS = 10.0  # for what a fault has to do first
FLOOD = 3000  # commands at once: the burst, the allowance of refusals, and more
LONG_BODY = "y" * 3900
AT_ONCE = 100
# More than all buffers on the way to a client that does not read, and the soft mark.
LONG_BODIES = 8 * AT_ONCE
NONE: Collection[int] = frozenset()

Inflict = Callable[[Crowd, random.Random, Fault], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Kind:
    """One kind of fault."""

    name: str
    subject: str  # two faults of one subject are not combined, except those of single nodes
    inflict: Inflict
    # Seconds until everyone is level: from the beginning, or, where it holds or is measured then,
    # from the end.
    bound: float
    lasts: float = 0.0  # seconds, in the long form
    briefly: float = 0.0  # the same, in the short form
    holds: bool = False  # while it lasts, nothing can be promised to someone
    at_end: bool = False  # it is many acts, and everyone is level after the last
    in_short_form: bool = True  # of `make test`, which has to end
    closes: Collection[int] | None = None  # with which codes connections may end; None: any

    def fault(self) -> Fault:
        """A record of it, beginning now."""
        return Fault(
            self.name, time.monotonic(), bound=self.bound, holds=self.holds, closes=self.closes
        )


KINDS: list[Kind] = []


def kind(name: str, subject: str, **options: object) -> Callable[[Inflict], Inflict]:
    """Declare a kind of fault."""

    def note(inflict: Inflict) -> Inflict:
        KINDS.append(Kind(name, subject, inflict, **options))  # type: ignore[arg-type]
        return inflict

    return note


def compatible(one: Kind, other: Kind) -> bool:
    """Whether two faults can be made at once, the other one while the first lasts."""
    subjects = {one.subject, other.subject}
    if "all nodes" in subjects:
        # A node that starts waits for the database, and a rolling restart waits for each node: so
        # that one cannot come second.
        return one.subject == "all nodes" and not subjects & {"node", "web"} and len(subjects) == 2
    return one is not other and (subjects == {"node"} or len(subjects) == 2)


# Nodes --------------------------------------------------------------------------------------------


@kind("kill -9 a socket node", "node", bound=5.0)
@asynccontextmanager
async def kill_node(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    with crowd.stage.node(rnd) as name:
        async with during(crowd.stage.cluster.down(name)):
            yield


@kind("kill -9 the web node", "web", bound=CALM_SECONDS, lasts=4, briefly=1, closes=NONE)
@asynccontextmanager
async def kill_web_node(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.down("web-1")):
        yield


@kind(
    "SIGTERM each node in turn", "all nodes", bound=2 * CALM_SECONDS, at_end=True, closes={RESTART}
)
@asynccontextmanager
async def rolling_restart(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    names = crowd.stage.cluster.shape.node_names
    for name in rnd.sample(names, len(names)):
        await asyncio.to_thread(crowd.stage.cluster.restart, name)
    yield


@kind("pause a socket node", "node", bound=5.0, lasts=15, briefly=4, holds=True)
@asynccontextmanager
async def pause_node(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    with crowd.stage.node(rnd) as name, crowd.stage.cluster[name].paused():
        yield


@kind(
    "set the clock of a node wrong by an hour",
    "clock",
    bound=CALM_SECONDS,
    lasts=10,
    briefly=3,
    closes=NONE,
)
@asynccontextmanager
async def wrong_clock(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    crowd.stage.clock.set(rnd.choice((HOUR_SECONDS, -HOUR_SECONDS)))
    try:
        yield
    finally:
        crowd.stage.clock.set(0)


@kind("die between commit and publication", "command", bound=5.0)
@asynccontextmanager
async def silent_commit(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """In a room where nobody talks: else the next message would show that there is a hole."""
    post = Post(str(uuid.uuid4()), crowd.court, crowd.alice.id, time.monotonic())
    crowd.history.posts[post.key] = post

    async def die() -> None:
        arguments = (crowd.alice.id, crowd.court, post.key, f"{post.key} unheard of")
        made = await crowd.stage.insist(
            "post", *arguments, env={"CHANNEL_LAYER_URL": "memory://", "HOLDFAST_PROCESSES": "1"}
        )
        post.ident, post.number, post.seq, post.acked = (
            made["ident"],
            made["number"],
            made["seq"],
            made["at"],
        )
        fault.begun = made["at"]
        await crowd.until_level(crowd.speaker, 10 * fault.bound)

    async with begun(die()):
        yield


# Redis --------------------------------------------------------------------------------------------


@kind("restart Redis", "redis", bound=HEAD_CHECK_SECONDS, closes=NONE)
@asynccontextmanager
async def restart_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.redis_down()):
        pass
    yield


@kind("stop Redis", "redis", bound=HEAD_CHECK_SECONDS, lasts=20, briefly=5, closes=NONE)
@asynccontextmanager
async def stop_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with during(crowd.stage.cluster.redis_down()):
        yield


@kind("freeze Redis", "redis", bound=HEAD_CHECK_SECONDS, lasts=20, briefly=5, closes=NONE)
@asynccontextmanager
async def freeze_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    with crowd.stage.cluster.redis_frozen():
        yield


@kind("flush Redis", "redis", bound=CALM_SECONDS, closes=NONE)
@asynccontextmanager
async def flush_redis(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    await asyncio.to_thread(crowd.stage.cluster.redis, "FLUSHALL")
    yield


@kind("disconnect the subscribers of Redis", "redis", bound=HEAD_CHECK_SECONDS, closes=NONE)
@asynccontextmanager
async def disconnect_subscribers(
    crowd: Crowd, rnd: random.Random, fault: Fault
) -> AsyncIterator[None]:
    await asyncio.to_thread(crowd.stage.cluster.redis, "CLIENT", "KILL", "TYPE", "pubsub")
    yield


# PostgreSQL and nginx -----------------------------------------------------------------------------


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


@kind(
    "fill PostgreSQL's disk",
    "postgresql",
    bound=5.0,
    lasts=10,
    briefly=2,
    holds=True,
    in_short_form=False,
)
@asynccontextmanager
async def fill_disk(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    full = crowd.stage.cluster.postgres_refuses("53100", "No space left on device")
    async with during(full):
        yield


@kind("reload nginx", "nginx", bound=CALM_SECONDS, closes=NONE)
@asynccontextmanager
async def reload_nginx(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    await asyncio.to_thread(crowd.stage.cluster.nginx_reload)
    yield


@kind("kill nginx and start it", "nginx", bound=RETURN_SECONDS, lasts=4, briefly=1, holds=True)
@asynccontextmanager
async def kill_nginx(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    nginx = crowd.stage.cluster["nginx"]
    os.killpg(nginx.pid, signal.SIGKILL)  # its workers too, which would serve on without it
    nginx.kill()
    try:
        yield
    finally:
        await asyncio.to_thread(crowd.stage.cluster.start, "nginx")


# Networks -----------------------------------------------------------------------------------------


@kind("reset connections of clients", "clients", bound=RETURN_SECONDS)
@asynccontextmanager
async def reset_clients(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    crowd.stage.front.reset(rnd, rnd.uniform(0.5, 1))
    yield


@kind(
    "silence between clients and nginx",
    "clients",
    bound=SILENCE_SECONDS + RETURN_SECONDS,
    lasts=12,
    briefly=3,
    holds=True,
)
@asynccontextmanager
async def silence_clients(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with crowd.stage.front.silence(rnd):
        yield


@kind("reset connections between nginx and a node", "back", bound=RETURN_SECONDS)
@asynccontextmanager
async def reset_node(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    crowd.stage.back.reset(rnd, rnd.uniform(0.5, 1))
    yield


@kind(
    "silence between nginx and a node",
    "back",
    bound=SILENCE_SECONDS + RETURN_SECONDS,
    lasts=12,
    briefly=3,
    holds=True,
)
@asynccontextmanager
async def silence_node(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    async with crowd.stage.back.silence(rnd):
        yield


# Clients ------------------------------------------------------------------------------------------


@kind("a client that does not read", "clients", bound=CALM_SECONDS, closes=NONE)
@asynccontextmanager
async def slow_reader(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    guest = crowd.hostile([crowd.court, crowd.hall])
    if not await crowd.until_level(guest, FIRST_LEVEL_SECONDS):
        yield  # nobody gets in, because of another fault
        return
    started = time.monotonic()
    guest.stop_reading()

    async def cry() -> None:
        for _ in range(0, LONG_BODIES, AT_ONCE):
            await asyncio.gather(*(crowd.crier.say(crowd.court, LONG_BODY) for _ in range(AT_ONCE)))

    async with begun(cry()):
        fault.begun = time.monotonic()
        yield
    guest.read_on()
    level = await crowd.until_level(guest, 10 * fault.bound)
    guest.log.stalls.append((started, time.monotonic()))
    if not guest.fell_behind and not guest.log.closings:
        guest.breaches.append("did not read, but was never notified of being behind")
    if not level:
        guest.breaches.append("read on, and did not become level")


@kind("a client that floods", "clients", bound=CALM_SECONDS, closes=NONE)
@asynccontextmanager
async def flooder(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    guest = crowd.hostile([crowd.hall])
    if not await crowd.until_level(guest, FIRST_LEVEL_SECONDS):
        yield  # as above
        return
    before = len(guest.log.closings)
    for _ in range(FLOOD):
        guest.aside({"id": 0, "command": "ping"})
    yield
    while not any(closing.code == FLOODED for closing in guest.log.closings):
        if len(guest.log.closings) > before:
            return  # it was cut by another fault, and its flood with it
        if time.monotonic() > fault.begun + 30 * fault.bound:
            guest.breaches.append("flooded, and was not closed for it")
            return
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def begun(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Start a task and finish it at the end.

    It may need what another fault has taken away, so the wait is short.
    """
    task = asyncio.create_task(work)
    await asyncio.wait({task}, timeout=BEGIN_SECONDS)
    try:
        yield
    finally:
        await task
