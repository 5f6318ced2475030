"""The writer: the thread of a process that changes the state, by group commit.

Commands that arrive while a transaction is running form the next batch: one transaction, one lock
for each stream. Commands that meet a lock wait in the side lane, on a thread of its own.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings

from realtime.core import metrics
from realtime.core.database import close_connections
from realtime.core.lanes.batcher import Batcher, I, Many, R
from realtime.core.lanes.settling import STUCK, Placed, each_alone, settle
from realtime.core.lanes.side_lane import SideLane
from realtime.core.limits import Limits
from realtime.core.monitoring import request_ids, tracing
from realtime.core.outages import health
from realtime.core.per_process import PerLoop

P = ParamSpec("P")
T = TypeVar("T")

# The main lane's patience. Three nodes that fill one room hold its lock for some 100 ms each; a
# statement that takes half a second has met something that no command should wait for.
MAIN: Final = Limits(statement=0.5, lock=0.3)


class Writer:
    """Orders the changes of one process. Use it from the event loop only."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._side = SideLane()
        self._batcher = Batcher(
            self._commit,
            size=settings.HOLDFAST_WRITER_BATCH,
            waiting=settings.HOLDFAST_WRITER_QUEUE,
        )
        self._numbers = itertools.count()
        self._arrived: dict[int, float] = {}  # when each command came that is not answered yet
        metrics.writer_waiting.set_function(lambda: len(self._arrived))
        metrics.writer_oldest_seconds.set_function(lambda: self.oldest_seconds)

    @property
    def oldest_seconds(self) -> float:
        """The age of the oldest command that waits or runs; 0 without any."""
        first = next(iter(self._arrived.values()), None)
        return 0.0 if first is None else time.monotonic() - first

    async def batch(
        self, many: Many[I, R], item: I, *, place: Hashable = "", author: Hashable = ""
    ) -> R:
        """Return the result of ``item``, changed by the service ``many`` in a batch.

        A batch holds all items that wait for the same service, in the order in which they came.
        Items of one ``place`` need the same locks; if these are not free, they wait together, and
        those of one ``author`` in it keep their order.

        Raises the item's ``HoldfastError``, or ``Unavailable``.
        """
        result: R = await self._put(
            many, Placed(item, (many, place), author, request_ids.current())
        )
        return result

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make one change on the writer's thread, and return the result of ``function``.

        Raises what ``function`` raises, or ``Unavailable``.
        """
        change = Placed(partial(function, *args, **kwargs), function, "", request_ids.current())
        result: T = await self._put(each_alone, change)
        return result

    async def idle(self) -> None:
        """Wait until everything accepted so far is committed and answered; the drain does this."""
        await self._batcher.idle()
        await self._side.idle()

    def close(self) -> None:
        """Stop the threads and close their connections."""
        close_connections(self._thread, 1)
        self._side.close()

    async def _put(self, many: Many[Any, Any], placed: Placed) -> Any:
        number = next(self._numbers)
        self._arrived[number] = time.monotonic()
        try:
            result = await self._batcher.put(many, placed)
            return await result if isinstance(result, asyncio.Future) else result
        finally:
            del self._arrived[number]

    async def _commit(self, many: Many[Any, Any], placed: list[Any]) -> Sequence[Any]:
        """Commit a batch. Items that are stuck, or wait behind stuck ones, go to the side lane.

        They go there in this step and in order, before another command can pass them.
        """
        held = [self._side.holds(each.place) for each in placed]
        ready = [each for each, waits in zip(placed, held, strict=True) if not waits]
        settled = iter(await self._settle(many, ready) if ready else ())
        results = [STUCK if waits else next(settled) for waits in held]
        return [
            self._side.add(many, each) if result is STUCK else result
            for each, result in zip(placed, results, strict=True)
        ]

    async def _settle(self, many: Many[Any, Any], placed: list[Placed]) -> Sequence[Any]:
        started = time.perf_counter()
        with tracing.span("batch"):
            results = await asyncio.get_running_loop().run_in_executor(
                self._thread, request_ids.in_context(settle, many, placed, MAIN)
            )
        if any(result is not STUCK and not isinstance(result, Exception) for result in results):
            health.wrote()
        metrics.batch_size.observe(len(placed))
        metrics.commit_seconds.observe(time.perf_counter() - started)
        return results


_writers: Final = PerLoop(Writer)


def writer() -> Writer:
    """Return the writer of this process."""
    return _writers.get()


def close_all() -> None:
    """Stop the threads of all writers. For tests, which run many event loops in one process."""
    for found in _writers.clear():
        found.close()
