"""Nodes that die, stop, or lack what they need."""

import asyncio
import os
import random
import resource
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psutil

from tests.chaos.bounds import CALM_SECONDS
from tests.chaos.crowd import Crowd
from tests.chaos.faults.kinds import NONE, begun, kind
from tests.chaos.history import Fault, Post
from tests.support.waiting import during

DECIDED_SECONDS = 60.0  # above STUCK_SECONDS, on a busy machine
LOOK_SECONDS = 0.1
HOUR_SECONDS = 3600.0
RESTART = 1012
STOPPED_SECONDS, RUNNING_SECONDS = 0.9, 0.4  # of a node that gets a third of a processor
NOTICED_SECONDS = 0.1  # until a node has closed what was reset
SPARE_DESCRIPTORS = 6  # of a node, for the clients that come back and for Prometheus


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
    node = crowd.stage.cluster.socket_names[0]
    crowd.stage.controls.set("clocks", {node: rnd.choice((HOUR_SECONDS, -HOUR_SECONDS))})
    try:
        yield
    finally:
        crowd.stage.controls.set("clocks", None)


@kind("give a node too little processor", "node", bound=5.0, lasts=15, briefly=3)
@asynccontextmanager
async def little_processor(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    with crowd.stage.node(rnd) as name:
        pid = crowd.stage.cluster[name].pid

        async def hold_back() -> None:
            try:
                while True:
                    os.kill(pid, signal.SIGSTOP)
                    await asyncio.sleep(STOPPED_SECONDS)
                    os.kill(pid, signal.SIGCONT)
                    await asyncio.sleep(RUNNING_SECONDS)
            finally:
                os.kill(pid, signal.SIGCONT)

        task = asyncio.create_task(hold_back())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


@kind("leave a node few file descriptors", "node", bound=5.0, lasts=15, briefly=2, holds=True)
@asynccontextmanager
async def few_descriptors(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """Many clients lose their connections and come back, and do not all fit."""
    with crowd.stage.node(rnd) as name:
        crowd.stage.front.reset(rnd)
        await asyncio.sleep(NOTICED_SECONDS)
        process = psutil.Process(crowd.stage.cluster[name].pid)
        most = process.num_fds() + SPARE_DESCRIPTORS
        with limited(crowd, name, resource.RLIMIT_NOFILE, most):
            yield


@kind(
    "leave a node no memory",
    "node",
    bound=5.0,
    lasts=10,
    briefly=2,
    holds=True,
    in_short_form=False,
)
@asynccontextmanager
async def no_memory(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """It may end, as any program may. Then it is started again, as a supervisor does."""
    with crowd.stage.node(rnd) as name:
        program = crowd.stage.cluster[name]
        most = psutil.Process(program.pid).memory_info().vms
        with limited(crowd, name, resource.RLIMIT_AS, most):
            crowd.stage.front.reset(rnd)
            yield
        if not await asyncio.to_thread(goes_on, crowd, name):
            crowd.stage.say(f"{name} ended without memory")
            await asyncio.to_thread(crowd.stage.cluster.start, name)


def goes_on(crowd: Crowd, name: str) -> bool:
    """Wait until a node has ended, or answers again, and return whether it does.

    Raises ``TimeoutError`` if it does neither.
    """
    cluster = crowd.stage.cluster
    deadline = time.monotonic() + DECIDED_SECONDS
    while cluster[name].running:
        if cluster.ready(name):
            return True
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} neither ends nor answers:\n{cluster[name].log[-4000:]}")
        time.sleep(LOOK_SECONDS)
    return False


@contextmanager
def limited(crowd: Crowd, name: str, limit: int, most: int) -> Iterator[None]:
    """Set a limit of the operating system for a running node."""
    program = crowd.stage.cluster[name]
    process = psutil.Process(program.pid)
    before = process.rlimit(limit)
    process.rlimit(limit, (most, before[1]))
    try:
        yield
    finally:
        if program.running:
            process.rlimit(limit, before)


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
