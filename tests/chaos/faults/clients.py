"""Clients that do not read, or flood."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.bounds import CALM_SECONDS
from tests.chaos.crowd import LOOK_SECONDS, Crowd
from tests.chaos.faults.kinds import NONE, begun, kind
from tests.chaos.history import Fault

FLOODED = 4002
FIRST_LEVEL_SECONDS = 10.0  # of a client that begins with everything that has ever been posted
FLOOD = 3000  # commands at once: the burst, the allowance of refusals, and more
LONG_BODY = "y" * 3900
AT_ONCE = 100
# More than all buffers on the way to a client that does not read, and the soft mark.
LONG_BODIES = 8 * AT_ONCE


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
        if time.monotonic() > fault.begun + crowd.patience(30 * fault.bound):
            guest.breaches.append("flooded, and was not closed for it")
            return
        await asyncio.sleep(LOOK_SECONDS)
