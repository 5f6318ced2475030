"""Group commit: items that arrive while a call is running form the next call.

There is no timer. An idle batcher starts at once; a busy one takes what has gathered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from realtime.core.monitoring import request_ids
from realtime.protocol.errors import HoldfastError, Unavailable

R = TypeVar("R")
I = TypeVar("I")  # noqa: E741

Many = Callable[[Sequence[I]], Sequence[R | HoldfastError]]
"""A function of many items that returns, in their order, the result or the error of each."""

Call = Callable[[Many[Any, Any], list[Any]], Awaitable[Sequence[Any]]]

BUSY_RETRY_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Job:
    many: Many[Any, Any]
    item: Any
    done: asyncio.Future[Any]
    ids: request_ids.Ids


class Batcher:
    """Collects items and processes them together, one call after the other, on one event loop.

    ``call`` runs a function with its items on a thread and raises nothing. At most ``size`` items
    go into a call; at most ``waiting`` items wait.
    """

    def __init__(self, call: Call, *, size: int, waiting: int) -> None:
        self._call = call
        self._size = size
        self._limit = waiting
        self._waiting: list[_Job] = []
        self._running: asyncio.Task[None] | None = None

    async def put(self, many: Many[I, R], item: I) -> R:
        """Return the result of ``item``, processed with all items that wait for the same function.

        Items of one function keep their order. Raises the item's ``HoldfastError``, or
        ``Unavailable`` if too many items wait.
        """
        if len(self._waiting) >= self._limit:
            raise Unavailable("The server is busy; try again.", retry_after=BUSY_RETRY_SECONDS)
        future = asyncio.get_running_loop().create_future()
        job = _Job(many, item, future, request_ids.current())
        self._waiting.append(job)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        result: R = await job.done
        return result

    async def idle(self) -> None:
        """Wait until everything accepted so far is done and answered."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
                for many, jobs in _by_function(taken).items():
                    # This task began with the first of all jobs; a call works for those it takes.
                    request_ids.serve(tuple(each for job in jobs for each in job.ids))
                    _answer(jobs, await self._call(many, [job.item for job in jobs]))
        finally:
            self._running = None


def _by_function(jobs: Sequence[_Job]) -> dict[Many[Any, Any], list[_Job]]:
    groups: dict[Many[Any, Any], list[_Job]] = {}
    for job in jobs:
        groups.setdefault(job.many, []).append(job)
    return groups


def _answer(jobs: Sequence[_Job], results: Sequence[Any]) -> None:
    for job, result in zip(jobs, results, strict=True):
        if job.done.cancelled():
            continue  # the socket is gone, but the item has been processed
        if isinstance(result, Exception):
            job.done.set_exception(result)
        else:
            job.done.set_result(result)
