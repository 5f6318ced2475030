"""One WebSocket of ``manage.py serve``: Daphne's protocol with bounds, close codes and a fast path.

Comments say what Daphne (4.2) and autobahn (26.10) do where this module differs, and why that is
not enough. Everything runs on the event loop.
"""

import logging
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from autobahn.twisted import websocket as autobahn_twisted
from autobahn.websocket import protocol as autobahn
from autobahn.websocket.types import ConnectionDeny
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings
from twisted.internet.protocol import connectionDone

from realtime.core import metrics
from realtime.core.drain import drain
from realtime.engine.outbound import Prepared
from realtime.protocol import frames
from realtime.protocol.codes import CloseCode
from realtime.protocol.websocket_frames import PING, after_pong, shortened, whole_text
from realtime.server.connections import connections

log = logging.getLogger("holdfast.server")

# In one read. autobahn copies the rest after each frame, so reading many small frames at once has
# quadratic cost.
READ_BYTES: Final = 16 * 1024
# Of one socket in the kernel; Linux would let it grow to 4 MiB for each client that does not read.
SEND_BUFFER_BYTES: Final = 128 * 1024
# Frames of one message. The byte limit does not count empty frames, whose list would grow without
# bound.
MAX_FRAGMENTS: Final = 1024
INTERNAL_ERROR: Final = 1011
# Attributes of a protocol through which it holds itself.
HOLDERS: Final = (
    "application_deferred",
    "application_queue",
    "is_closed",
    "is_open",
    "on_drained",
    "on_leave",
    "request",
)

# autobahn formats all options of a connection and the values of its debug lines even when they are
# not printed: a third of the CPU time of a handshake.
for _module in (autobahn, autobahn_twisted):
    for _name in ("pformat", "hltype", "hlval"):
        setattr(_module, _name, repr)


def unsent(transport: Any) -> int:
    """Return the bytes that Twisted has buffered and the kernel has not accepted."""
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)


class SocketProtocol(WebSocketProtocol):
    """One WebSocket; an ``Outlet`` that the consumer finds in the scope as ``holdfast.outlet``."""

    on_drained: Callable[[], None] | None = None
    # Set by the consumer: finish the commands in progress, send `bye`, close.
    on_leave: Callable[[float], None] | None = None
    reading = True
    _fragments = 0
    _pinged_at = 0.0  # monotonic; 0: no ping is unanswered
    check_at = 0.0  # monotonic; no timeout can have passed before

    # The handshake --------------------------------------------------------------------------------

    def onConnect(self, request: Any) -> Any:
        """Take over the connection from HTTP.

        Daphne leaves the HTTP channel registered as the producer of the transport. Then a slow
        reader is no longer read from, and nothing bounds or reports the unsent bytes. So this
        object is the producer, which Twisted notifies when the buffer has drained.
        """
        if drain.begun:
            metrics.handshakes.labels("draining").inc()
            raise _deny(503, "restarting")
        self.received_at = time.monotonic()
        self.transport.unregisterProducer()
        # Above it, Twisted calls pauseProducing.
        self.transport.bufferSize = min(READ_BYTES, settings.HOLDFAST_SOFT_MARK)
        self.transport.registerProducer(self, True)
        self.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        return super().onConnect(request)

    def accept(self, subprotocol: str | None, headers: Any) -> None:
        """Complete the handshake with the headers of ``websocket.accept``, which Daphne drops."""
        self.handshake_deferred.callback(
            (
                subprotocol,
                {name.decode("latin-1"): value.decode("latin-1") for name, value in headers},
            )
        )
        del self.handshake_deferred
        # The drain may have begun while the client was being authenticated.
        if drain.begun:
            self.leave(0.0)

    def onOpen(self) -> None:
        """Release the request, which would stay in memory as long as the socket."""
        super().onOpen()
        self.http_headers.clear()
        self.http_request_data = b""

    # Outgoing ------------------------------------------------------------------------------------

    def write(self, message: Prepared) -> None:
        """Send one message."""
        self.write_frame(message.frame)

    def write_frame(self, frame: bytes) -> None:
        """Send one complete frame; after a close it is dropped.

        Twisted never writes at once: it buffers, registers with epoll and unregisters again. While
        nothing is buffered, the kernel nearly always accepts the whole frame: one system call
        instead of three.
        """
        if self.state != self.STATE_OPEN:
            return
        transport = self.transport
        if not transport.dataBuffer and not transport._tempDataBuffer:
            try:
                sent = transport.socket.send(frame)
            except OSError:
                # The socket is full or broken: the write below waits, or ends the connection.
                sent = 0
            if sent == len(frame):
                return
            frame = frame[sent:]
        transport.write(frame)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Send a frame of autobahn's, without the debug lines that it formats for each write."""
        self.transport.write(data)

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not accepted yet."""
        return unsent(self.transport)

    def pauseProducing(self) -> None:
        """Do nothing when Twisted's buffer is full: writers check ``unsent``."""

    def resumeProducing(self) -> None:
        """Notify the consumer that Twisted's buffer is empty (the kernel's is still full)."""
        if self.on_drained is not None:
            self.on_drained()

    def stopProducing(self) -> None:
        """Do nothing when the connection is lost: ``onClose`` follows."""

    # Closing --------------------------------------------------------------------------------------

    def close(self, code: int, reason: str) -> None:
        """Close with any code and its reason; the client has ``HOLDFAST_CLOSE_SECONDS`` to answer.

        autobahn's ``sendClose`` refuses every code below 3000 except 1000, so a restart (1012)
        would become an error (1011), and Daphne drops the reason. ``sendCloseFrame`` accepts both.
        """
        if self.state != self.STATE_OPEN:
            return
        self.sendCloseFrame(code=int(code), reasonUtf8=shortened(reason))
        self.resume_reading()  # to read the client's close frame

    def leave(self, retry_after: float) -> None:
        """Send the client to another node; it reconnects after ``retry_after`` seconds."""
        if self.on_leave is not None:
            self.on_leave(retry_after)
            return
        self.write(Prepared(frames.bye("restart", retry_after)))
        self.close(CloseCode.RESTART, CloseCode.RESTART.reason)

    def cut(self) -> None:
        """Drop the connection without a closing handshake."""
        self.dropConnection(abort=True)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Handle the end of the connection.

        Daphne's version fails if it ended before the handshake was read.
        """
        if hasattr(self, "server"):
            super().onClose(wasClean, code, reason)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        """Stop counting the connection for its address."""
        connections.closed(self.transport)
        super().connectionLost(reason)

    def release(self) -> None:
        """Let go of everything, once the connection and its application are gone.

        They hold each other in a dozen cycles, so their memory would wait for the garbage
        collector, which runs rarely: tens of MiB where sockets come and go.
        """
        for name in HOLDERS:
            self.__dict__.pop(name, None)

    # Incoming -------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Handle received bytes.

        autobahn makes six objects of each frame. Unfragmented texts and pongs bypass it while it is
        between two messages.
        """
        self.received_at = time.monotonic()
        self._pinged_at = 0.0  # any data counts as a pong
        at, limit = 0, settings.HOLDFAST_MAX_MESSAGE_BYTES
        while self.state == self.STATE_OPEN and not (
            self.data or self.current_frame or self.inside_message
        ):
            at = after_pong(data, at)
            if (found := whole_text(data, at, limit)) is None:
                break
            text, at = found
            self.onMessage(text, False)
        if at < len(data):
            self._dataReceived(data[at:])

    def onMessageBegin(self, isBinary: bool) -> None:
        """Begin a message and count its frames."""
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        """Begin a frame; close with 1009 after too many frames, even empty ones."""
        self._fragments += 1
        if self._fragments > MAX_FRAGMENTS and not self.failedByMe:
            self._max_message_size_exceeded(self._fragments, MAX_FRAGMENTS, "too many fragments")
        super().onMessageFrameBegin(length)

    def _max_message_size_exceeded(self, size: int, limit: int, reason: str) -> None:
        """Close with 1009.

        Daphne lets autobahn drop the connection: the client sees 1006 without a reason.
        """
        metrics.closes.labels(str(int(CloseCode.TOO_BIG))).inc()
        if self.on_leave is not None:  # after `hello`, the last object is a `bye`
            self.write(Prepared(frames.bye(CloseCode.TOO_BIG.reason, None)))
        self._fail_connection(int(CloseCode.TOO_BIG), CloseCode.TOO_BIG.reason)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Queue a message for the consumer; stop reading while the queue is full.

        Daphne's queue has no bound.
        """
        if self.muted or self.state != self.STATE_OPEN:
            return
        if isBinary:
            message: dict[str, Any] = {"type": "websocket.receive", "bytes": payload}
        else:
            try:
                message = {"type": "websocket.receive", "text": payload.decode()}
            except UnicodeDecodeError:
                self.close(CloseCode.BAD_FRAME, "expected a text message in UTF-8")
                return
        self.application_queue.put_nowait(message)
        if self.reading and self.application_queue.qsize() >= settings.HOLDFAST_INBOUND_QUEUE:
            self.reading = False
            self.transport.pauseProducing()

    async def next_message(self, receive: Callable[[], Any]) -> Any:
        """Return the next message (ASGI's ``receive``); resume reading at half a queue."""
        message = await receive()
        if (
            not self.reading
            and self.application_queue.qsize() <= settings.HOLDFAST_INBOUND_QUEUE // 2
        ):
            self.resume_reading()
        return message

    def resume_reading(self) -> None:
        """Read from the connection again."""
        if not self.reading:
            self.reading = True
            self.received_at = time.monotonic()  # the silence was ours
            self.transport.resumeProducing()

    def onPing(self, payload: bytes) -> None:
        """Answer a ping, unless too much is unsent: a client may ping and never read."""
        if self.unsent <= settings.HOLDFAST_SOFT_MARK:
            super().onPing(payload)

    # ASGI messages --------------------------------------------------------------------------------

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Handle one message of the application.

        A message that crosses a close is dropped; autobahn would raise and end the consumer.
        """
        match message["type"]:
            case "websocket.accept" if (
                hasattr(self, "handshake_deferred") and self.state == self.STATE_CONNECTING
            ):
                self.accept(message.get("subprotocol"), message.get("headers") or ())
            case "websocket.close" if self.state == self.STATE_CONNECTING:
                if hasattr(self, "handshake_deferred"):
                    self.serverReject()
            case "websocket.close":
                self.close(message.get("code") or 1000, message.get("reason") or "")
            case "websocket.send" if message.get("text") is not None:
                self.write(Prepared(message["text"].encode()))
            case "websocket.send" if self.state == self.STATE_OPEN:
                self.sendFrame(opcode=2, payload=message.get("bytes") or b"")

    def handle_exception(self, exception: BaseException) -> None:
        """Close the connection of an application that failed."""
        if hasattr(self, "handshake_deferred"):
            self.handshake_deferred.errback(_deny(500, "Internal server error"))
            del self.handshake_deferred
        else:
            self.close(INTERNAL_ERROR, "internal error")

    # Timeouts -------------------------------------------------------------------------------------

    def check_timeouts(self) -> None:
        """Ping a silent client, and close one that does not answer (4001).

        Called every two seconds once ``check_at`` has passed. Daphne counts from the last message
        instead of the last pong, keeps one timer for overlapping pings, so that a late pong cannot
        stop it, and closes every connection after a day.
        """
        if self.state != self.STATE_OPEN or not self.reading:
            return
        now = time.monotonic()
        if self._pinged_at:
            self.check_at = self._pinged_at + settings.HOLDFAST_PONG_SECONDS
            if now > self.check_at:
                metrics.closes.labels(str(int(CloseCode.UNRESPONSIVE))).inc()
                self.close(CloseCode.UNRESPONSIVE, CloseCode.UNRESPONSIVE.reason)
            return
        self.check_at = self.received_at + settings.HOLDFAST_PING_AFTER_SECONDS
        if now > self.check_at:
            self._pinged_at = now
            self.check_at = now + settings.HOLDFAST_PONG_SECONDS
            self.write_frame(PING)

    def forgive(self, seconds: float) -> None:
        """Ignore a time in which this process did not run (a debugger, a suspended machine)."""
        self.received_at += seconds
        if self._pinged_at:
            self._pinged_at += seconds

    def __repr__(self) -> str:
        return f"<WebSocket of {self.peer}>"


class SocketFactory(WebSocketFactory):
    """Creates a ``SocketProtocol`` for each upgrade."""

    protocol = SocketProtocol

    def configure(self) -> None:
        """Set autobahn's options on the class; else it copies them into every connection."""
        self.setProtocolOptions(
            allowNullOrigin=True,  # realtime.auth decides about origins
            failByDrop=False,  # a real close frame for a violation
            openHandshakeTimeout=settings.HOLDFAST_HANDSHAKE_SECONDS,
            closeHandshakeTimeout=settings.HOLDFAST_CLOSE_SECONDS,
            # Inbound only: our own frames bypass autobahn, which would apply the limit to them too.
            maxMessagePayloadSize=settings.HOLDFAST_MAX_MESSAGE_BYTES,
            maxFramePayloadSize=settings.HOLDFAST_MAX_MESSAGE_BYTES,
            # onMessage decodes, and closes with the code of the protocol.
            utf8validateIncoming=False,
            autoPingInterval=0,  # check_timeouts pings
        )
        for name in SocketProtocol.CONFIG_ATTRS:
            if name != "perMessageCompressionAccept":  # a function would become a method
                setattr(SocketProtocol, name, getattr(self, name))


def _deny(status: int, reason: str) -> ConnectionDeny:
    return ConnectionDeny(status, reason)  # type: ignore[no-untyped-call]


def with_transport(application: Any) -> Any:
    """Wrap an ASGI application: taking a message from a full queue resumes reading."""

    def wrapped(scope: Any, receive: Any, send: Any) -> Any:
        protocol = scope.get("holdfast.outlet")
        if protocol is not None:
            receive = partial(protocol.next_message, receive)
        return application(scope, receive, send)

    return wrapped
