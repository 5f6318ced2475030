"""The threads that read the database: a small pool. The one thread that writes belongs to ``realtime.core.writer``.

``database_sync_to_async`` gives a whole process one thread, so that one slow query stops every socket; and it opens a connection a call
where none are kept. These threads keep theirs until one of them meets an outage. Then each closes its own before it reads again: a server
that was restarted has ended them all, and none shows that before it is used.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, local
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from realtime.core.batches import Batches, I, Many, R
from realtime.protocol.errors import Unavailable, failed

log = logging.getLogger("holdfast.database")

P = ParamSpec("P")
T = TypeVar("T")

# The database is away, restarting, locked or out of connections.
OUTAGES = (OperationalError, InterfaceError)
RETRY_AFTER_SECONDS = 1.0
READ_BATCH = 200  # items of one shared read; beyond that the gain per item is small
# Items that wait for a shared read: a node's share of sockets that come back at once.
MAX_WAITING = 20_000

_readers: ThreadPoolExecutor | None = None
_outages = 0  # that this process has met
# Outages: as many as there were when this thread last had no connection of before.
_of_thread = local()


async def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``function`` on a reading thread. Raises ``Unavailable`` when the database does not answer."""
    return await asyncio.get_running_loop().run_in_executor(
        _pool(), partial(guarded, function, *args, **kwargs)
    )


async def read_together(many: Many[I, R], item: I) -> R:
    """Have ``item`` read by ``many`` together with all that wait for it: a storm of handshakes costs a few queries, not a few each."""
    return await _together().put(many, item)


def guarded(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``function`` on this thread's connection and turn an outage into ``Unavailable``."""
    if getattr(_of_thread, "outages", 0) != _outages:
        _forget()
    try:
        return function(*args, **kwargs)
    except OUTAGES as error:
        after_outage()
        raise Unavailable(
            "The database isn't responding. Try again in a moment.", retry_after=RETRY_AFTER_SECONDS
        ) from error


def after_outage() -> None:
    """Close what was connected before: of this thread and of the pool now, of the other threads before they use it."""
    global _outages
    _outages += 1
    _forget()
    for connection in connections.all(initialized_only=True):
        pool = getattr(connection, "pool", None)
        if pool is not None and not pool.closed:
            pool.check()


def _forget() -> None:
    _of_thread.outages = _outages
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            continue  # whoever began it ends it
        if getattr(connection, "pool", None) is not None and connection.connection is not None:
            with suppress(*OUTAGES):
                connection.connection.close()  # else the pool would give it to the next caller
        connection.close()


def close() -> None:
    """End the reading threads and their connections; the next ``read`` starts new ones."""
    global _readers
    pool, _readers = _readers, None
    if pool is not None:
        close_connections(pool, settings.HOLDFAST_READ_THREADS)


def close_connections(pool: ThreadPoolExecutor, threads: int) -> None:
    """Close the connection of each thread of ``pool``, then end the threads."""
    # Else one idle thread could take all the calls, and the others would keep their connections.
    together = Barrier(threads)

    def close_own() -> None:
        together.wait()
        connections.close_all()

    for _ in range(threads):
        pool.submit(close_own)
    pool.shutdown(wait=True)


_waiting: "WeakKeyDictionary[asyncio.AbstractEventLoop, Batches]" = WeakKeyDictionary()


def _together() -> Batches:
    loop = asyncio.get_running_loop()
    if loop not in _waiting:
        _waiting[loop] = Batches(_read_many, size=READ_BATCH, waiting=MAX_WAITING)
    return _waiting[loop]


async def _read_many(many: Many[Any, Any], items: list[Any]) -> Sequence[Any]:
    try:
        return await read(many, items)
    except Unavailable as error:
        return [error] * len(items)
    except Exception:
        log.exception("read failed")
        return [failed()] * len(items)


def _pool() -> ThreadPoolExecutor:
    global _readers
    if _readers is None:
        _readers = ThreadPoolExecutor(settings.HOLDFAST_READ_THREADS, thread_name_prefix="reader")
    return _readers
