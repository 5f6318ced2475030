"""The tail of a stream: its contiguous end, in memory, once per process.

A resume is answered from it, and flushes are cut out of it. Its parts on the number line::

          floor              flushed      position       early
    ────────┤  newest state of each row  ├──────────┤ gap │ x  x │
            └────────── resume ──────────┘          └ repair ┘

- Every change in ``(floor, position]`` is known, in the newest state of its row. A newer change of
  a row replaces the older one and does not move the floor, so a few rows may cover many changes.
  Only an eviction moves the floor, to the evicted number.
- An event that comes early (something before it is missing) is kept for a moment: two processes
  that publish at the same time cross, which must not cost a read.
- Where the database has removed rows (a retention run), everything up to its floor is dropped. A
  reader below that floor cannot be continued by anyone.
- A text is gone as soon as a newer change of its row has been *received*, in order or early. It
  leaves a hole, and a page may have holes where a later change of the same row follows.
- A tail is a claim about the database. When the database has gone back in time, no rule above
  holds: the tail is dropped and another one begins. ``contradicts`` and ``differs`` find that out,
  because numbers that were lost are given to other rows.
- No level subscriber is above ``position`` when a flush is taken. So if a flush repeats a row in an
  older state than its reader has (from another node, say), that row has changed again above
  ``position`` and comes again.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

import msgspec

from realtime.protocol.page import PAGE_MAX_BYTES, PAGE_MAX_EVENTS, Event, Page, cut

# Publications of two processes cross by a few events; a repair fills a larger gap better.
EARLY_MAX_EVENTS = 64


class Ingested(Enum):
    """The outcome of an event that came from the broker or from this process."""

    APPENDED = auto()  # it was the next one
    OLD = auto()  # already known: a repeat, or a repair was faster
    EARLY = auto()  # something before it is missing


class Flush(NamedTuple):
    """Events for level subscribers: everything in ``(start, to]``."""

    start: int
    to: int
    events: tuple[Event, ...]
    # Every number is present and visible: send `event` objects; else one `page` with head = to.
    contiguous: bool
    overflow: bool  # part of it was evicted: no events, send `behind` to level subscribers


class Tail:
    """The tail of one stream.

    ``max_events`` and ``max_bytes`` (of encoded bodies) bound the rows in memory; the early events
    have bounds of their own: ``EARLY_MAX_EVENTS`` and ``max_bytes``.
    """

    def __init__(
        self, position: int, *, max_events: int = 512, max_bytes: int = 512 * 1024
    ) -> None:
        self.position = position  # everything up to here is known
        self.floor = position  # everything above here, up to position, is in memory
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._rows: dict[str, Event] = {}  # by key, in seq order
        self._bytes = 0
        self._early: dict[int, Event] = {}
        self._early_bytes = 0
        # The highest number whose row is unknown: dropped while early, or a hole in a repair.
        self._unknown = 0
        self._removed = 0  # the floor of the database: rows up to it may be gone there
        self._answered = 0  # the highest position at which a subscriber became level
        self._flushed = position

    # Incoming

    def ingest(self, event: Event) -> Ingested:
        """Take a published event, in any order, any number of times.

        The hub acts on ``event.end`` whatever the outcome: a revocation does not wait for a gap to
        close.
        """
        self._raise_floor(event.floor)
        if event.seq <= self.position:
            self._forget_before(event)  # fills in whose hole a repair left
            return Ingested.OLD
        if event.seq > self.position + 1:
            self._keep_early(event)
            return Ingested.EARLY
        self._append(event, known=self._unknown <= event.seq)
        self._append_early()
        return Ingested.APPENDED

    @property
    def has_gap(self) -> bool:
        """Whether the stream reaches beyond ``position``: wait a moment, then repair."""
        return bool(self._early) or self._unknown > self.position or self._answered > self.position

    def repair(self, page: Page) -> list[Event]:
        """Absorb a page that was read from the database with ``start <= position``.

        Returns the new events in order, including the early ones that fit now, so that the hub can
        act on their ``end``. Raises ``ValueError`` for a page that starts above ``position``.
        """
        if page.start > self.position:
            raise ValueError(
                f"expected a page from {self.position} or below, got one from {page.start}"
            )
        self._raise_floor(page.floor)
        if page.start < self._removed:  # read before rows were removed
            return []
        known = page.head >= self._unknown
        before = self.position
        new = [event for event in page.events if event.seq > before]
        for event in new:
            self._append(event, known=known)
        if len(new) < page.to - before:  # numbers whose row has changed again later
            self._unknown = max(self._unknown, page.to)
        self.position = max(self.position, page.to)
        new += self._append_early()
        return new

    def jump(self, position: int) -> None:
        """Drop the contents and continue from ``position``, when there is too much to repair.

        Level subscribers are sent ``behind``.
        """
        self._restart_at(max(self.position, position))
        self._append_early()

    # Outgoing

    def resume(
        self, after: int, *, limit: int = PAGE_MAX_EVENTS, max_bytes: int = PAGE_MAX_BYTES
    ) -> Page | None:
        """Return the page after a client's position; None below the floor: read the database.

        See ``answer`` for that case. Raises ``ValueError`` when ``after`` is above ``position``:
        repair first. A position above the database's head is a `reset`.
        """
        if after > self.position:
            raise ValueError(f"expected a position of at most {self.position}, got {after}")
        if after < self.floor:
            return None
        return cut(
            self._since(after), after=after, head=self.position, limit=limit, max_bytes=max_bytes
        )

    def answer(self, page: Page) -> Page | None:
        """Bring a page from the database up to date before it is sent; None if it is too old.

        Rows may have changed while it was read: a text that was deleted meanwhile is left out (its
        tombstone follows). The head becomes at least ``position``. Call this in the same step in
        which the page is sent, after ``repair`` with the same page where that fits: the tail
        catches up at no cost. Where it does not fit, a subscriber becomes level above ``position``,
        and flushes wait until a repair has caught up with it (``has_gap``).
        """
        if page.head < self.floor or page.head < self._unknown or page.start < self._removed:
            return None
        current = tuple(event for event in page.events if not self._is_replaced(event))
        page = page._replace(events=current).raised(self.position)
        self._extend_down(page)
        if page.to == page.head:
            self._answered = max(self._answered, page.to)
        return page

    def take_flush(self) -> Flush | None:
        """Return what has come since the last flush, at most one page: call again until None.

        Also None while a level subscriber is ahead of the tail. A subscriber that became level
        since the last flush ignores what is repeated.
        """
        start = self._flushed
        if self.position == start or self.position < self._answered:
            return None
        if start < self.floor:
            self._flushed = self.position
            return Flush(start, self.position, (), contiguous=False, overflow=True)
        page = cut(
            self._since(start),
            after=start,
            head=self.position,
            limit=PAGE_MAX_EVENTS,
            max_bytes=PAGE_MAX_BYTES,
        )
        self._flushed = page.to
        visible = sum(event.body is not None for event in page.events)
        return Flush(
            start, page.to, page.events, contiguous=visible == page.to - start, overflow=False
        )

    def current(self, flush: Flush) -> Flush | None:
        """Return the part of an earlier flush that may still be sent; None if that is unknown.

        A row that has changed meanwhile is left out: its newer state comes with the next flush, and
        a deleted text is sent to no one.
        """
        if flush.to < self.floor or flush.to < self._unknown or flush.start < self._removed:
            return None
        current = tuple(event for event in flush.events if not self._is_replaced(event))
        return (
            flush
            if len(current) == len(flush.events)
            else flush._replace(events=current, contiguous=False)
        )

    # Evidence of another history

    def holds_event(self, event: Event) -> bool:
        """Whether this state of the event's row, or a newer one, is in memory."""
        row = self._rows.get(event.key)
        return row is not None and (row.seq > event.seq or _is_same(row, event))

    def contradicts(self, event: Event) -> bool:
        """Whether ``event``, which was committed, cannot belong to the history of this tail."""
        return self._misses(event, self.position)

    @property
    def known(self) -> int:
        """The highest number that was ever committed, as far as this tail knows."""
        return max(self.position, self._unknown, self._answered, *self._early)

    def differs(self, page: Page, position: int, known: int) -> bool:
        """Whether rows that were read from the database cannot be of the tail's history.

        ``position`` and ``known`` are from before the read. The page starts at the floor or above.
        It is not cut at its head, so a row that changes meanwhile is not missing from it; ``to`` is
        below the head if it does not hold all rows.
        """
        return (
            page.head < known
            or any(
                self._misses(event, position) or self._is_ahead_of(event, known)
                for event in page.events
            )
            or (page.to == page.head and self._holds_more_than(page, known))
        )

    def _misses(self, event: Event, position: int) -> bool:
        """Whether the tail should hold this change, but holds another row or an older state."""
        if not max(self.floor, self._unknown) < event.seq <= position:
            return False
        row = self._rows.get(event.key)
        if row is None:
            return not _newer(self._early.values(), event)
        return row.seq <= event.seq and not _is_same(row, event)

    def _is_ahead_of(self, event: Event, known: int) -> bool:
        """Whether the tail held a newer state of the row, or another, when the row was read."""
        row = self._rows.get(event.key)
        early = self._early.get(event.seq)
        return (
            (row is not None and event.seq < row.seq <= known)
            or any(
                event.key == other.key and event.seq < other.seq <= known
                for other in self._early.values()
            )
            or (early is not None and not (early.key == event.key and _is_same(early, event)))
        )

    def _holds_more_than(self, page: Page, known: int) -> bool:
        """Whether a row is in memory alone. Old hidden rows may have been deleted."""
        found = {event.key for event in page.events}
        return any(
            page.start < row.seq <= known and row.body is not None and row.key not in found
            for row in (*self._rows.values(), *self._early.values())
        )

    # Internals

    def _since(self, after: int) -> list[Event]:
        """Return the rows above ``after``, searched from the end: most readers are close to it."""
        found = []
        for event in reversed(self._rows.values()):
            if event.seq <= after:
                break
            found.append(event)
        found.reverse()
        return found

    def _extend_down(self, page: Page) -> None:
        """Keep a page that reaches the floor from below and finds room.

        Many clients return with the same position. A page that may be sent may also be kept.
        """
        if not page.start < self.floor <= page.to:
            return
        below = {event.key: event for event in page.events if event.seq <= self.floor}
        size = sum(map(_size, below.values()))
        if (
            len(below) + len(self._rows) <= self._max_events
            and size + self._bytes <= self._max_bytes
        ):
            self._rows = below | self._rows
            self._bytes += size
            self.floor = page.start

    def _raise_floor(self, floor: int) -> None:
        """Drop every row up to the database's floor.

        A tail that has not come so far yet has a gap, and the read that should repair it is a
        `reset`: the hub jumps.
        """
        if floor <= self._removed:
            return
        self._removed = floor
        for row in [row for row in self._rows.values() if row.seq <= floor]:
            self._forget(row)
        self.floor = max(self.floor, min(floor, self.position))

    def _is_replaced(self, event: Event) -> bool:
        """Whether a newer change of the event's row is known."""
        row = self._rows.get(event.key)
        return (row is not None and row.seq > event.seq) or _newer(self._early.values(), event)

    def _append(self, event: Event, *, known: bool) -> None:
        """Append ``event``. ``known``: no later change of its row can have been dropped."""
        self.position = event.seq
        if not known:
            self._restart_at(event.seq)
            return
        self._forget_before(event)
        if event.seq <= self._removed:  # published before it was removed, and late
            self.floor = event.seq
            return
        if not _newer(self._early.values(), event):
            self._rows[event.key] = event
            self._bytes += _size(event)
            self._evict()

    def _evict(self) -> None:
        """Stay within the bounds: evict the oldest rows and move the floor to them."""
        while len(self._rows) > self._max_events or self._bytes > self._max_bytes:
            oldest = self._rows[next(iter(self._rows))]
            self._forget(oldest)
            self.floor = oldest.seq

    def _forget_before(self, event: Event) -> None:
        """Drop the older state of the event's row."""
        row = self._rows.get(event.key)
        if row is not None and row.seq < event.seq:
            self._forget(row)

    def _forget(self, row: Event) -> None:
        del self._rows[row.key]
        self._bytes -= _size(row)

    def _restart_at(self, position: int) -> None:
        """Drop everything and continue from ``position``."""
        self.position = self.floor = position
        self._rows.clear()
        self._bytes = 0

    def _keep_early(self, event: Event) -> None:
        """Keep an early event. Beyond the bounds the highest is dropped: the lowest fits first."""
        self._forget_before(event)
        if event.seq not in self._early:
            self._early[event.seq] = event
            self._early_bytes += _size(event)
        while len(self._early) > EARLY_MAX_EVENTS or self._early_bytes > self._max_bytes:
            highest = max(self._early)
            self._drop_early(highest)
            self._unknown = max(self._unknown, highest)

    def _append_early(self) -> list[Event]:
        """Append the early events that fit now, and return them."""
        for seq in [seq for seq in self._early if seq <= self.position]:
            self._drop_early(seq)
        appended = []
        while self.position + 1 in self._early:
            event = self._drop_early(self.position + 1)
            self._append(event, known=self._unknown <= event.seq)
            appended.append(event)
        return appended

    def _drop_early(self, seq: int) -> Event:
        event = self._early.pop(seq)
        self._early_bytes -= _size(event)
        return event


def _newer(events: Iterable[Event], than: Event) -> bool:
    """Whether one of ``events`` is a later change of the same row."""
    return any(event.key == than.key and event.seq > than.seq for event in events)


def _is_same(row: Event, event: Event) -> bool:
    """Whether two states of a row are one: the same number and the same content."""
    return row.seq == event.seq and (
        row.body == event.body
        # Two programs may write the same object with its names in another order.
        or (None not in (row.body, event.body) and _decoded(row) == _decoded(event))
    )


def _decoded(event: Event) -> object:
    return msgspec.json.decode(event.body or b"null")


def _size(event: Event) -> int:
    return len(event.body or b"")
