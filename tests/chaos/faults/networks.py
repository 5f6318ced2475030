"""nginx, and the networks before and behind it: resets, silence, losses, delays, other names."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.bounds import CALM_SECONDS
from tests.chaos.cables import DATABASE_HOST
from tests.chaos.crowd import Crowd
from tests.chaos.faults.kinds import (
    HEAD_CHECK_SECONDS,
    NONE,
    RETURN_SECONDS,
    SILENCE_SECONDS,
    all_of,
    kind,
)
from tests.chaos.history import Fault
from tests.chaos.proxy import bad_line
from tests.chaos.stage import PLAIN, STATEMENT_SECONDS

LAYER_SILENCE_SECONDS = 4.0  # until a node believes that its broker is gone
LOST_PART, JITTER_SECONDS = 0.03, 0.02  # of all packets; at most
# The C library asks a name server twice, 5 seconds apart, and a lookup that begins just before
# the end waits for the second answer.
LOOKUP_SECONDS = 10.0
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")  # of PostgreSQL


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


@kind(
    "lose everything between clients and nginx",
    "clients",
    bound=SILENCE_SECONDS + RETURN_SECONDS,
    lasts=12,
    briefly=2,
    holds=True,
    in_short_form=False,
)
@asynccontextmanager
async def lose_clients(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """All is taken and nothing arrives, and nobody is notified."""
    async with crowd.stage.front.loss():
        yield


@kind(
    "lose everything between a node and PostgreSQL",
    "node",
    bound=STATEMENT_SECONDS + 2 * RETURN_SECONDS,
    lasts=12,
    briefly=2,
    holds=True,
)
@asynccontextmanager
async def lose_database(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    with crowd.stage.node(rnd) as name:
        async with all_of(each.loss() for each in crowd.stage.networks("databases", [name])):
            yield


@kind(
    "lose everything between a node and Redis",
    "node",
    bound=LAYER_SILENCE_SECONDS + HEAD_CHECK_SECONDS,
    broker=PLAIN,
    lasts=12,
    briefly=3,
    closes=NONE,
)
@asynccontextmanager
async def lose_broker(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    with crowd.stage.node(rnd) as name:
        async with all_of(each.loss() for each in crowd.stage.networks("broker", [name])):
            yield


@kind(
    "drop and delay packets on every network",
    "networks",
    bound=5.0,
    lasts=20,
    briefly=4,
    closes=NONE,
)
@asynccontextmanager
async def bad_lines(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    stage = crowd.stage
    every = stage.cluster.node_names
    networks = [stage.front, stage.back]
    networks += [*stage.networks("databases", every), *stage.networks("broker", every)]
    line = bad_line(rnd, lost=LOST_PART, jitter=JITTER_SECONDS)
    async with all_of(each.late(line) for each in networks):
        yield


@kind(
    "move PostgreSQL to another address",
    "names",
    bound=5.0,
    lasts=3,
    holds=True,
    large=True,
    closes=NONE,
)
@asynccontextmanager
async def move_database(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """Its name leads to the new address from now on, and nothing listens at the old one."""
    stage = crowd.stage
    assert stage.names is not None
    before = stage.names.addresses[DATABASE_HOST]
    host = rnd.choice([each for each in HOSTS if each != before])
    stage.names.addresses[DATABASE_HOST] = host
    for each in stage.networks("databases", stage.cluster.node_names):
        await each.move(host)
    yield


@kind(
    "ask a name server that does not answer",
    "names",
    bound=LOOKUP_SECONDS,
    lasts=8,
    holds=True,
    large=True,
)
@asynccontextmanager
async def silent_names(crowd: Crowd, rnd: random.Random, fault: Fault) -> AsyncIterator[None]:
    """All connections to the servers end meanwhile, and their addresses have to be found again."""
    stage = crowd.stage
    assert stage.names is not None
    every = stage.cluster.node_names
    async with stage.names.silent():
        for each in (*stage.networks("databases", every), *stage.networks("broker", every)):
            each.reset(rnd)
        yield
