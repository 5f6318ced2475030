"""The threads that read the database, quick and slow. ``realtime.core.writer`` owns the one writer.

``database_sync_to_async`` gives a whole process one thread, so one slow query stops every socket;
and it opens a connection for each call if none is kept. These threads keep their connections until
one of them meets an outage. After that each closes its own before it reads again: a database server
that was restarted has ended them all, which shows only when they are used.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, local
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

from realtime.core import metrics, outages
from realtime.core.lanes.batcher import Batcher, I, Many, R
from realtime.core.limits import limited
from realtime.core.monitoring import request_ids
from realtime.core.per_process import PerLoop
from realtime.core.slow_reads import QUICK, ReadPlace, TooSlow, place, slow_places
from realtime.protocol.errors import Unavailable, failed

log = logging.getLogger("holdfast.database")

P = ParamSpec("P")
T = TypeVar("T")

# All errors of the database; `outages.is_outage` tells which of them are its own fault.
ERRORS = (DatabaseError, InterfaceError)
RETRY_AFTER_SECONDS = 1.0
# Threads for reads that are not quick; each holds at most one connection, as the others do.
SLOW_READ_THREADS: Final = 2
SLOW_WAIT_SECONDS: Final = 5.0  # for a slow thread, beyond the time of one statement
READ_BATCH = 200  # items of one shared read; beyond that the gain per item is small
# Items that wait for a shared read: a node's share of the sockets that reconnect at once.
MAX_WAITING = 20_000


class Blocked(Unavailable):
    """A lock was not free in time, or a statement took too long. Nothing was changed."""


class StaleConnections:
    """Counts the outages that this process has met, and closes connections from before them."""

    def __init__(self) -> None:
        self._met = 0
        self._of_thread = local()  # the count when the thread last closed its connections

    def add(self) -> None:
        """Close the connections of this thread and of the pool now, those of others before use."""
        self._met += 1
        self._close_own()
        for connection in connections.all(initialized_only=True):
            pool = getattr(connection, "pool", None)
            if pool is not None and not pool.closed:
                # `check` would wait on each connection for a server that may not answer.
                pool.drain()

    def close_outdated(self) -> None:
        """Close the connections of this thread if they are from before an outage."""
        if getattr(self._of_thread, "met", 0) != self._met:
            self._close_own()

    def _close_own(self) -> None:
        self._of_thread.met = self._met
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block:
                continue  # the code that began the transaction ends it
            if getattr(connection, "pool", None) is not None and connection.connection is not None:
                with suppress(*ERRORS):
                    connection.connection.close()  # or the pool would give it to the next caller
            connection.close()


class Readers:
    """Reading threads, started on first use."""

    def __init__(self, name: str, threads: Callable[[], int]) -> None:
        self._name = name
        self._threads = threads
        self._started: tuple[ThreadPoolExecutor, int] | None = None

    @property
    def pool(self) -> ThreadPoolExecutor:
        """The threads."""
        if self._started is None:
            threads = self._threads()
            pool = ThreadPoolExecutor(threads, thread_name_prefix=self._name)
            self._started = pool, threads
        return self._started[0]

    def close(self) -> None:
        """Stop the threads and close their connections."""
        started, self._started = self._started, None
        if started is not None:
            close_connections(*started)


_stale: Final = StaleConnections()
_quick: Final = Readers("reader", lambda: settings.HOLDFAST_READ_THREADS)
_slow: Final = Readers("slow-reader", lambda: SLOW_READ_THREADS)


async def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``function`` on a reading thread; on a slow one if it takes long, from its beginning.

    Raises ``Unavailable`` when the database does not answer.
    """
    call, subject = partial(function, *args, **kwargs), place(function, args)
    if not slow_places.holds(subject):
        with suppress(TooSlow):
            return await _on(_quick, partial(_quickly, subject, call))
    try:
        # A read that has begun ends by the limits of its statements; one that waits ends here.
        async with asyncio.timeout(settings.HOLDFAST_STATEMENT_SECONDS + SLOW_WAIT_SECONDS):
            return await _on(_slow, partial(guarded, call))
    except TimeoutError as error:
        raise Unavailable(
            "The database isn't responding. Try again in a moment.", retry_after=RETRY_AFTER_SECONDS
        ) from error


async def _on(readers: Readers, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(
        readers.pool, request_ids.in_context(call)
    )


def _quickly(subject: ReadPlace, call: Callable[[], T]) -> T:
    """Run ``call`` as ``guarded`` does, but with little patience. Raises ``TooSlow``."""
    if slow_places.holds(subject):  # since this call was queued
        raise TooSlow

    def attempt() -> T:
        try:
            return call()
        except ERRORS as error:
            if not outages.is_blocked(error):
                raise
            # Not counted as an error: a slow thread finds out whether it is one.
            slow_places.note(subject)
            raise TooSlow from error

    with limited(QUICK):
        return guarded(attempt)


async def read_together(many: Many[I, R], item: I) -> R:
    """Read ``item`` by ``many``, together with all items that wait for the same function.

    So a storm of handshakes costs a few queries, not a few for each handshake.
    """
    return await _shared_reads.get().put(many, item)


def guarded(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``function`` on this thread's connection and turn an outage into ``Unavailable``.

    Raises ``Blocked`` for a lock that was not free in time, or a statement that took too long.
    """
    _stale.close_outdated()
    try:
        result = function(*args, **kwargs)
    except ERRORS as error:
        raise unavailable(error) from error
    outages.health.answered()
    return result


def unavailable(error: Exception) -> Unavailable:
    """Note an outage, and return its answer. Raises the error again if it is none."""
    if not outages.is_outage(error):
        raise error
    outages.note(error)
    if outages.is_blocked(error):
        return Blocked("The server is busy; try again.", retry_after=RETRY_AFTER_SECONDS)
    if outages.is_stale(error):
        _stale.add()
    return Unavailable(
        "The database isn't responding. Try again in a moment.", retry_after=RETRY_AFTER_SECONDS
    )


def note_failed_request(**_: object) -> None:
    """Note an outage that ended in Django's error page; connected to ``got_request_exception``."""
    error = sys.exc_info()[1]
    if isinstance(error, ERRORS) and outages.is_outage(error):
        unavailable(error)


def release() -> None:
    """Give this thread's connection back to the pool. The next query takes one again.

    SQLite has no pool, and every thread a connection of its own.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def cut() -> None:
    """End every wait for the database in this process, from any thread. Only before its exit."""
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        from realtime.core.postgresql import cut_all

        cut_all()


def reconnect() -> None:
    """Open new connections from now on, because the server was replaced."""
    _stale.add()


def close() -> None:
    """Stop the reading threads and close their connections; the next ``read`` starts new ones."""
    for readers in (_quick, _slow):
        readers.close()


def close_connections(pool: ThreadPoolExecutor, threads: int) -> None:
    """Close the connection of each thread of ``pool``, then stop the threads."""
    # The barrier makes each thread take one call. Without it, one idle thread could take them all,
    # and the others would keep their connections.
    together = Barrier(threads)

    def close_own() -> None:
        together.wait()
        connections.close_all()

    for _ in range(threads):
        pool.submit(close_own)
    pool.shutdown(wait=True)


async def _read_many(many: Many[Any, Any], items: list[Any]) -> Sequence[Any]:
    try:
        return await read(many, items)
    except Unavailable as error:
        return [error] * len(items)
    except Exception:
        log.exception("read failed")
        return [failed()] * len(items)


_shared_reads: Final = PerLoop(lambda: Batcher(_read_many, size=READ_BATCH, waiting=MAX_WAITING))


def _pooled(state: str) -> int:
    """Return how many connections of this process are idle or used, or how many are waited for."""
    pool = getattr(connections[DEFAULT_DB_ALIAS], "pool", None)
    if pool is None:
        return 0
    stats = pool.get_stats()
    if state == "waiting":
        return int(stats.get("requests_waiting", 0))
    idle: int = stats["pool_available"]
    return idle if state == "idle" else stats["pool_size"] - idle


for _state in ("idle", "used", "waiting"):
    metrics.database_pool_connections.labels(_state).set_function(partial(_pooled, _state))
