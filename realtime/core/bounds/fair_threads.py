"""Threads for work that needs no database, shared fairly.

Each key (an author, say) has one call at a time, and the keys take turns. So two hundred calls of
one account delay a call of another by those that run, not by those that wait. The calls of a key
keep their order.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, cast

from realtime.core import metrics
from realtime.protocol.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

BUSY_RETRY_SECONDS: Final = 1.0


class FairThreads:
    """At most ``threads`` calls run, and ``waiting`` calls wait. Use it from one event loop."""

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._room = waiting
        self._lines: dict[Hashable, deque[_Call]] = {}
        self._turns: deque[Hashable] = deque()  # keys that have calls waiting and none running

    async def run(
        self, key: Hashable, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the result of ``function``, called on a thread when it is the turn of ``key``.

        Raises what ``function`` raises, or ``Unavailable`` if too many calls wait.
        """
        if self._room <= 0:
            metrics.refusals.labels(self._name).inc()
            raise Unavailable("The server is busy; try again.", retry_after=BUSY_RETRY_SECONDS)
        self._room -= 1
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = deque()
            self._turns.append(key)
        line.append((partial(function, *args, **kwargs), done))
        self._start()
        return await done

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        while self._free and self._turns:
            key = self._turns.popleft()
            call, done = self._lines[key].popleft()
            self._free -= 1
            self._room += 1
            running = loop.run_in_executor(self._pool, call)
            running.add_done_callback(partial(self._finished, key, done))

    def _finished(
        self, key: Hashable, done: "asyncio.Future[Any]", running: "asyncio.Future[Any]"
    ) -> None:
        self._free += 1
        if self._lines[key]:
            self._turns.append(key)
        else:
            del self._lines[key]
        error = running.exception()
        if not done.done():  # else its caller is gone
            if error is not None:
                done.set_exception(cast(Exception, error))
            else:
                done.set_result(running.result())
        self._start()


_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]
