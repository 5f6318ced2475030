"""Answers to those who want to read: who may, from memory or from the database, level or behind.

From the moment a page is chosen to the moment it is written nothing is awaited, so nothing falls between the answer and the next flush.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from realtime.core import database, metrics, streams
from realtime.core.streams import Claim, Reader
from realtime.engine.socket import Socket
from realtime.engine.stream_tail import LiveTail, SharedReads
from realtime.engine.tail_registry import Followed
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

REPLY_MAX_BYTES = 2 * PAGE_MAX_BYTES  # of the pages of one reply to `subscribe`; the rest is pulled
PARALLEL_READS = 4  # pages read at once for one reply: as many as there are reading threads

Wanted = Mapping[LiveTail, int | None]
Errors = dict[str, HoldfastError]


class Answers:
    """Reads for sockets, and for HTTP."""

    def __init__(self, followed: Followed, shared_reads: SharedReads) -> None:
        self._followed = followed
        self._shared_reads = shared_reads

    async def subscribe(
        self, socket: Socket, request: int, positions: Mapping[str, int | None], *, limit: int
    ) -> None:
        """Subscribe ``socket`` to streams and answer the command ``request`` with the page of each."""
        errors = _impossible(socket, positions, limit)
        names = [name for name in positions if name not in errors]
        cold = [name for name in names if name not in self._followed.tails]
        if cold:  # asked first, so that nobody makes us follow what they may not read
            errors.update(await refusals(socket.reader, cold))
            names = [name for name in names if name not in errors]
        pinned = await self._followed.pinned(names)
        socket.joining.update(dict.fromkeys(names, False))
        try:
            errors.update(await refusals(socket.reader, names))
            wanted = {live: positions[live.name] for live in pinned if live.name not in errors}
            read = await self._read_missing(wanted, errors)
            _absorb(read)
            errors.update(
                {
                    name: Forbidden("Your access changed just now; subscribe again.")
                    for name in names
                    if socket.joining[name]
                }
            )
            pages = _pages(
                {live: after for live, after in wanted.items() if live.name not in errors}, read
            )
            if socket.closed:
                return
            for live, page in pages.items():
                socket.answered(live, page)
            socket.send(
                frames.subscribed(
                    request, {live.name: page for live, page in pages.items()}, errors
                )
            )
        finally:
            for name in names:
                socket.joining.pop(name, None)
            self._followed.unpin(pinned)

    async def pull(self, socket: Socket, request: int, name: str, after: int) -> None:
        """Answer the command ``request`` with the page after ``after`` of a stream that ``socket`` is subscribed to."""
        live = socket.following.get(name)
        if live is None:
            raise NotSubscribed(
                "This socket is not subscribed to {name}.", name=name[: streams.MAX_NAME_LENGTH]
            )
        _raise_first(await refusals(socket.reader, [name]))
        errors: Errors = {}
        read = await self._read_missing({live: after}, errors)
        _raise_first(errors)
        _absorb(read)
        if socket.following.get(name) is not live:
            raise NotSubscribed("This socket is no longer subscribed to {name}.", name=name)
        page = _pages({live: after}, read)[live]
        socket.answered(live, page)
        socket.send(frames.pulled(request, name, page))

    async def page(self, reader: Reader, name: str, after: int | None) -> Page:
        """Return the page after ``after`` (None: an empty one at the head). Raises what refuses the reader, or ``Reset``."""
        streams.parse(name)
        _raise_first(await refusals(reader, [name]))
        return await self.page_unasked(name, after)

    async def page_unasked(self, name: str, after: int | None) -> Page:
        """Return a page to a reader whose right is already known."""
        pinned = await self._followed.pinned([name])
        try:
            errors: Errors = {}
            read = await self._read_missing({pinned[0]: after}, errors)
            _raise_first(errors)
            _absorb(read)
            return _pages({pinned[0]: after}, read)[pinned[0]]
        finally:
            self._followed.unpin(pinned)

    async def _read_missing(self, wanted: Wanted, errors: Errors) -> dict[LiveTail, Page]:
        """Read the pages that no tail holds, until the reply is full; what fails goes to ``errors``."""
        missing = [
            (live, after)
            for live, after in wanted.items()
            if after is not None and not _in_memory(live, after)
        ]
        read: dict[LiveTail, Page] = {}
        while missing and sum(len(page.events) for page in read.values()) < REPLY_MAX_EVENTS:
            some, missing = missing[:PARALLEL_READS], missing[PARALLEL_READS:]
            pages = await asyncio.gather(
                *(self._shared_reads.page(live.name, after) for live, after in some),
                return_exceptions=True,
            )
            for (live, _), page in zip(some, pages, strict=True):
                if isinstance(page, Reset):
                    errors[live.name] = page
                elif isinstance(page, BaseException):
                    raise page
                else:
                    read[live] = page
        return read


async def refusals(reader: Reader, names: Sequence[str]) -> Errors:
    """Return which of ``names`` the reader may not read, and why; all who ask at the same time are answered together."""
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
    """Return the errors that need no database: names of nothing, streams of another endpoint, too many."""
    errors: Errors = {}
    room = limit - len(socket.following)
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
            room -= 1
            if room < 0:
                errors[name] = TooMany("A socket may follow at most {limit} streams.", limit=limit)
    return errors


def _raise_first(errors: Errors) -> None:
    for error in errors.values():
        raise error


def _in_memory(live: LiveTail, after: int) -> bool:
    return live.tail.floor <= after <= live.position


def _absorb(read: dict[LiveTail, Page]) -> None:
    """Let the tails learn from what was read, which may end rights, and keep what is still fit to be sent."""
    for live, page in list(read.items()):
        fit = live.absorb(page)
        if fit is None:
            del read[live]
        else:
            read[live] = fit


def _pages(wanted: Wanted, read: Mapping[LiveTail, Page]) -> dict[LiveTail, Page]:
    """Choose the page of each stream at this very moment, within the limits of one reply."""
    events, size = REPLY_MAX_EVENTS, REPLY_MAX_BYTES
    pages: dict[LiveTail, Page] = {}
    for live, after in wanted.items():
        page = _page(live, after, read.get(live), events=events, size=size)
        events -= len(page.events)
        size -= sum(len(event.body or b"") for event in page.events)
        pages[live] = page
    return pages


def _page(live: LiveTail, after: int | None, read: Page | None, *, events: int, size: int) -> Page:
    head = live.position
    if after is None or after == head:
        return Page(head, head, head, ())
    if read is not None:
        fits = len(read.events) <= events and (
            sum(len(event.body or b"") for event in read.events) <= size or size == REPLY_MAX_BYTES
        )
        return read if fits else _later(after, read.head)
    page = None
    if events > 0 and size > 0 and _in_memory(live, after):
        page = live.tail.resume(
            after, limit=min(events, PAGE_MAX_EVENTS), max_bytes=min(size, PAGE_MAX_BYTES)
        )
    if page is None:
        return _later(after, head)
    metrics.resumes.of("memory").inc()
    return page


def _later(after: int, head: int) -> Page:
    """Return the page that holds nothing yet: whoever gets it pulls."""
    return Page(after, after, max(head, after + 1), ())
