"""One connection without a network: immediate and queued writes, and paused reading."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from realtime.core.drain import Drain
from realtime.engine.outbound import Prepared
from realtime.protocol.codes import CloseCode
from realtime.protocol.websocket_frames import PING, shortened
from realtime.server import http_protocol, websocket_protocol
from realtime.server.connections import trusted_peer
from realtime.server.http_protocol import RequestProtocol
from realtime.server.server import valid_address
from realtime.server.websocket_protocol import READ_BYTES, SocketProtocol, unsent


class Kernel:
    """A socket's send buffer with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = b""

    def send(self, data: bytes) -> int:
        if self.room == 0:
            raise BlockingIOError
        sent, self.room = min(self.room, len(data)), self.room - min(self.room, len(data))
        self.taken += data[:sent]
        return sent


class Wire:
    """Twisted's transport, as far as a connection uses it."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.socket = Kernel(room)
        self.dataBuffer, self.offset = b"", 0
        self._tempDataBuffer: list[bytes] = []
        self._tempDataLen = 0
        self.reading = True

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)
        self._tempDataLen += len(data)

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True


class Connected(SocketProtocol):
    """An open connection; ``sent`` holds the control frames, by opcode."""

    def __init__(self, room: int = 1_000_000) -> None:
        super().__init__()
        self.transport: Any = Wire(room)
        self.state = self.STATE_OPEN
        self.application_queue: asyncio.Queue[Any] = asyncio.Queue()
        self.received_at = time.monotonic()
        self.sent: list[tuple[int, bytes]] = []
        self.closes: list[tuple[int, bytes]] = []

    def sendFrame(self, opcode: int, payload: bytes = b"", **_: Any) -> None:
        self.sent.append((opcode, payload))

    def sendCloseFrame(self, *, code: int, **reason: bytes) -> None:
        self.closes.append((code, reason["reasonUtf8"]))
        self.state = self.STATE_CLOSING


FRAME = Prepared(b"x" * 100).frame  # 102 bytes


def test_a_frame_goes_straight_to_the_kernel() -> None:
    socket = Connected()
    socket.write_frame(FRAME)
    assert socket.transport.socket.taken == FRAME
    assert socket.unsent == 0


def test_what_the_kernel_does_not_take_waits_in_order() -> None:
    socket = Connected(room=150)
    for _ in range(3):
        socket.write_frame(FRAME)
    assert socket.transport.socket.taken + b"".join(socket.transport._tempDataBuffer) == FRAME * 3
    assert socket.unsent == 3 * len(FRAME) - 150
    socket.transport.socket.room = 1000  # the kernel has room again, but older bytes come first
    socket.write_frame(FRAME)
    assert len(socket.transport.socket.taken) == 150


def test_a_full_kernel_is_no_error() -> None:
    socket = Connected(room=0)
    socket.write_frame(FRAME)
    assert socket.unsent == len(FRAME)


def test_unsent_bytes_are_those_in_both_of_twisteds_buffers() -> None:
    wire = Wire()
    wire.dataBuffer, wire.offset = b"x" * 100, 40
    wire.write(b"y" * 7)
    assert unsent(wire) == 67


def test_after_a_close_nothing_goes_out() -> None:
    socket = Connected()
    socket.close(CloseCode.RESTART, "restart")
    socket.write_frame(FRAME)
    socket.close(CloseCode.BANNED, "later")
    assert socket.transport.socket.taken == b""
    assert socket.closes == [(1012, b"restart")]


def test_a_producer_that_waits_for_room_is_resumed_once() -> None:
    socket = Connected()
    socket.resumeProducing()
    told: list[bool] = []
    socket.on_drained = lambda: told.append(True)
    socket.resumeProducing()
    assert told == [True]


def test_a_reason_is_cut_between_characters() -> None:
    assert shortened("short") == b"short"
    assert shortened("ü" * 100) == "ü".encode() * 61
    assert len(shortened("x" * 500)) == 123


async def test_reading_stops_while_too_many_messages_wait_and_goes_on_at_half(
    settings: Any,
) -> None:
    settings.HOLDFAST_INBOUND_QUEUE = 4
    socket = Connected()
    for number in range(4):
        assert socket.transport.reading is True
        socket.onMessage(b"%d" % number, isBinary=False)
    assert not socket.transport.reading
    taken = [(await socket.next_message(socket.application_queue.get))["text"]]
    assert not socket.transport.reading
    taken.append((await socket.next_message(socket.application_queue.get))["text"])
    assert socket.transport.reading
    assert taken == ["0", "1"]


async def test_a_close_is_heard_even_if_reading_had_stopped(settings: Any) -> None:
    settings.HOLDFAST_INBOUND_QUEUE = 1
    socket = Connected()
    socket.onMessage(b"1", isBinary=False)
    socket.close(CloseCode.RESTART, "restart")
    assert socket.transport.reading is True


async def test_messages_after_a_close_are_dropped() -> None:
    socket = Connected()
    socket.close(CloseCode.RESTART, "restart")
    socket.onMessage(b"1", isBinary=False)
    assert socket.application_queue.empty()


def test_a_silent_client_is_pinged_once_and_then_closed(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    now = 1000.0
    monkeypatch.setattr("realtime.server.websocket_protocol.time.monotonic", lambda: now)
    socket = Connected()
    for moment in (1020.0, 1026.0, 1040.0):
        now = moment
        socket.check_timeouts()
    assert socket.transport.socket.taken == PING
    assert not socket.closes
    now = 1047.0
    socket.check_timeouts()
    assert [code for code, _ in socket.closes] == [CloseCode.UNRESPONSIVE]


def test_a_time_in_which_we_did_not_run_is_not_the_clients_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("realtime.server.websocket_protocol.time.monotonic", lambda: now)
    socket = Connected()
    now = 1026.0
    socket.check_timeouts()
    now = 1086.0
    socket.forgive(60.0)
    socket.check_timeouts()
    assert not socket.closes


def test_a_client_that_is_not_read_from_need_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("realtime.server.websocket_protocol.time.monotonic", lambda: now)
    socket = Connected()
    socket.reading = False
    now = 2000.0
    socket.check_timeouts()
    assert not socket.transport.socket.taken
    assert not socket.closes
    socket.resume_reading()
    socket.check_timeouts()
    assert not socket.transport.socket.taken


def test_pings_of_a_client_that_reads_nothing_are_not_answered(settings: Any) -> None:
    settings.HOLDFAST_SOFT_MARK = READ_BYTES
    socket = Connected(room=0)
    socket.onPing(b"1")
    socket.transport.write(b"x" * (READ_BYTES + 1))
    socket.onPing(b"2")
    assert socket.sent == [(10, b"1")]  # a pong


def test_a_consumer_that_knows_no_leaving_is_spoken_for() -> None:
    socket = Connected()
    socket.leave(1.5)
    assert b'"retry_after":1.5' in socket.transport.socket.taken
    assert [code for code, _ in socket.closes] == [1012]

    asked: list[float] = []
    socket = Connected()
    socket.on_leave = asked.append
    socket.leave(1.5)
    assert asked == [1.5]
    assert not socket.closes


def test_a_handshake_that_ends_in_the_drain_is_sent_away_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draining = Drain()
    draining.begin()
    monkeypatch.setattr(websocket_protocol, "drain", draining)
    socket = Connected()
    answered: list[Any] = []
    socket.handshake_deferred = SimpleNamespace(callback=answered.append)
    socket.accept("holdfast.v1", [(b"x-node", b"1")])
    assert answered == [("holdfast.v1", {"x-node": "1"})]
    assert [code for code, _ in socket.closes] == [1012]


def test_what_an_application_sends(settings: Any) -> None:
    socket = Connected()
    # Daphne sends nothing for an empty text.
    socket.handle_reply({"type": "websocket.send", "text": ""})
    socket.handle_reply({"type": "websocket.send", "text": "Grüße"})
    assert socket.transport.socket.taken == b"\x81\x00\x81\x07Gr\xc3\xbc\xc3\x9fe"
    socket.handle_reply({"type": "websocket.send", "bytes": b"\0"})
    assert socket.sent == [(2, b"\0")]
    socket.handle_reply({"type": "websocket.close", "code": 4000, "reason": "enough"})
    assert socket.closes == [(4000, b"enough")]


def test_an_application_that_fails_closes_its_socket() -> None:
    socket = Connected()
    socket.handle_exception(ZeroDivisionError())
    assert [code for code, _ in socket.closes] == [1011]


@pytest.mark.parametrize(
    ("client", "trusted"),
    [
        (None, True),
        (["127.0.0.1", 80], True),
        (["::1", 80], True),
        (["10.0.0.1", 80], False),
        (["fe80::1%eth0", 1], False),
    ],
)
def test_whose_word_about_a_client_is_taken(client: Any, trusted: bool) -> None:
    assert trusted_peer(client) is trusted


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"203.0.113.9", "203.0.113.9"),
        (b" ::1 ", "::1"),
        (b"", None),
        (b"\xff", None),
        (b"1.2.3.4, 5.6.7.8", None),
    ],
)
def test_an_address_in_a_header(header: bytes, address: str | None) -> None:
    assert valid_address(header) == address


class Channel:
    """The HTTP side of a connection whose client has not taken ``unsent`` bytes."""

    def __init__(self, unsent: int) -> None:
        self.transport = Wire()
        self.transport.write(b"x" * unsent)
        self.aborted = False
        self.transport.abortConnection = self.abort  # type: ignore[attr-defined]

    def abort(self) -> None:
        self.aborted = True


def request_on(channel: Channel | None) -> Any:
    request = object.__new__(RequestProtocol)
    request.channel = channel
    return request


async def test_a_stream_waits_for_its_reader(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.HOLDFAST_SOFT_MARK = 100
    monkeypatch.setattr(http_protocol, "STALL_CHECK_SECONDS", 0.001)
    await request_on(Channel(100)).drained()
    await request_on(None).drained()

    channel = Channel(1000)
    waiting = asyncio.ensure_future(request_on(channel).drained())
    await asyncio.sleep(0.005)
    assert not waiting.done()
    channel.transport._tempDataLen = 50
    await asyncio.wait_for(waiting, 1)
    assert not channel.aborted


async def test_a_reader_that_takes_nothing_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.HOLDFAST_SOFT_MARK = 100
    monkeypatch.setattr(http_protocol, "STALL_CHECK_SECONDS", 0.001)
    monkeypatch.setattr(http_protocol, "STALL_SECONDS", 0.003)
    channel = Channel(1000)
    await asyncio.wait_for(request_on(channel).drained(), 5)
    assert channel.aborted


def test_the_drain_calls_its_listeners_once() -> None:
    drain = Drain()
    told: list[str] = []
    drain.listen(lambda: told.append("stays"))
    drain.listen(lambda: told.append("left"))()
    states = [drain.begun]
    drain.begin()
    drain.begin()
    assert [*states, drain.begun] == [False, True]
    assert told == ["stays"]
