"""A followed stream: the pure ``Tail`` with its subscribers, its flushes and its repairs, on the event loop."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

from django.conf import settings

from realtime.core import database, metrics, reads
from realtime.engine.outbound import Prepared
from realtime.protocol import frames
from realtime.protocol.errors import Reset, Unavailable
from realtime.protocol.flush import FlushPolicy
from realtime.protocol.page import Event, Page
from realtime.protocol.tail import Flush, Ingested, Tail

if TYPE_CHECKING:
    from realtime.engine.socket import Socket

log = logging.getLogger("holdfast.tails")

_END: Final = object()

REORDER_SECONDS = 0.05  # publications of two nodes may cross; longer than that is a loss
SLICE_SOCKETS = 500  # written in one go: about 5 ms, which everybody else on this node waits
# A longer hole is not pushed: everybody becomes behind and pulls at their own pace.
MAX_REPAIRED_EVENTS = 1000


class SharedReads:
    """Pages from the database, where concurrent identical reads are one."""

    def __init__(self) -> None:
        self._reading: dict[tuple[str, int], asyncio.Task[Page]] = {}

    async def page(self, name: str, after: int) -> Page:
        """Return the page after ``after``. Raises ``Reset`` or ``Unavailable``."""
        key = name, after
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(database.read(reads.page, name, after))
            task.add_done_callback(lambda _: self._reading.pop(key))
            metrics.resumes.of("database").inc()
        # One of those who wait may be cancelled, the others still want it.
        return await asyncio.shield(task)


class LiveTail:
    """One stream that this process follows."""

    def __init__(
        self,
        name: str,
        position: int,
        *,
        shared_reads: SharedReads,
        ended: "Callable[[LiveTail, Event], None]",
        jumped: "Callable[[LiveTail], None]",
    ) -> None:
        self.name = name
        self.tail = Tail(
            position,
            max_events=settings.HOLDFAST_TAIL_EVENTS,
            max_bytes=settings.HOLDFAST_TAIL_BYTES,
        )
        self.subscribers: set[Socket] = set()
        self.level: set[Socket] = set()  # those that flushes are written to
        # Of them, who became level since the last flush, and at which position.
        self.fresh: dict[Socket, int] = {}
        self.pins = 0  # sockets that watch without subscribing, answers under way, long polls
        self.idle_since = time.monotonic()
        self._shared_reads = shared_reads
        self._ended = ended
        self._jumped = jumped
        self._policy = FlushPolicy()
        self._flush_due: asyncio.Handle | None = None
        self._repairing: asyncio.Task[None] | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._oldest_commit: float | None = None  # of what the next flush carries

    @property
    def position(self) -> int:
        """The seq up to which this process has everything."""
        return self.tail.position

    @property
    def used(self) -> bool:
        """Whether somebody needs this tail."""
        return bool(self.subscribers or self.pins or self._waiters)

    def ingest(self, events: Iterable[Event], committed_at: float) -> None:
        """Take in what was committed at ``committed_at`` (wall clock), here or on another node."""
        before = self.tail.position
        for event in events:
            if self.tail.ingest(event) is not Ingested.OLD and event.end is not None:
                self._ended(self, event)
        if self.tail.position != before:
            self._oldest_commit = self._oldest_commit or committed_at
            self._schedule_flush()
        self._mind_gap()

    def absorb(self, page: Page) -> Page | None:
        """Learn from a page that was read for somebody, and make it fit to be sent in this very step.

        None: too much has happened since it was read; it has to be read again.
        """
        if page.start <= self.tail.position:
            self._repaired(page)
        answer = self.tail.answer(page)
        self._mind_gap()
        return answer

    def repair(self) -> None:
        """Read from the database what was not heard; once, for all subscribers."""
        if self._repairing is None:
            self._repairing = asyncio.create_task(self._repair())

    async def beyond(self, position: int, timeout: float, given_up: Callable[[], bool]) -> bool:
        """Wait until the tail has been flushed beyond ``position``; False when ``timeout`` seconds were over or ``given_up`` first."""
        deadline = time.monotonic() + timeout
        while self.tail.position <= position:
            if given_up():
                return False
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait_for(waiter, max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return False
            finally:
                self._waiters.discard(waiter)
        return True

    def wake(self) -> None:
        """Let everybody who waits in ``beyond`` look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def close(self) -> None:
        """Stop working; the hub has forgotten this tail."""
        if self._flush_due is not None:
            self._flush_due.cancel()
        if self._repairing is not None:
            self._repairing.cancel()

    def _mind_gap(self) -> None:
        if self.tail.has_gap and self._repairing is None:
            asyncio.get_running_loop().call_later(REORDER_SECONDS, self._repair_gap)

    def _repair_gap(self) -> None:
        if self.tail.has_gap:
            self.repair()

    def _repaired(self, page: Page) -> None:
        new = self.tail.repair(page)
        metrics.events_repaired.inc(len(new))
        for event in new:
            if event.end is not None:
                self._ended(self, event)
        self._schedule_flush()

    async def _repair(self) -> None:
        metrics.repairs.inc()
        try:
            while True:
                page = await self._shared_reads.page(self.name, self.tail.position)
                if page.head - self.tail.position > MAX_REPAIRED_EVENTS:
                    self._jump(page.head)
                    return
                self._repaired(page)
                if page.to >= page.head:
                    return
        except Reset as reset:  # the floor moved past us, or the database was restored
            self._jump((reset.data or {})["head"])
        except Unavailable:
            log.info("repair waits for the database", extra={"stream": self.name})
        finally:
            self._repairing = None
        self._mind_gap()

    def _jump(self, head: int) -> None:
        self.tail.jump(head)
        self._jumped(self)
        self._schedule_flush()

    def _schedule_flush(self) -> None:
        if self._flush_due is None:
            loop = asyncio.get_running_loop()
            delay = self._policy.delay(loop.time())
            self._flush_due = (
                loop.call_later(delay, self._flush) if delay > 0 else loop.call_soon(self._flush)
            )

    def _flush(self) -> None:
        """Take out what has gathered and write it, a slice of the room at a time; what comes meanwhile is the next flush."""
        flushes = list(iter(self.tail.take_flush, None))
        self._write_slice(
            chain.from_iterable(map(self._slices, flushes)),
            flushes[-1].to if flushes else self.position,
            0.0,
        )

    def _write_slice(self, slices: Iterator[None], to: int, busy: float) -> None:
        """Write the next slice and give way, so that a room of thousands holds nobody up; ``busy``: seconds of writing so far."""
        self._flush_due = None
        loop = asyncio.get_running_loop()
        started = loop.time()
        more = next(slices, _END) is not _END
        busy += loop.time() - started
        if more:
            self._flush_due = loop.call_soon(self._write_slice, slices, to, busy)
            return
        self._policy.flushed(loop.time() - busy, loop.time())
        self.fresh = {socket: position for socket, position in self.fresh.items() if position > to}
        if self.tail.position > to:
            self._schedule_flush()
        if self._oldest_commit is not None:
            metrics.delivery_lag_seconds.observe(max(0.0, time.time() - self._oldest_commit))
            self._oldest_commit = None
        self.wake()

    def _slices(self, flush: Flush) -> Iterator[None]:
        """Write a flush to those who are level when it begins, and still when their turn comes; yields after each slice but the last."""
        metrics.events_delivered.inc(len(flush.events) * len(self.level))
        metrics.flush_events.observe(len(flush.events))
        message = Prepared(self._encoded(flush)) if self.level and not flush.overflow else None
        for place, socket in enumerate(tuple(self.level), 1):
            if socket in self.level:
                self._send(socket, flush, message)
            if place % SLICE_SOCKETS == 0:
                yield
                flush, message = self._refreshed(flush, message)

    def _refreshed(self, flush: Flush, message: Prepared | None) -> tuple[Flush, Prepared | None]:
        """Look at a flush again before the next slice: what was deleted while others had their turn goes to nobody more."""
        current = self.tail.current(flush) if message is not None else None
        if current is None:
            return flush, None
        return current, message if current is flush else Prepared(self._encoded(current))

    def _send(self, socket: "Socket", flush: Flush, message: Prepared | None) -> None:
        position = self.fresh.get(socket, 0)
        if message is None:
            socket.fall(self)
        elif position <= flush.start:
            socket.push(self, message)
        elif position < flush.to:
            socket.push(self, Prepared(self._encoded(_after(flush, position))))

    def _encoded(self, flush: Flush) -> bytes:
        if flush.contiguous:
            return frames.joined([frames.event(self.name, event) for event in flush.events])
        return frames.page(self.name, Page(flush.start, flush.to, flush.to, flush.events))


def _after(flush: Flush, position: int) -> Flush:
    """Return the part of a flush that somebody who became level at ``position`` has not been answered with."""
    return flush._replace(
        start=position, events=tuple(event for event in flush.events if event.seq > position)
    )
