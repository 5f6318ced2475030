"""The threads that read the database: a small pool. The one thread that writes belongs to ``realtime.writer``.

``database_sync_to_async`` gives a whole process one thread, so that one slow query stops every socket; and it opens a connection a call
where none are kept. These threads keep theirs, and close it only after an error.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from realtime.protocol.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

OUTAGES = (OperationalError, InterfaceError)  # the database is away, restarting, locked or out of connections
RETRY_AFTER_SECONDS = 1.0

_readers: ThreadPoolExecutor | None = None


async def read(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run ``function`` on a reading thread. Raises ``Unavailable`` when the database does not answer."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), partial(guarded, function, *args, **kwargs))


def guarded(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run ``function`` on this thread's connection and turn an outage into ``Unavailable``."""
    try:
        return function(*args, **kwargs)
    except OUTAGES as error:
        connections.close_all()  # the next call connects anew
        raise Unavailable("The database does not answer; try again.", retry_after=RETRY_AFTER_SECONDS) from error


def close() -> None:
    """End the reading threads and their connections; the next ``read`` starts new ones."""
    global _readers
    pool, _readers = _readers, None
    if pool is not None:
        close_connections(pool, settings.HOLDFAST_READ_THREADS)


def close_connections(pool: ThreadPoolExecutor, threads: int) -> None:
    """Close the connection of each thread of ``pool``, then end the threads."""
    together = Barrier(threads)  # else one idle thread could take all the calls, and the others would keep their connections

    def close_own() -> None:
        together.wait()
        connections.close_all()

    for _ in range(threads):
        pool.submit(close_own)
    pool.shutdown(wait=True)


def _pool() -> ThreadPoolExecutor:
    global _readers
    if _readers is None:
        _readers = ThreadPoolExecutor(settings.HOLDFAST_READ_THREADS, thread_name_prefix="reader")
    return _readers
