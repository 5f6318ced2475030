"""The way out of one socket: bytes in, never waiting, with a count of what the client has not read.

Under ``manage.py serve`` frames go straight to the server's protocol object
(``realtime.server.server``). Under any other ASGI server they pass through a queue and ``send``:
the behaviour is the same, but slower, and the count is only as good as that server's backpressure.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from realtime.protocol.websocket_frames import framed

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Prepared:
    """One WebSocket message, framed at most once, however many sockets it goes to."""

    __slots__ = ("_frame", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        """The message as an unmasked, final text frame (RFC 6455 §5.2)."""
        if self._frame is None:
            self._frame = framed(self.payload)
        return self._frame


class Transport(Protocol):
    """The object that ``realtime.server.server`` puts into the scope as ``holdfast.transport``."""

    on_drained: Callable[[], None] | None
    on_leave: Callable[[float], None] | None

    @property
    def unsent(self) -> int: ...
    def write_frame(self, frame: bytes) -> None: ...
    def close(self, code: int, reason: str) -> None: ...


class Outlet(Protocol):
    """The object that a socket writes to.

    ``on_drained`` is called when the client has read enough again. ``on_leave`` is called when the
    client has to go to another node, with the seconds after which it reconnects.
    """

    on_drained: Callable[[], None] | None
    on_leave: Callable[[float], None] | None

    @property
    def unsent(self) -> int: ...
    def write(self, message: Prepared) -> None: ...
    def close(self, code: int, reason: str) -> None: ...


class DirectOutlet:
    """Writes to the protocol object of our own server."""

    __slots__ = ("_transport",)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def on_drained(self) -> Callable[[], None] | None:
        return self._transport.on_drained

    @on_drained.setter
    def on_drained(self, callback: Callable[[], None] | None) -> None:
        self._transport.on_drained = callback

    @property
    def on_leave(self) -> Callable[[float], None] | None:
        return self._transport.on_leave

    @on_leave.setter
    def on_leave(self, callback: Callable[[float], None] | None) -> None:
        self._transport.on_leave = callback

    @property
    def unsent(self) -> int:
        return self._transport.unsent

    def write(self, message: Prepared) -> None:
        self._transport.write_frame(message.frame)

    def close(self, code: int, reason: str) -> None:
        self._transport.close(code, reason)


class QueueOutlet:
    """Writes through ASGI's ``send``, one message after the other.

    The task that sends exists only while there is something to send.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: deque[dict[str, Any]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.unsent = 0  # bytes
        self.on_drained: Callable[[], None] | None = None
        self.on_leave: Callable[[float], None] | None = None  # no ASGI server calls it

    def write(self, message: Prepared) -> None:
        self.unsent += len(message.payload)
        self._put({"type": "websocket.send", "text": message.payload.decode()})

    def close(self, code: int, reason: str) -> None:
        # Int: Daphne refuses an enumeration.
        self._put({"type": "websocket.close", "code": int(code), "reason": reason})
        self._closed = True

    def _put(self, message: dict[str, Any]) -> None:
        if self._closed:
            return
        self._waiting.append(message)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                # A server raises its own kind of error when the client is gone. The consumer
                # receives `websocket.disconnect` then.
                with suppress(Exception):
                    await self._send_or_close(message)
                self.unsent -= len(message.get("text", "").encode())
        finally:
            self._task = None
        if self.on_drained is not None:
            self.on_drained()

    async def _send_or_close(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except Exception:
            if message["type"] == "websocket.close":
                # Plain Daphne takes no 1012 and no 1013, and the socket must not stay open.
                await self._send({"type": "websocket.close"})
            raise
