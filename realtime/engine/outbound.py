"""The outgoing side of one socket: it never waits, and counts the bytes that are not sent yet.

Under ``manage.py serve`` the server's protocol object is the outlet, and frames go straight to the
socket. Under any other ASGI server they pass through a queue and ``send``: the same behaviour,
slower, and the count is only as accurate as that server's backpressure.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from realtime.auth.handshake import Send
from realtime.protocol.websocket_frames import framed


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


class Outlet(Protocol):
    """Writes to one client.

    ``on_drained`` is called when a large number of unsent bytes has drained. ``on_leave`` is called
    when the client should go to another node, with the seconds after which it reconnects.
    """

    on_drained: Callable[[], None] | None
    on_leave: Callable[[float], None] | None

    @property
    def unsent(self) -> int: ...
    def write(self, message: Prepared) -> None: ...
    def close(self, code: int, reason: str) -> None: ...


class QueueOutlet:
    """Writes through ASGI's ``send``, from a task that exists only while messages are queued."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: deque[dict[str, Any]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.unsent = 0  # bytes
        self.on_drained: Callable[[], None] | None = None
        self.on_leave: Callable[[float], None] | None = None  # no ASGI server drains

    def write(self, message: Prepared) -> None:
        self.unsent += len(message.payload)
        self._put({"type": "websocket.send", "text": message.payload.decode()})

    def close(self, code: int, reason: str) -> None:
        # Daphne refuses an enumeration.
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
                # A server raises its own error when the client has gone; the consumer receives
                # `websocket.disconnect`.
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
                # Plain Daphne refuses 1012 and 1013, but the socket must not stay open.
                await self._send({"type": "websocket.close"})
            raise
