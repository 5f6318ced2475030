"""The writer's side lane: commands that met a lock, on a thread and a connection of their own.

Each waits here until its lock is free or its time is over, so the main lane never waits for it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from realtime.core.database import close_connections
from realtime.core.lanes.batcher import BUSY_RETRY_SECONDS, Many
from realtime.core.lanes.settling import STUCK, Placed, each_alone, settle
from realtime.core.limits import Limits
from realtime.core.monitoring import request_ids
from realtime.core.outages import health
from realtime.protocol.errors import Unavailable

MAX_WAITING: Final = 2000  # commands; some seconds of the posts of a few busy rooms
# Waits for locks are short here too: an attempt holds the locks that it has while it waits for the
# next one, and the main lane may need them. So it is shorter than the main lane's patience.
STATEMENT_SECONDS: Final = 0.5
TOGETHER: Final = Limits(STATEMENT_SECONDS, lock=0.2, aside=True)
# Of groups that are slow and not locked, tried together: as many times as long as one of them took
# alone. Other nodes hold the locks as long, so waits for these are longer too.
TOGETHER_FACTOR: Final = 2.0
SLOW_LOCK_SECONDS: Final = 1.0
# Between two rounds, in which others may take the locks.
PAUSE_SECONDS: Final = 0.05
LOOK_SECONDS: Final = 0.25  # between two looks for commands whose time is over


@dataclass(slots=True)
class WaitingCommand:
    """One command in the side lane."""

    placed: Placed
    done: asyncio.Future[Any]
    since: float


@dataclass(slots=True, eq=False)
class Group:
    """Commands of one place and author for one service, in their order."""

    many: Many[Any, Any]
    waiting: list[WaitingCommand] = field(default_factory=list)
    tried_at: float | None = None  # alone, without success; None: it is tried with others
    running: bool = False


class SideLane:
    """Retries commands until they succeed, or ``HOLDFAST_LOCK_SECONDS`` are over."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="side-lane")
        self._groups: dict[Hashable, Group] = {}
        self._places: Counter[Hashable] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._clock: asyncio.TimerHandle | None = None
        # Seconds that a group took which succeeded alone and was slow; None: none did, or groups
        # take longer the more there are.
        self._slow: float | None = None
        self._more_is_slower = False

    def holds(self, place: Hashable) -> bool:
        """Whether commands of ``place`` wait here. Later ones have to wait behind them."""
        return place in self._places

    def add(self, many: Many[Any, Any], placed: Placed) -> "asyncio.Future[Any]":
        """Let a command wait; the future gets its result or its error."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        done.add_done_callback(_retrieve)
        if self._places.total() >= MAX_WAITING:
            done.set_exception(_busy())
            return done
        # Changes that run alone have no order among them.
        author = done if many is each_alone else placed.author
        group = self._groups.setdefault((many, placed.place, author), Group(many))
        group.waiting.append(WaitingCommand(placed, done, time.monotonic()))
        self._places[placed.place] += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())
            self._clock = loop.call_later(LOOK_SECONDS, self._refuse_overdue)
        return done

    async def idle(self) -> None:
        """Wait until nothing waits here."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def close(self) -> None:
        """Stop the thread and close its connection."""
        close_connections(self._thread, 1)

    async def _run(self) -> None:
        """Try again and again, in rounds.

        1. All groups that have not failed alone, together: those that are free are done at once.
        2. One group that has failed, alone: the one that has waited longest for its turn. If it
           succeeds, the others may have met the same lock, and are tried together again. If it was
           slow, as on a slow table or disk, they get as much time: alone, each would take as long,
           and more would come than go.
        """
        self._slow, self._more_is_slower = None, False
        try:
            while self._groups:
                await self._try_together()
                failed = [each for each in self._groups.values() if each.tried_at is not None]
                if failed:
                    await self._try_alone(min(failed, key=lambda each: each.tried_at or 0))
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._task = None
            if self._clock is not None:
                self._clock.cancel()

    async def _try_together(self) -> None:
        for many in dict.fromkeys(each.many for each in list(self._groups.values())):
            groups = [each for each in self._groups.values() if each.many == many]
            slow = self._slow
            if slow is None or many is each_alone:
                await self._try([each for each in groups if each.tried_at is None], TOGETHER)
                continue
            seconds = min(slow * TOGETHER_FACTOR, settings.HOLDFAST_STATEMENT_SECONDS)
            started = time.monotonic()
            if not await self._try(groups, Limits(seconds, SLOW_LOCK_SECONDS, aside=True)):
                self._slow, self._more_is_slower = None, True
            elif time.monotonic() - started < STATEMENT_SECONDS:
                self._slow = None

    async def _try_alone(self, group: Group) -> None:
        seconds: float = settings.HOLDFAST_STATEMENT_SECONDS
        started = time.monotonic()
        if not await self._try([group], Limits(seconds, TOGETHER.lock, aside=True)):
            return
        took = time.monotonic() - started
        if took > STATEMENT_SECONDS and not self._more_is_slower:
            self._slow = took
        for each in self._groups.values():
            each.tried_at = None

    async def _try(self, groups: Sequence[Group], limits: Limits) -> bool:
        """Try the commands of these groups once, and return whether none of them is stuck."""
        taken = [(group, each) for group in groups for each in group.waiting]
        taken = taken[: settings.HOLDFAST_WRITER_BATCH]
        if not taken:
            return True
        many = groups[0].many
        for group in groups:
            group.running = True
        placed = [each.placed for _, each in taken]
        request_ids.serve(tuple(each for one in placed for each in one.ids))
        results = await asyncio.get_running_loop().run_in_executor(
            self._thread, request_ids.in_context(settle, many, placed, limits)
        )
        for group in groups:
            group.running = False
        if any(result is not STUCK and not isinstance(result, Exception) for result in results):
            health.wrote()
        for (group, each), result in zip(taken, results, strict=True):
            if result is STUCK:
                group.tried_at = time.monotonic()
            else:
                group.waiting.remove(each)
                self._answer(each, result)
        self._forget_empty(groups)
        return not any(result is STUCK for result in results)

    def _refuse_overdue(self) -> None:
        """Refuse the groups whose first command has waited too long.

        With it all that came later: they must not be done before the client repeats it. A group
        that runs alone may just be slow, and has a limit of its own.
        """
        before = time.monotonic() - settings.HOLDFAST_LOCK_SECONDS
        overdue = [
            group
            for group in self._groups.values()
            if not group.running and group.waiting and group.waiting[0].since < before
        ]
        for group in overdue:
            waiting, group.waiting = group.waiting, []
            for each in waiting:
                self._answer(each, _busy())
        self._forget_empty(overdue)
        self._clock = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._refuse_overdue)

    def _answer(self, waiting: WaitingCommand, result: Any) -> None:
        place = waiting.placed.place
        self._places[place] -= 1
        if not self._places[place]:
            del self._places[place]
        if waiting.done.cancelled():
            return  # the socket is gone
        if isinstance(result, Exception):
            waiting.done.set_exception(result)
        else:
            waiting.done.set_result(result)

    def _forget_empty(self, groups: Iterable[Group]) -> None:
        empty = {group for group in groups if not group.waiting}
        for key in [key for key, group in self._groups.items() if group in empty]:
            del self._groups[key]


def _busy() -> Unavailable:
    return Unavailable("The server is busy; try again.", retry_after=BUSY_RETRY_SECONDS)


def _retrieve(done: "asyncio.Future[Any]") -> None:
    """Look at the error, because the client may be gone and nobody else will."""
    if not done.cancelled():
        done.exception()
