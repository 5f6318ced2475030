"""The table of faults, and what they share.

A fault is an async context manager: it happens at the beginning, lasts, and is repaired at the end.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.chaos.crowd import Crowd
from tests.chaos.guests import PATIENCE_SECONDS
from tests.chaos.history import Fault
from tests.chaos.stage import PING_AFTER_SECONDS

# HOLDFAST_HEAD_CHECK_SECONDS, and the moment that a change is given to arrive by itself.
HEAD_CHECK_SECONDS = 3.5
RETURN_SECONDS = 2.0  # jitter, a handshake, a page
# Until a client believes that its connection is dead.
SILENCE_SECONDS = PING_AFTER_SECONDS + PATIENCE_SECONDS
BEGIN_SECONDS = 10.0  # for what a fault has to do first
NONE: Collection[int] = frozenset()
# Subjects that one node, client or network has for itself: they go together with everything.
APART = {"node", "web", "clock", "nginx", "back", "broker", "redis"}

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
    broker: str = ""  # it needs plain Redis, or SENTINELS
    large: bool = False  # it needs a standby, a small disk or a name server
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
    if "history" in subjects:
        # The old primary may take with it a message that the other fault waits for.
        return bool(subjects & APART)
    return one is not other and (subjects == {"node"} or len(subjects) == 2)


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


@asynccontextmanager
async def all_of(faults: Iterable[AbstractAsyncContextManager[None]]) -> AsyncIterator[None]:
    """Do the same to several networks."""
    async with AsyncExitStack() as stack:
        for each in faults:
            await stack.enter_async_context(each)
        yield
