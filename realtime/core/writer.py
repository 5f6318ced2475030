"""The writer: the one thread of a process that changes the state, by group commit.

Commands that arrive while a transaction is running form the next batch: one transaction, one lock
for each stream.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings

from realtime.core import metrics, request_ids, tracing
from realtime.core.batcher import Batcher, I, Many, R
from realtime.core.database import close_connections, guarded
from realtime.core.per_process import PerLoop
from realtime.protocol.errors import HoldfastError, Unavailable, failed

log = logging.getLogger("holdfast.writer")

P = ParamSpec("P")
T = TypeVar("T")


class Writer:
    """Orders the changes of one process. Use it from the event loop only."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._batcher = Batcher(
            self._commit,
            size=settings.HOLDFAST_WRITER_BATCH,
            waiting=settings.HOLDFAST_WRITER_QUEUE,
        )

    async def batch(self, many: Many[I, R], item: I) -> R:
        """Return the result of ``item``, changed by the service ``many`` in a batch.

        A batch holds all items that wait for the same service, in the order in which they came.
        Raises the item's ``HoldfastError``, or ``Unavailable``.
        """
        return await self._batcher.put(many, item)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make one change on the writer's thread, and return the result of ``function``.

        Raises what ``function`` raises, or ``Unavailable``.
        """
        result: T = await self._batcher.put(_each_alone, partial(function, *args, **kwargs))
        return result

    async def idle(self) -> None:
        """Wait until everything accepted so far is committed and answered; the drain does this."""
        await self._batcher.idle()

    def close(self) -> None:
        """Stop the thread and close its connection."""
        close_connections(self._thread, 1)

    async def _commit(self, many: Many[Any, Any], items: list[Any]) -> Sequence[Any]:
        started = time.perf_counter()
        with tracing.span("batch"):
            results = await asyncio.get_running_loop().run_in_executor(
                self._thread, request_ids.in_context(_results, many, items)
            )
        metrics.batch_size.observe(len(items))
        metrics.commit_seconds.observe(time.perf_counter() - started)
        return results


def _results(many: Many[Any, Any], items: Sequence[Any]) -> Sequence[Any]:
    """Run a batch on the writer's thread.

    A batch that fails as a whole is retried item by item, so that a bad item fails alone.
    """
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
    """Make changes that open a transaction each."""
    return [_outcome(change) for change in changes]


def _outcome(change: Callable[[], Any]) -> Any:
    try:
        return guarded(change)
    except HoldfastError as error:
        return error
    except Exception:
        log.exception("change failed")
        return failed()


_writers: Final = PerLoop(Writer)


def writer() -> Writer:
    """Return the writer of this process."""
    return _writers.get()


def close_all() -> None:
    """Stop the threads of all writers. For tests, which run many event loops in one process."""
    for found in _writers.clear():
        found.close()
