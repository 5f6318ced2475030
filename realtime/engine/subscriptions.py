"""Answers to readers: who may read a stream, from memory or from the database, level or behind.

Between the choice of a page and its write nothing is awaited. So no change can fall between the
answer and the next flush.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from realtime.core import database, metrics, streams
from realtime.core.streams import Claim, Reader
from realtime.engine.socket import Joining, Socket
from realtime.engine.stream_tail import SharedReads, StreamTail
from realtime.engine.tail_registry import TailRegistry
from realtime.protocol import frames
from realtime.protocol.errors import (
    Forbidden,
    HoldfastError,
    NotFound,
    NotSubscribed,
    Reset,
    TooMany,
)
from realtime.protocol.page import PAGE_MAX_BYTES, PAGE_MAX_EVENTS, REPLY_MAX_EVENTS, Page

# Of the pages in one reply to `subscribe`; the client pulls the rest.
REPLY_MAX_BYTES = 2 * PAGE_MAX_BYTES
PARALLEL_READS = 4  # pages read at once for one reply: as many as there are reading threads

Wanted = Mapping[StreamTail, int | None]
Errors = dict[str, HoldfastError]


class Handshake:
    """One ``subscribe`` command, from its checks to its answer.

    ``errors`` collects the streams that are refused; ``names`` are those that are left.
    """

    def __init__(self, socket: Socket, positions: Mapping[str, int | None], limit: int) -> None:
        self._socket = socket
        self._positions = positions
        self.errors = _impossible(socket, positions, limit)

    @property
    def names(self) -> list[str]:
        """The streams that nothing has refused so far."""
        return [name for name in self._positions if name not in self.errors]

    async def authorise(self, names: Sequence[str]) -> None:
        """Refuse those of ``names`` that the user may not read."""
        if names:
            self.errors.update(await refusals(self._socket.reader, names))

    def refuse_revoked(self, joining: Joining) -> None:
        """Refuse the streams whose access was taken away since ``authorise``."""
        for name in joining.revoked:
            self.errors[name] = Forbidden("Your access changed just now; subscribe again.")

    def wanted(self, tails: Iterable[StreamTail]) -> Wanted:
        """Return the positions to continue from, by tail."""
        return {tail: self._positions[tail.name] for tail in tails if tail.name not in self.errors}

    def answer(self, request: int, pages: Mapping[StreamTail, Page]) -> None:
        """Begin the subscriptions and send the reply."""
        if self._socket.closed:
            return
        for tail, page in pages.items():
            self._socket.answered(tail, page)
        by_name = {tail.name: page for tail, page in pages.items()}
        self._socket.send(frames.subscribed(request, by_name, self.errors))


class Subscriptions:
    """Answers ``subscribe`` and ``pull`` for sockets, and reads for HTTP."""

    def __init__(self, registry: TailRegistry, shared_reads: SharedReads) -> None:
        self._registry = registry
        self._shared_reads = shared_reads

    async def subscribe(
        self, socket: Socket, request: int, positions: Mapping[str, int | None], *, limit: int
    ) -> None:
        """Subscribe ``socket`` to streams and answer command ``request`` with a page of each."""
        handshake = Handshake(socket, positions, limit)
        # Before a tail is opened, so that no one makes this process follow what they may not read.
        await handshake.authorise(
            [name for name in handshake.names if name not in self._registry.tails]
        )
        names = handshake.names
        pinned = await self._registry.pinned(names)
        socket.joining = joining = Joining(names)
        try:
            # From here on the tails report what is revoked; this reads what was revoked before.
            await handshake.authorise(names)
            read = await self._read_missing(handshake.wanted(pinned), handshake.errors)
            await self._registry.trusted()
            _absorb(read)
            handshake.refuse_revoked(joining)
            handshake.answer(request, _pages(handshake.wanted(pinned), read))
        finally:
            socket.joining = None
            self._registry.unpin(pinned)

    async def pull(self, socket: Socket, request: int, name: str, after: int) -> None:
        """Answer command ``request`` with the page after ``after`` of a subscribed stream."""
        tail = socket.following.get(name)
        if tail is None:
            raise NotSubscribed(
                "This socket is not subscribed to {name}.", name=name[: streams.MAX_NAME_LENGTH]
            )
        _raise_first(await refusals(socket.reader, [name]))
        errors: Errors = {}
        await self._registry.trusted()
        read = await self._read_missing({tail: after}, errors)
        _raise_first(errors)
        await self._registry.trusted()
        _absorb(read)
        if socket.following.get(name) is not tail:
            raise NotSubscribed("This socket is no longer subscribed to {name}.", name=name)
        page = _pages({tail: after}, read)[tail]
        socket.answered(tail, page)
        socket.send(frames.pulled(request, name, page))

    async def page(self, reader: Reader, name: str, after: int | None) -> Page:
        """Return the page after ``after``; for None, an empty page at the head.

        Raises the refusal if ``reader`` may not read the stream, or ``Reset``.
        """
        streams.parse(name)
        _raise_first(await refusals(reader, [name]))
        return await self.page_authorised(name, after)

    async def page_authorised(self, name: str, after: int | None) -> Page:
        """Return a page to a reader whose access has been checked."""
        while True:
            pinned = await self._registry.pinned([name])
            try:
                errors: Errors = {}
                read = await self._read_missing({pinned[0]: after}, errors)
                await self._registry.trusted()
                # Otherwise the history was dropped meanwhile, and what was read is of another.
                if self._registry.tails.get(name) is pinned[0]:
                    _raise_first(errors)
                    _absorb(read)
                    return _pages({pinned[0]: after}, read)[pinned[0]]
            finally:
                self._registry.unpin(pinned)

    async def _read_missing(self, wanted: Wanted, errors: Errors) -> dict[StreamTail, Page]:
        """Read the pages that no tail holds, until the reply is full; add resets to ``errors``."""
        missing = [
            (tail, after)
            for tail, after in wanted.items()
            if after is not None and not tail.holds(after)
        ]
        read: dict[StreamTail, Page] = {}
        while missing and sum(len(page.events) for page in read.values()) < REPLY_MAX_EVENTS:
            some, missing = missing[:PARALLEL_READS], missing[PARALLEL_READS:]
            pages = await asyncio.gather(
                *(self._shared_reads.page(tail.name, after) for tail, after in some),
                return_exceptions=True,
            )
            for (tail, after), page in zip(some, pages, strict=True):
                if isinstance(page, Reset):
                    tail.note_head((page.data or {})["head"], after)
                    errors[tail.name] = page
                elif isinstance(page, BaseException):
                    raise page
                else:
                    read[tail] = page
        return read


async def refusals(reader: Reader, names: Sequence[str]) -> Errors:
    """Return the streams that ``reader`` may not read, each with the reason.

    Calls that overlap in time share their queries.
    """
    return await database.read_together(_refusals, (reader, tuple(names))) if names else {}


def _refusals(asked: Sequence[tuple[Reader, tuple[str, ...]]]) -> list[Errors]:
    claims: defaultdict[str, list[Claim]] = defaultdict(list)
    for reader, names in asked:
        for name in names:
            kind, ident = streams.parse(name)
            claims[kind.prefix].append(Claim(reader, ident))
    refused = {
        (prefix, claim): error
        for prefix, some in claims.items()
        for claim, error in streams.kind(prefix).authorise(some).items()
    }
    return [
        {name: error for name in names if (error := refused.get(_claim(reader, name)))}
        for reader, names in asked
    ]


def _claim(reader: Reader, name: str) -> tuple[str, Claim]:
    kind, ident = streams.parse(name)
    return kind.prefix, Claim(reader, ident)


def _impossible(socket: Socket, positions: Mapping[str, int | None], limit: int) -> Errors:
    """Return the errors that need no query: unknown names, other endpoints' streams, too many."""
    errors: Errors = {}
    left = limit - len(socket.following)
    for name in positions:
        try:
            kind, _ = streams.parse(name)
        except NotFound as error:
            errors[name] = error
            continue
        if socket.kinds is not None and kind.prefix not in socket.kinds:
            errors[name] = Forbidden(
                "This socket does not carry {kind} streams; connect to another endpoint.",
                kind=kind.prefix,
            )
        elif name not in socket.following:
            left -= 1
            if left < 0:
                errors[name] = TooMany("A socket may follow at most {limit} streams.", limit=limit)
    return errors


def _raise_first(errors: Errors) -> None:
    for error in errors.values():
        raise error


def _absorb(read: dict[StreamTail, Page]) -> None:
    """Let the tails learn from what was read, which may revoke access; drop outdated pages."""
    for tail, page in list(read.items()):
        current = tail.absorb(page)
        if current is None:
            del read[tail]
        else:
            read[tail] = current


def _pages(wanted: Wanted, read: Mapping[StreamTail, Page]) -> dict[StreamTail, Page]:
    """Choose the page of each stream as of now, within the limits of one reply."""
    events, size = REPLY_MAX_EVENTS, REPLY_MAX_BYTES
    pages: dict[StreamTail, Page] = {}
    for tail, after in wanted.items():
        page = _page(tail, after, read.get(tail), events=events, size=size)
        events -= len(page.events)
        size -= sum(len(event.body or b"") for event in page.events)
        pages[tail] = page
    return pages


def _page(
    tail: StreamTail, after: int | None, read: Page | None, *, events: int, size: int
) -> Page:
    head = tail.position
    if after is None or after == head:
        return Page(head, head, head, ())
    if read is not None:
        fits = len(read.events) <= events and (
            sum(len(event.body or b"") for event in read.events) <= size or size == REPLY_MAX_BYTES
        )
        return read if fits else _later(after, read.head)
    page = None
    if events > 0 and size > 0 and tail.holds(after):
        page = tail.resume(
            after, limit=min(events, PAGE_MAX_EVENTS), max_bytes=min(size, PAGE_MAX_BYTES)
        )
    if page is None:
        return _later(after, head)
    metrics.resumes.labels("memory").inc()
    return page


def _later(after: int, head: int) -> Page:
    """Return a page without events below its head, which makes the client pull."""
    return Page(after, after, max(head, after + 1), ())
