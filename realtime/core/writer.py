"""The writer: one thread a process that changes the state, by group commit.

Commands that arrive while a transaction is running form the next batch: one transaction, one lock per stream.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings

from realtime.core import metrics
from realtime.core.batches import Batches, I, Many, R
from realtime.core.database import close_connections, guarded
from realtime.protocol.errors import HoldfastError, Unavailable, failed

log = logging.getLogger("holdfast.writer")

P = ParamSpec("P")
T = TypeVar("T")


class Writer:
    """Orders the changes of one process. Use it from the event loop only."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._batches = Batches(
            self._commit,
            size=settings.HOLDFAST_WRITER_BATCH,
            waiting=settings.HOLDFAST_WRITER_QUEUE,
        )

    async def batch(self, many: Many[I, R], item: I) -> R:
        """Have ``item`` changed by ``many``, a service, together with all that wait for it, in the order in which they came.

        Raises the item's ``HoldfastError``, or ``Unavailable``.
        """
        return await self._batches.put(many, item)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make one change on the writer's thread. Raises what ``function`` raises, or ``Unavailable``."""
        result: T = await self._batches.put(_each_alone, partial(function, *args, **kwargs))
        return result

    async def idle(self) -> None:
        """Wait until everything accepted so far is committed and answered (used by the drain)."""
        await self._batches.idle()

    def close(self) -> None:
        """End the thread and its connection."""
        close_connections(self._thread, 1)

    async def _commit(self, many: Many[Any, Any], items: list[Any]) -> Sequence[Any]:
        started = time.perf_counter()
        results = await asyncio.get_running_loop().run_in_executor(
            self._thread, _results, many, items
        )
        metrics.batch_size.observe(len(items))
        metrics.commit_seconds.observe(time.perf_counter() - started)
        return results


def _results(many: Many[Any, Any], items: Sequence[Any]) -> Sequence[Any]:
    """Run a batch on the writer's thread; one that fails as a whole is retried item by item, so that a bad item fails alone."""
    try:
        return guarded(many, items)
    except Unavailable as error:
        return [error] * len(items)
    except Exception:
        if len(items) > 1:
            log.warning(
                "batch failed, retrying one by one", exc_info=True, extra={"size": len(items)}
            )
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
