"""Light clients, thousands in one process: raw WebSockets on asyncio, one room each.

They follow the two rules of docs/protocol.md.

They parse no more than they need, mask with zeros, and answer pings. They know no close codes: a
connection that ends is made again.
"""

import asyncio
import random
import struct
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import msgspec

OFFLINE_SECONDS = 2.0  # after each cut
AGAIN_SECONDS = 0.5  # at most, after an attempt that failed
HANDSHAKE_SECONDS = 10.0  # for the answer; then it is tried again
# A mask is meant against proxies that a browser's page could poison; zeros cost nothing.
NO_MASK = b"\0\0\0\0"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10  # opcodes, RFC 6455 §5.5


class Page(msgspec.Struct, rename={"start": "from"}):
    """A page, or what is of interest of it."""

    start: int
    to: int
    head: int
    events: "list[Event]"


class Data(msgspec.Struct, rename={"start": "from"}):
    """The content of a reply or an event; a pulled page is all of it."""

    pages: dict[str, Page] = {}
    start: int | None = None
    to: int = 0
    head: int = 0
    events: "list[Event]" = []
    number: int = 0
    seq: int = 0


class Event(msgspec.Struct):
    """A changed row."""

    seq: int
    kind: str
    data: Data


class Object(msgspec.Struct, rename={"start": "from"}):
    """Anything that a server sends."""

    type: str
    id: int = 0
    ok: bool = True
    stream: str = ""
    seq: int = 0
    kind: str = ""
    data: Data | None = None
    start: int = 0
    to: int = 0
    head: int = 0
    events: list[Event] = []


_decoder = msgspec.json.Decoder(list[Object] | Object)


class Return(NamedTuple):
    """A reconnection: when the client began to connect, and when it was level again."""

    began: float
    level: float


class Wire(asyncio.Protocol):
    """One connection. Hands whole text messages on."""

    def __init__(
        self, request: bytes, text: Callable[[bytes], None], lost: Callable[["Wire"], None]
    ) -> None:
        self._request = request
        self._text = text
        self._lost = lost
        self._buffer = b""
        self._open = False
        self._dead = False
        self.status = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._dead:
            self.transport.abort()
        else:
            self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            self.status = int(head[9:12])
            self._open = self.status == 101
            if not self._open:
                self.cut()
                return
        self._buffer = self._frames(data)

    def _frames(self, data: bytes) -> bytes:
        """Take whole frames from the front, and return the rest."""
        start, end = 0, len(data)
        while end - start >= 2:
            length, header = data[start + 1], 2
            if length > 125:
                header = 4 if length == 126 else 10
                if end - start < header:
                    break
                length = int.from_bytes(data[start + 2 : start + header], "big")
            stop = start + header + length
            if stop > end:
                break
            self._frame(data[start] & 15, data[start + header : stop])
            start = stop
        return data[start:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._text(payload)
        elif opcode == PING:
            self.send(payload, PONG)
        elif opcode == CLOSE:
            self.cut()

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one frame."""
        if self.transport is None or self.transport.is_closing():
            return
        length = len(payload)
        header = (
            struct.pack("!BB", 0x80 | opcode, 0x80 | length)
            if length < 126
            else struct.pack("!BBH", 0x80 | opcode, 0xFE, length)
        )
        self.transport.write(header + NO_MASK + payload)

    def cut(self) -> None:
        """Lose the network."""
        self._dead = True
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost(self)


class Listener:
    """One client of one room, from ``position`` on."""

    def __init__(
        self, host: str, port: int, token: str, room: int, rnd: random.Random, *, position: int = 0
    ) -> None:
        self.position = position
        # Of messages, by their number in the room: how often each was applied.
        self.numbers: Counter[int] = Counter()
        self.repeats = 0  # what came once more and changed nothing
        self.returns: list[Return] = []
        self.failures: Counter[str] = Counter()  # attempts that led to nothing
        self.live: list[tuple[int, float]] = []  # (seq, moment) of what was pushed
        self.level = False
        self._address = host, port
        self._stream = f"room.{room}"
        self._request = (
            f"GET /ws/chat/ HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: "
            f"Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: "
            f"13\r\nSec-WebSocket-Protocol: holdfast.v1\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._rnd = rnd
        self._wire: Wire | None = None
        self._began: float | None = None  # of the return that is under way
        self._deadline: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # Staying connected ----------------------------------------------------------------------------

    def connect(self) -> None:
        """Begin to connect."""
        task = asyncio.get_running_loop().create_task(self._dial())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        wire = self._wire = Wire(self._request, self._text, self._lost)
        self._deadline = loop.call_later(HANDSHAKE_SECONDS, wire.cut)
        try:
            await loop.create_connection(lambda: wire, *self._address)
        except OSError as error:
            self._ended(wire, type(error).__name__)

    def cut(self) -> None:
        """Lose the network, and be without one for two seconds; then come back."""
        self.leave()
        asyncio.get_running_loop().call_later(OFFLINE_SECONDS, self._return)

    def leave(self) -> None:
        """Go for good."""
        wire, self._wire, self.level = self._wire, None, False
        self._settle()
        if wire is not None:
            wire.cut()

    def _return(self) -> None:
        self._began = time.monotonic()
        self.connect()

    def _lost(self, wire: Wire) -> None:
        self._ended(wire, f"HTTP {wire.status}" if wire.status != 101 else "closed")

    def _ended(self, wire: Wire, why: str) -> None:
        if wire is not self._wire:
            return  # it was we who cut it
        self.leave()
        self.failures[why] += 1
        self._began = self._began or time.monotonic()
        asyncio.get_running_loop().call_later(self._rnd.uniform(0, AGAIN_SECONDS), self.connect)

    def _settle(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # Incoming -------------------------------------------------------------------------------------

    def _text(self, payload: bytes) -> None:
        found = _decoder.decode(payload)
        for each in found if isinstance(found, list) else (found,):
            self._handle(each)

    def _handle(self, found: Object) -> None:
        match found.type:
            case "event" if found.stream == self._stream:
                self._event(found)
            case "page" if found.stream == self._stream:
                self._page(Page(found.start, found.to, found.head, found.events))
            case "reply" if found.ok and found.data is not None:
                self._reply(found.data)
            case "reply":
                self._refused()
            case "behind":
                self.level = False
                self._pull()
            case "hello":
                self._send(
                    {"id": 1, "command": "subscribe", "streams": {self._stream: self.position}}
                )

    def _refused(self) -> None:
        self.failures["refused"] += 1
        if self._wire is not None:
            self._wire.cut()

    def _reply(self, data: Data) -> None:
        for page in data.pages.values():
            self._page(page)
        if data.start is not None:
            self._page(Page(data.start, data.to, data.head, data.events))

    def _event(self, event: Object) -> None:
        if event.seq == self.position + 1:
            self.position = event.seq
            if event.kind == "message" and event.data is not None:
                self.numbers[event.data.number] += 1
                self.live.append((event.seq, time.monotonic()))
        elif event.seq <= self.position:
            self.repeats += 1
        else:
            self._pull()

    def _page(self, page: Page) -> None:
        if page.start > self.position:
            self._pull()
            return
        for event in page.events:
            if event.seq <= self.position:
                self.repeats += 1
            elif event.kind == "message":
                self.numbers[event.data.number] += 1
        self.position = max(self.position, page.to)
        self.level = page.to == page.head
        if not self.level:
            self._pull()
            return
        self._settle()
        if self._began is not None:
            self.returns.append(Return(self._began, time.monotonic()))
            self._began = None

    def _pull(self) -> None:
        self._send({"id": 2, "command": "pull", "stream": self._stream, "after": self.position})

    def send(self, payload: bytes, opcode: int) -> None:
        """Send a frame, if there is a connection."""
        if self._wire is not None:
            self._wire.send(payload, opcode)

    def _send(self, command: dict[str, Any]) -> None:
        if self._wire is not None:
            self._wire.send(msgspec.json.encode(command))
