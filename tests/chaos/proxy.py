"""A network between two parties, TCP or Unix sockets, with resets and silence."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from tests.support.server import free_port

Address = tuple[str, int] | Path  # host and port, or a Unix socket
# Of each end, as on a real path: between two ends on one machine Linux lets megabytes wait.
BUFFER_BYTES = 64 * 1024
LINGER_NOT = struct.pack("ii", 1, 0)  # close with a reset, and send nothing of what is buffered


class Link(asyncio.Protocol):
    """One end of one connection through the proxy."""

    def __init__(self, proxy: "Proxy", other: "Link | None" = None) -> None:
        self.proxy = proxy
        self.other = other
        self.transport: Any = None
        self.full = False  # the other side sends faster than this one takes
        self.ended = False  # this side has sent everything
        self.dead = False  # drops all data silently
        self._early: list[bytes] = []  # before there was another side

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
        if self.other is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        other = self.other
        if other is None or other.transport is None or other.ended:
            return False  # both sides have sent everything: close both
        self.ended = True
        other.transport.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.proxy.links.discard(self)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

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

    def settle(self) -> None:
        """Read from both sides exactly where what is read can go on."""
        for link in (self, self.other):
            if link is None or link.transport is None or link.transport.is_closing():
                continue
            stop = self.proxy.silent or link.dead or (link.other is not None and link.other.full)
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
        self.where: Address = where or ("127.0.0.1", free_port())
        self.links: set[Link] = set()  # the sides that came to us
        self.silent = False
        self._server: asyncio.Server | None = None
        self._joining: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if isinstance(self.where, Path):
            self._server = await loop.create_unix_server(
                lambda: Link(self), str(self.where), backlog=4096
            )
        else:
            self._server = await loop.create_server(lambda: Link(self), *self.where, backlog=4096)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._joining:
            task.cancel()
        for link in list(self.links):
            link.transport.abort()
        await self._server.wait_closed()

    def accept(self, link: Link) -> None:
        """Take a connection, and make the one behind it."""
        self.links.add(link)
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
        link.joined(other)
        link.settle()
