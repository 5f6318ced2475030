"""Waiting on effects, in async tests that also do things to processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

LOOK_SECONDS = 0.005  # what other processes do cannot be awaited
PATIENCE_SECONDS = 20.0


async def until(
    effect: Callable[[], object],
    *,
    within: float = PATIENCE_SECONDS,
    every: float = LOOK_SECONDS,
    show: Callable[[], object] = lambda: "",
) -> float:
    """Return the seconds until ``effect()`` was true, asked ``every`` so many.

    Raises ``TimeoutError`` after ``within``, with what ``show()`` returns then.
    """
    started = time.monotonic()
    while not effect():
        if time.monotonic() - started > within:
            raise TimeoutError(f"not within {within} s {show()}")
        await asyncio.sleep(every)
    return time.monotonic() - started


@asynccontextmanager
async def during(fault: AbstractContextManager[None]) -> AsyncIterator[None]:
    """Make a fault of ``tests.support.cluster`` while the clients of this event loop go on."""
    await asyncio.to_thread(fault.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(fault.__exit__, None, None, None)
