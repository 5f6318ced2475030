"""A followed stream: the pure ``Tail`` with its subscribers, its flushes and its repairs."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, Protocol

from django.conf import settings

from realtime.auth import Account
from realtime.core import database, metrics, reads
from realtime.core.monitoring import activity
from realtime.engine.outbound import Prepared
from realtime.protocol import frames
from realtime.protocol.errors import Reset, Unavailable
from realtime.protocol.flush import FlushPolicy
from realtime.protocol.page import AccessEnd, Event, Page
from realtime.protocol.tail import Flush, Ingested, Tail

log = logging.getLogger("holdfast.tails")

_END: Final = object()

OnAccessEnd = Callable[["StreamTail", AccessEnd, float | None], None]
"""Called with the stream, the end, and the commit's time (wall clock; None after a repair)."""

# Publications of two nodes may cross; a longer gap means that the broker lost something.
REORDER_SECONDS = 0.05
# Sockets written to without a pause: about 5 ms, during which everything else on this node waits.
SLICE_SOCKETS = 500
# A longer gap is not pushed: every subscriber becomes behind and pulls at its own pace.
MAX_REPAIRED_EVENTS = 1000
# Of the end of a tail, when it is compared with the database. A history is lost from its end.
COMPARED_EVENTS = 150


class Subscriber(Protocol):
    """A socket as a tail needs it."""

    account: Account

    @property
    def slow(self) -> bool: ...
    def send(self, payload: bytes) -> None: ...
    def push(self, tail: "StreamTail", message: Prepared) -> None: ...
    def fall(self, tail: "StreamTail") -> None: ...


class SharedReads:
    """Pages from the database; identical reads that overlap in time are done once."""

    def __init__(self) -> None:
        self._reading: dict[tuple[str, int], asyncio.Task[Page]] = {}

    async def page(self, name: str, after: int) -> Page:
        """Return the page after ``after``. Raises ``Reset`` or ``Unavailable``."""
        key = name, after
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(database.read(reads.page, name, after))
            task.add_done_callback(lambda done: self._end(key, done))
            metrics.resumes.labels("database").inc()
        # One of the callers may be cancelled while the others still need the page.
        return await asyncio.shield(task)

    def _end(self, key: tuple[str, int], done: asyncio.Task[Page]) -> None:
        if self._reading.get(key) is done:
            del self._reading[key]

    def forget(self) -> None:
        """Share no read that has begun before now: the database has changed under it."""
        self._reading.clear()


class StreamTail:
    """One stream that this process follows.

    It alone edits its sets of subscribers, by ``admit``, ``demote`` and ``remove``.
    """

    def __init__(
        self,
        name: str,
        position: int,
        *,
        shared_reads: SharedReads,
        on_access_end: "OnAccessEnd",
        on_jump: "Callable[[StreamTail], None]",
        on_doubt: Callable[[], None],
    ) -> None:
        self.name = name
        self.moved_at = time.monotonic()  # when the position last changed, or the tail was opened
        self.subscribers: set[Subscriber] = set()
        self.level: set[Subscriber] = set()  # the subscribers that flushes are written to
        self.pins = 0  # sockets that watch without subscribing, pending answers, long polls
        self.idle_since = time.monotonic()
        self._tail = Tail(
            position,
            max_events=settings.HOLDFAST_TAIL_EVENTS,
            max_bytes=settings.HOLDFAST_TAIL_BYTES,
        )
        # Subscribers that became level since the last flush, with the position they were sent.
        self._fresh: dict[Subscriber, int] = {}
        self._shared_reads = shared_reads
        self._on_access_end = on_access_end
        self._on_jump = on_jump
        self._on_doubt = on_doubt
        self._policy = FlushPolicy()
        self._flush_due: asyncio.Handle | None = None
        self._repairing: asyncio.Task[None] | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._oldest_commit: float | None = None  # of the events in the next flush
        self._closed = False

    @property
    def position(self) -> int:
        """The seq up to which this process has everything."""
        return self._tail.position

    @property
    def known(self) -> int:
        """The highest seq that was ever committed, as far as this process knows."""
        return self._tail.known

    @property
    def holds_rows(self) -> bool:
        """Whether there is anything to compare with the database, beside the head."""
        return self._tail.floor < self._tail.known

    @property
    def used(self) -> bool:
        """Whether anything still needs this tail."""
        return bool(self.subscribers or self.pins or self._waiters)

    # Subscribers ----------------------------------------------------------------------------------

    def admit(self, subscriber: Subscriber, position: int) -> None:
        """Write flushes to a subscriber that has just been sent everything up to ``position``."""
        self.subscribers.add(subscriber)
        self.level.add(subscriber)
        self._fresh[subscriber] = position

    def demote(self, subscriber: Subscriber) -> None:
        """Keep a subscriber, but write no flushes to it until it is admitted."""
        self.subscribers.add(subscriber)
        self.level.discard(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        self.subscribers.discard(subscriber)
        self.level.discard(subscriber)
        self._fresh.pop(subscriber, None)
        self.idle_since = time.monotonic()

    # Pages ----------------------------------------------------------------------------------------

    def holds(self, after: int) -> bool:
        """Whether memory has every change after ``after``."""
        return self._tail.floor <= after <= self._tail.position

    def resume(self, after: int, *, limit: int, max_bytes: int) -> Page | None:
        """Return the page after ``after`` from memory, or None if memory does not hold it."""
        return self._tail.resume(after, limit=limit, max_bytes=max_bytes)

    def absorb(self, page: Page) -> Page | None:
        """Learn from a page that was read for one reader, and bring it up to date for sending now.

        Returns None if too much has happened since the page was read; it has to be read again.
        """
        if page.start <= self._tail.position:
            self._repaired(page)
        answer = self._tail.answer(page)
        self._mind_gap()
        return answer

    # Changes --------------------------------------------------------------------------------------

    def ingest(self, events: Iterable[Event], committed_at: float, *, is_local: bool) -> None:
        """Take in what was committed at ``committed_at`` (wall clock), here or on another node."""
        before = self._tail.position
        doubtful = False
        for event in events:
            ingested = self._tail.ingest(event)
            if ingested is not Ingested.OLD:
                self.moved_at = time.monotonic()
                if event.end is not None:
                    self._on_access_end(self, event.end, committed_at)
            # Only a repair is faster than a commit of this process; otherwise its number was taken
            # before. Other nodes may repeat what was evicted here.
            elif is_local:
                doubtful = doubtful or not self._tail.holds_event(event)
            else:
                doubtful = doubtful or self._tail.contradicts(event)
        if doubtful:
            self._doubt()
        if self._tail.position != before:
            self._oldest_commit = self._oldest_commit or committed_at
            self._schedule_flush()
        self._mind_gap()

    def repair(self) -> None:
        """Read what was missed from the database, once for all subscribers."""
        if self._repairing is None and not self._closed:
            self._repairing = asyncio.create_task(self._repair())

    def note_head(self, head: int, after: int) -> None:
        """Take note of a head that was read because a reader was at ``after``, and was reset.

        A tail that was above it when the read began is ahead of the database.
        """
        if head < after <= self._tail.known:
            self._doubt()

    async def differs(self) -> bool:
        """Compare the end of the tail with the database.

        Returns whether the tail is of another history. Raises ``Unavailable``.
        """
        # Twice: a retention run may delete rows between two queries, and then raises the floor.
        return await self._differs_once() and await self._differs_once()

    async def _differs_once(self) -> bool:
        position, known = self._tail.position, self._tail.known
        after = max(self._tail.floor, position - COMPARED_EVENTS)
        try:
            page = await database.read(reads.newest_rows, self.name, after)
        except Reset as reset:
            # Above the head; or below the floor, which a retention run has raised meanwhile.
            return int((reset.data or {})["head"]) < known
        return self._tail.differs(page, position, known)

    async def beyond(self, position: int, timeout: float, given_up: Callable[[], bool]) -> bool:
        """Wait until the tail has been flushed beyond ``position``.

        Returns False after ``timeout`` seconds, or as soon as ``given_up`` holds after a ``wake``.
        """
        deadline = time.monotonic() + timeout
        while self._tail.position <= position:
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
        """Make every caller that waits in ``beyond`` check again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def close(self) -> None:
        """Stop all work; the hub has forgotten this tail."""
        self._closed = True
        if self._flush_due is not None:
            self._flush_due.cancel()
        if self._repairing is not None:
            self._repairing.cancel()

    def _doubt(self) -> None:
        """Have the tail compared with the database."""
        if not self._closed:
            self.moved_at = time.monotonic()
            self._on_doubt()

    # Repairs --------------------------------------------------------------------------------------

    def _mind_gap(self) -> None:
        if self._tail.has_gap and self._repairing is None:
            asyncio.get_running_loop().call_later(REORDER_SECONDS, self._repair_gap)

    def _repair_gap(self) -> None:
        if self._tail.has_gap:
            self.repair()

    def _repaired(self, page: Page) -> None:
        before = self._tail.position
        new = self._tail.repair(page)
        if self._tail.position != before:
            self.moved_at = time.monotonic()
        metrics.events_repaired.inc(len(new))
        for event in new:
            if event.end is not None:
                self._on_access_end(self, event.end, None)
        self._schedule_flush()

    async def _repair(self) -> None:
        metrics.repairs.inc()
        try:
            while True:
                page = await self._shared_reads.page(self.name, self._tail.position)
                if page.head - self._tail.position > MAX_REPAIRED_EVENTS:
                    self._jump(page.head)
                    return
                self._repaired(page)
                if page.to >= page.head:
                    return
        except Reset as reset:
            head = (reset.data or {})["head"]
            if head < self._tail.known:
                self._doubt()  # the database has gone back
            else:
                self._jump(head)  # the floor moved past our position
        except Unavailable:
            log.info("repair waits for the database", extra={"stream": self.name})
        finally:
            self._repairing = None
        self._mind_gap()

    def _jump(self, head: int) -> None:
        self._tail.jump(head)
        self.moved_at = time.monotonic()
        self._on_jump(self)
        self._schedule_flush()

    # Flushes --------------------------------------------------------------------------------------

    def _schedule_flush(self) -> None:
        if self._flush_due is None:
            loop = asyncio.get_running_loop()
            delay = self._policy.delay(loop.time())
            self._flush_due = (
                loop.call_later(delay, self._flush) if delay > 0 else loop.call_soon(self._flush)
            )

    def _flush(self) -> None:
        """Write what has gathered, one slice of subscribers at a time.

        Events that arrive meanwhile belong to the next flush.
        """
        flushes = list(iter(self._tail.take_flush, None))
        self._write_slice(
            chain.from_iterable(map(self._slices, flushes)),
            flushes[-1].to if flushes else self.position,
            0.0,
        )

    def _write_slice(self, slices: Iterator[None], to: int, busy: float) -> None:
        """Write the next slice, then yield to the event loop: a stream of thousands blocks no one.

        ``busy`` is the time spent writing so far, in seconds.
        """
        self._flush_due = None
        loop = asyncio.get_running_loop()
        started = loop.time()
        more = next(slices, _END) is not _END
        busy += loop.time() - started
        if more:
            self._flush_due = loop.call_soon(self._write_slice, slices, to, busy)
            return
        self._policy.flushed(loop.time() - busy, loop.time())
        self._fresh = {
            subscriber: position for subscriber, position in self._fresh.items() if position > to
        }
        if self._tail.position > to:
            self._schedule_flush()
        if self._oldest_commit is not None:
            metrics.delivery_lag_seconds.observe(max(0.0, time.time() - self._oldest_commit))
            self._oldest_commit = None
        self.wake()

    def _slices(self, flush: Flush) -> Iterator[None]:
        """Write a flush to the subscribers that are level both at its start and at their turn.

        Yields after each slice but the last.
        """
        delivered = len(flush.events) * len(self.level)
        metrics.events_delivered.inc(delivered)
        if delivered:
            activity.deliveries.add(self.name, delivered)
        metrics.flush_events.observe(len(flush.events))
        message = Prepared(self._encoded(flush)) if self.level and not flush.overflow else None
        for number, subscriber in enumerate(tuple(self.level), 1):
            if subscriber in self.level:
                self._send(subscriber, flush, message)
            if number % SLICE_SOCKETS == 0:
                yield
                flush, message = self._refreshed(flush, message)

    def _refreshed(self, flush: Flush, message: Prepared | None) -> tuple[Flush, Prepared | None]:
        """Update a flush before its next slice: rows deleted meanwhile are sent to no one else."""
        current = self._tail.current(flush) if message is not None else None
        if current is None:
            return flush, None
        return current, message if current is flush else Prepared(self._encoded(current))

    def _send(self, subscriber: Subscriber, flush: Flush, message: Prepared | None) -> None:
        position = self._fresh.get(subscriber, 0)
        if message is None:
            subscriber.fall(self)
        elif position <= flush.start:
            subscriber.push(self, message)
        elif position < flush.to:
            subscriber.push(self, Prepared(self._encoded(_after(flush, position))))

    def _encoded(self, flush: Flush) -> bytes:
        if flush.contiguous:
            return frames.joined([frames.event(self.name, event) for event in flush.events])
        return frames.page(self.name, Page(flush.start, flush.to, flush.to, flush.events))


def _after(flush: Flush, position: int) -> Flush:
    """Return the part of a flush above ``position``, at which a subscriber became level."""
    return flush._replace(
        start=position, events=tuple(event for event in flush.events if event.seq > position)
    )
