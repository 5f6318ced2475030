"""A network between two parties, TCP or Unix sockets: resets, silence, losses and delays."""

import asyncio
import random
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

Address = tuple[str, int] | Path  # host and port, or a Unix socket
# Of each end, as on a real path: between two ends on one machine Linux lets megabytes wait.
BUFFER_BYTES = 64 * 1024
# Until TCP sends a lost packet again; twice as long each further time.
RETRANSMISSION_SECONDS = 0.2
MOST_RETRANSMISSIONS = 3
LINGER_NOT = struct.pack("ii", 1, 0)  # close with a reset, and send nothing of what is buffered


# Whether data comes from the client → the seconds that it takes.
Delay = Callable[[bool], float]


class Link(asyncio.Protocol):
    """One end of one connection through the proxy."""

    def __init__(self, proxy: "Proxy", other: "Link | None" = None) -> None:
        self.proxy = proxy
        self.other = other
        self.transport: Any = None
        self.full = False  # the other side sends faster than this one takes
        self.ended = False  # this side has sent everything
        self.dead = False  # takes no data, and says nothing
        self.lost = False  # takes all data, and it never arrives
        self._early: list[bytes] = []  # before there was another side
        self._on_the_way: deque[tuple[float, Callable[[], None]]] = deque()
        self._due = 0.0  # when the last of it arrives

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.transport.set_write_buffer_limits(BUFFER_BYTES)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, option, BUFFER_BYTES
            )
        if self.other is None:
            self.proxy.accept(self)

    def data_received(self, data: bytes) -> None:
        if self.lost:
            return
        if self.other is None:
            self._early.append(data)
        else:
            self._after_delay(lambda: self._deliver(data))

    def eof_received(self) -> bool:
        other = self.other
        if self.lost:
            return False  # the other side never hears of it
        if other is None or other.transport is None or other.ended:
            return False  # both sides have sent everything: close both
        self.ended = True
        self._after_delay(other.transport.write_eof)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.proxy.links.discard(self)
        self.proxy.behind.discard(self)
        if self.other is not None and self.other.transport is not None and not self.lost:
            self._after_delay(self.other.transport.close)

    def pause_writing(self) -> None:
        self.full = True
        self.settle()

    def resume_writing(self) -> None:
        self.full = False
        self.settle()

    def joined(self, other: "Link") -> None:
        """Have the other side."""
        self.other = other
        for data in self._early:
            other.transport.write(data)
        self._early.clear()

    def lose(self) -> None:
        """Let both sides send for ever, and neither hear anything."""
        self.lost = True
        if self.other is not None:
            self.other.lost = True
        self.settle()

    def _deliver(self, data: bytes) -> None:
        assert self.other is not None
        if not self.lost and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def _after_delay(self, act: Callable[[], None]) -> None:
        """Do it once this data has arrived, and all that was sent before it."""
        loop = asyncio.get_running_loop()
        self._due = max(self._due, loop.time() + self._delay())
        self._on_the_way.append((self._due, act))
        if len(self._on_the_way) == 1:
            self._arrive(loop)

    def _arrive(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._on_the_way and self._on_the_way[0][0] <= loop.time():
            _, act = self._on_the_way.popleft()
            act()
        if self._on_the_way:
            loop.call_at(self._on_the_way[0][0], self._arrive, loop)

    def _delay(self) -> float:
        from_client = self in self.proxy.links
        return sum(delay(from_client) for delay in self.proxy.delays)

    def settle(self) -> None:
        """Read from both sides exactly where what is read can go on."""
        for link in (self, self.other):
            if link is None or link.transport is None or link.transport.is_closing():
                continue
            stop = not link.lost and (
                self.proxy.silent or link.dead or (link.other is not None and link.other.full)
            )
            if stop and link.transport.is_reading():
                link.transport.pause_reading()
            elif not stop and not link.transport.is_reading():
                link.transport.resume_reading()

    def reset(self) -> None:
        """End with a TCP reset, or what comes closest on a Unix socket."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None and raw.family == socket.AF_INET:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.transport.abort()


class Proxy:
    """Listens at ``where`` (a free port, when none is given) and connects to ``target``."""

    def __init__(self, target: Address, where: Path | None = None) -> None:
        self.target = target
        # Bound now: between two free ports and two servers, others may take one.
        self._bound: socket.socket | None = None
        self.where: Address
        if where is None:
            self._bound = bound_socket()
            self.where = self._bound.getsockname()
        else:
            self.where = where
        self.links: set[Link] = set()  # the sides that came to us
        self.behind: set[Link] = set()  # the sides to the target
        self.silent = False
        self.losing = False
        self.delays: list[Delay] = []
        self._server: asyncio.Server | None = None
        self._joining: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(self.where, Path):
            self._server = await loop.create_unix_server(
                lambda: Link(self), str(self.where), backlog=4096
            )
        else:
            bound, self._bound = self._bound, None
            host, port = self.where
            address: Any = {"sock": bound} if bound else {"host": host, "port": port}
            self._server = await loop.create_server(lambda: Link(self), backlog=4096, **address)

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._joining:
            task.cancel()
        for link in [*self.links, *self.behind]:
            link.transport.abort()
        await self._server.wait_closed()

    async def move(self, host: str) -> None:
        """Listen at another address, and no longer at the old one."""
        assert isinstance(self.where, tuple)
        await self.__aexit__()
        self.where = host, self.where[1]
        await self._listen()

    def accept(self, link: Link) -> None:
        """Take a connection, and make the one behind it."""
        self.links.add(link)
        if self.losing:
            link.lose()
            return
        link.settle()
        task = asyncio.create_task(self._join(link))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    def reset(self, rnd: random.Random, part: float = 1.0) -> int:
        """Reset a random part of the connections, on both sides; returns how many."""
        chosen = [link for link in list(self.links) if rnd.random() < part]
        for link in chosen:
            link.reset()
            if link.other is not None and link.other.transport is not None:
                link.other.reset()
        return len(chosen)

    @asynccontextmanager
    async def silence(self, rnd: random.Random, *, forgotten: float = 0.5) -> AsyncIterator[None]:
        """Let nothing through, and say nothing.

        Afterwards a part of the connections is forgotten: silent for ever, as behind a router.
        """
        self.silent = True
        before = list(self.links)
        self._settle_all()
        try:
            yield
        finally:
            for link in before:
                if rnd.random() < forgotten:
                    link.dead = True
                    if link.other is not None:
                        link.other.dead = True
            self.silent = False
            self._settle_all()

    @asynccontextmanager
    async def loss(self) -> AsyncIterator[None]:
        """Take everything and answer nothing.

        The data is missing afterwards, so the connections of this time stay useless.
        """
        self.losing = True
        for link in list(self.links):
            link.lose()
        try:
            yield
        finally:
            self.losing = False

    @asynccontextmanager
    async def late(self, delay: Delay) -> AsyncIterator[None]:
        """Let everything arrive late, in order."""
        self.delays.append(delay)
        try:
            yield
        finally:
            self.delays.remove(delay)

    def _settle_all(self) -> None:
        for link in self.links:
            link.settle()

    async def _join(self, link: Link) -> None:
        other = Link(self, link)
        loop = asyncio.get_running_loop()
        try:
            if isinstance(self.target, Path):
                await loop.create_unix_connection(lambda: other, str(self.target))
            else:
                await loop.create_connection(lambda: other, *self.target)
        except OSError:
            link.transport.close()
            return
        if link.transport.is_closing():
            other.transport.close()
            return
        self.behind.add(other)
        link.joined(other)
        link.settle()


def bound_socket() -> socket.socket:
    """Return a socket on a port of its own."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made


def each_statement(seconds: float) -> Delay:
    """Make a server slow in everything: it begins so much later with what it is asked."""
    return lambda from_client: seconds if from_client else 0.0


def bad_line(rnd: random.Random, *, lost: float, jitter: float) -> Delay:
    """Lose a part of all packets, which TCP sends again, and delay the others unevenly."""

    def delay(from_client: bool) -> float:
        seconds = rnd.uniform(0, jitter)
        for time in range(MOST_RETRANSMISSIONS):
            if rnd.random() >= lost:
                break
            seconds += RETRANSMISSION_SECONDS * 2.0**time
        return seconds

    return delay
