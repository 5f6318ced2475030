"""The writer: one thread a process that changes the state, by group commit.

Commands that arrive while a transaction is running form the next batch: one transaction, one lock per stream. No timer: an idle writer
starts at once, a busy one takes what has gathered.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings

from realtime import metrics
from realtime.database import RETRY_AFTER_SECONDS, close_connections, guarded
from realtime.protocol.errors import HoldfastError, Unavailable, failed

log = logging.getLogger("holdfast.writer")

P = ParamSpec("P")
R = TypeVar("R")
I = TypeVar("I")  # noqa: E741

Many = Callable[[Sequence[I]], Sequence[R | HoldfastError]]
"""A service that changes many things in one transaction and answers for each: its result or its error."""


@dataclass(slots=True, eq=False)
class _Job:
    many: Many[Any, Any]
    item: Any
    done: asyncio.Future[Any]


class Writer:
    """Orders the changes of one process. Use it from the event loop only."""

    def __init__(self) -> None:
        self._waiting: list[_Job] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")

    async def batch(self, many: Many[I, R], item: I) -> R:
        """Have ``item`` changed by ``many`` together with all that wait for the same ``many``.

        Items of one ``many`` keep the order in which they came. Raises the item's ``HoldfastError``, or ``Unavailable``.
        """
        if len(self._waiting) >= settings.HOLDFAST_WRITER_QUEUE:
            raise Unavailable("The server is busy; try again.", retry_after=RETRY_AFTER_SECONDS)
        job = _Job(many, item, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        result: R = await job.done
        return result

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Make one change on the writer's thread. Raises what ``function`` raises, or ``Unavailable``."""
        return await self.batch(_each_alone, partial(function, *args, **kwargs))

    async def idle(self) -> None:
        """Wait until everything accepted so far is committed and answered (used by the drain)."""
        while self._running is not None:
            await asyncio.wait([self._running])

    def close(self) -> None:
        """End the thread and its connection."""
        close_connections(self._thread, 1)

    async def _run(self) -> None:
        try:
            while self._waiting:
                limit = settings.HOLDFAST_WRITER_BATCH
                taken, self._waiting = self._waiting[:limit], self._waiting[limit:]
                for many, jobs in _by_service(taken).items():
                    await self._commit(many, jobs)
        finally:
            self._running = None

    async def _commit(self, many: Many[Any, Any], jobs: list[_Job]) -> None:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        results = await loop.run_in_executor(self._thread, _results, many, [job.item for job in jobs])
        metrics.batch_size.observe(len(jobs))
        metrics.commit_seconds.observe(time.perf_counter() - started)
        for job, result in zip(jobs, results, strict=True):
            if job.done.cancelled():
                continue  # the socket went away meanwhile; what it asked for is done
            if isinstance(result, Exception):
                job.done.set_exception(result)
            else:
                job.done.set_result(result)


def _by_service(jobs: Sequence[_Job]) -> dict[Many[Any, Any], list[_Job]]:
    groups: dict[Many[Any, Any], list[_Job]] = {}
    for job in jobs:
        groups.setdefault(job.many, []).append(job)
    return groups


def _results(many: Many[Any, Any], items: Sequence[Any]) -> Sequence[Any]:
    """Run a batch on the writer's thread; one that fails as a whole is retried item by item, so that a bad item fails alone."""
    try:
        return guarded(many, items)
    except Unavailable as error:
        return [error] * len(items)
    except Exception:
        if len(items) > 1:
            log.warning("batch failed, retrying one by one", exc_info=True, extra={"size": len(items)})
            return [result for item in items for result in _results(many, [item])]
        log.exception("change failed")
        return [failed()]


def _each_alone(changes: Sequence[Callable[[], Any]]) -> list[Any]:
    """Carry out changes that are transactions of their own."""
    return [_outcome(change) for change in changes]


def _outcome(change: Callable[[], Any]) -> Any:
    try:
        return guarded(change)
    except HoldfastError as error:
        return error
    except Exception:
        log.exception("change failed")
        return failed()


_writers: "WeakKeyDictionary[asyncio.AbstractEventLoop, Writer]" = WeakKeyDictionary()


def writer() -> Writer:
    """Return the writer of the running event loop (a process has one)."""
    loop = asyncio.get_running_loop()
    if loop not in _writers:
        _writers[loop] = Writer()
    return _writers[loop]


def close_all() -> None:
    """End every writer's thread (tests run many loops in one process)."""
    for found in list(_writers.values()):
        found.close()
    _writers.clear()
