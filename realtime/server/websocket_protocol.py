"""One WebSocket of ``manage.py serve``: Daphne's protocol, with bounds, real close codes and a fast way out.

What Daphne (4.2) and autobahn (26.10) do, and why that is not enough, stands where it is changed. Everything runs on the event loop.
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

from realtime.core import metrics
from realtime.core.drain import drain
from realtime.engine.outbound import Prepared
from realtime.protocol import frames
from realtime.protocol.codes import CloseCode
from realtime.protocol.websocket_frames import PING, after_pong, shortened, whole_text

log = logging.getLogger("holdfast.server")

# At once; autobahn copies what is left after each frame, so a large read of small frames costs its
# square.
READ_BYTES: Final = 16 * 1024
# The kernel's, of one socket; Linux would let it grow to 4 MiB for each client that does not read.
SEND_BUFFER_BYTES: Final = 128 * 1024
# Frames of one message; the limit of bytes does not see empty ones, and a list of them grows
# without end.
MAX_FRAGMENTS: Final = 1024
INTERNAL_ERROR: Final = 1011

# autobahn formats all options of a connection, and the values of its debug lines, before it asks
# whether anybody prints them: a third of the CPU time of a handshake.
for _module in (autobahn, autobahn_twisted):
    for _name in ("pformat", "hltype", "hlval"):
        setattr(_module, _name, repr)


def unsent(transport: Any) -> int:
    """Return the bytes that a Twisted transport has taken and the kernel has not."""
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)


class SocketProtocol(WebSocketProtocol):
    """One WebSocket. The consumer finds it in the scope as ``holdfast.transport`` (``realtime.engine.outbound.Transport``)."""

    on_drained: Callable[[], None] | None = None
    # The consumer's: finish what is under way, say bye, close.
    on_leave: Callable[[float], None] | None = None
    reading = True
    _fragments = 0
    _pinged_at = 0.0  # monotonic; 0: everything was answered
    check_at = 0.0  # monotonic: before it no check can find anything

    # The handshake --------------------------------------------------------------------------------

    def onConnect(self, request: Any) -> Any:
        """Take over the connection from HTTP.

        Daphne leaves the HTTP channel registered as the producer of the transport: a client that reads slowly is then no longer read
        from, and nothing bounds or reports what is unsent. So we are the producer, and hear when the buffer has drained.
        """
        if drain.begun:
            metrics.handshakes.labels("draining").inc()
            raise _deny(503, "restarting")
        self.heard = time.monotonic()
        self.transport.unregisterProducer()
        # Above it, Twisted calls pauseProducing.
        self.transport.bufferSize = min(READ_BYTES, settings.HOLDFAST_SOFT_MARK)
        self.transport.registerProducer(self, True)
        self.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        return super().onConnect(request)

    def accept(self, subprotocol: str | None, headers: Any) -> None:
        """Complete the handshake.

        Daphne drops the headers of ``websocket.accept``.
        """
        self.handshake_deferred.callback(
            (
                subprotocol,
                {name.decode("latin-1"): value.decode("latin-1") for name, value in headers},
            )
        )
        del self.handshake_deferred
        if drain.begun:  # it began while this one was being identified
            self.leave(0.0)

    def onOpen(self) -> None:
        """Let go of the request, which would stay in memory as long as the socket."""
        super().onOpen()
        self.http_headers.clear()
        self.http_request_data = b""

    # The way out ----------------------------------------------------------------------------------

    def write_frame(self, frame: bytes) -> None:
        """Send one complete frame; after a close it goes nowhere.

        Twisted never writes at once: it buffers, and asks epoll to be told when it may write, and not to be told any more. Where
        nothing is buffered the kernel nearly always takes the frame whole, in one system call instead of three.
        """
        if self.state != self.STATE_OPEN:
            return
        transport = self.transport
        if not transport.dataBuffer and not transport._tempDataBuffer:
            try:
                sent = transport.socket.send(frame)
            except (
                # full, or broken: the write below waits, or finds out and ends the connection.
                OSError
            ):
                sent = 0
            if sent == len(frame):
                return
            frame = frame[sent:]
        transport.write(frame)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Send what autobahn has framed.

        It formats two strings for a debug line of each write.
        """
        self.transport.write(data)

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return unsent(self.transport)

    def pauseProducing(self) -> None:
        """Hear from Twisted that much is unsent. Nothing to do: whoever writes looks at ``unsent``."""

    def resumeProducing(self) -> None:
        """Hear from Twisted that all of it has gone out (the kernel's own buffer is still full, so nothing idles)."""
        if self.on_drained is not None:
            self.on_drained()

    def stopProducing(self) -> None:
        """Hear from Twisted that the connection is lost; ``onClose`` follows."""

    # The end --------------------------------------------------------------------------------------

    def close(self, code: int, reason: str) -> None:
        """Close with any code, and with its reason. The client has ``HOLDFAST_CLOSE_SECONDS`` to answer.

        autobahn's ``sendClose`` refuses every code below 3000 but 1000, so a restart (1012) would become an error (1011); Daphne
        drops the reason. ``sendCloseFrame`` takes both.
        """
        if self.state != self.STATE_OPEN:
            return
        self.sendCloseFrame(code=int(code), reasonUtf8=shortened(reason))
        self.resume_reading()  # the client's answer has to be read

    def leave(self, retry_after: float) -> None:
        """Send the client to another node: it comes back after ``retry_after`` seconds."""
        if self.on_leave is not None:
            self.on_leave(retry_after)
            return
        self.write_frame(Prepared(frames.bye("restart", retry_after)).frame)
        self.close(CloseCode.RESTART, CloseCode.RESTART.reason)

    def cut(self) -> None:
        """End the connection now."""
        self.dropConnection(abort=True)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Hear that the connection has ended.

        Daphne fails here for one that ended before its handshake was read.
        """
        if hasattr(self, "server"):
            super().onClose(wasClean, code, reason)

    # The way in -----------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Take in bytes.

        autobahn makes six objects of each frame. Whole texts and pongs pass it by while it is between two messages.
        """
        self.heard = time.monotonic()
        self._pinged_at = 0.0  # any sign of life answers
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
        """Begin a message."""
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        """Begin a frame of a message; too many of them, even empty ones, are too big."""
        self._fragments += 1
        if self._fragments > MAX_FRAGMENTS and not self.failedByMe:
            self._max_message_size_exceeded(self._fragments, MAX_FRAGMENTS, "too many fragments")
        super().onMessageFrameBegin(length)

    def _max_message_size_exceeded(self, size: int, limit: int, reason: str) -> None:
        """Close with 1009.

        Daphne lets autobahn cut the connection, and the client sees 1006 and never learns why.
        """
        metrics.closes.labels(str(int(CloseCode.TOO_BIG))).inc()
        if self.on_leave is not None:  # greeted: the last object says why
            self.write_frame(Prepared(frames.bye(CloseCode.TOO_BIG.reason, None)).frame)
        self._fail_connection(int(CloseCode.TOO_BIG), CloseCode.TOO_BIG.reason)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Queue a message for the consumer, and stop reading while too many wait.

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
                self.close(CloseCode.BAD_FRAME, "a text message was not UTF-8")
                return
        self.application_queue.put_nowait(message)
        if self.reading and self.application_queue.qsize() >= settings.HOLDFAST_INBOUND_QUEUE:
            self.reading = False
            self.transport.pauseProducing()

    async def next_message(self, receive: Callable[[], Any]) -> Any:
        """Be ASGI's ``receive``: hand out the next message, and read on when the queue is half empty."""
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
            self.heard = time.monotonic()  # it was us who did not listen
            self.transport.resumeProducing()

    def onPing(self, payload: bytes) -> None:
        """Answer a ping, unless the answers pile up: a client that pings and never reads would fill our memory."""
        if self.unsent <= settings.HOLDFAST_SOFT_MARK:
            super().onPing(payload)

    # What ASGI sends ------------------------------------------------------------------------------

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Carry out one message of the application.

        What crosses a close is nobody's error and goes nowhere. (autobahn raises, and the consumer dies of it.)
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
                self.write_frame(Prepared(message["text"].encode()).frame)
            case "websocket.send" if self.state == self.STATE_OPEN:
                self.sendFrame(opcode=2, payload=message.get("bytes") or b"")

    def handle_exception(self, exception: BaseException) -> None:
        """End the connection of an application that failed."""
        if hasattr(self, "handshake_deferred"):
            self.handshake_deferred.errback(_deny(500, "Internal server error"))
            del self.handshake_deferred
        else:
            self.close(INTERNAL_ERROR, "internal error")

    # Time -----------------------------------------------------------------------------------------

    def check_timeouts(self) -> None:
        """Ping a silent client, and close one that does not answer (4001). Called every two seconds once ``check_at`` has passed.

        Daphne counts from the last message and not from the last pong, keeps one timer for overlapping pings, so that a late pong
        cannot stop it, and closes every connection that is a day old.
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
        self.check_at = self.heard + settings.HOLDFAST_PING_AFTER_SECONDS
        if now > self.check_at:
            self._pinged_at = now
            self.check_at = now + settings.HOLDFAST_PONG_SECONDS
            self.write_frame(PING)

    def forgive(self, seconds: float) -> None:
        """Do not hold a stop of our own process (a debugger, a suspended machine) against the client."""
        self.heard += seconds
        if self._pinged_at:
            self._pinged_at += seconds

    def __repr__(self) -> str:
        return f"<socket of {self.peer}>"


class SocketFactory(WebSocketFactory):
    """Makes a ``SocketProtocol`` for each upgrade."""

    protocol = SocketProtocol

    def configure(self) -> None:
        """Set autobahn's options, and put them on the class: it copies thirty attributes into every connection that lacks them."""
        self.setProtocolOptions(
            allowNullOrigin=True,  # realtime.auth decides about origins
            failByDrop=False,  # a real close frame for a violation
            openHandshakeTimeout=settings.HOLDFAST_HANDSHAKE_SECONDS,
            closeHandshakeTimeout=settings.HOLDFAST_CLOSE_SECONDS,
            # Inbound only: our frames pass by autobahn, which would hold the same limit against
            # what we send.
            maxMessagePayloadSize=settings.HOLDFAST_MAX_MESSAGE_BYTES,
            maxFramePayloadSize=settings.HOLDFAST_MAX_MESSAGE_BYTES,
            # OnMessage decodes, and closes with the code of the protocol.
            utf8validateIncoming=False,
            autoPingInterval=0,  # check_timeouts pings
        )
        for name in SocketProtocol.CONFIG_ATTRS:
            if name != "perMessageCompressionAccept":  # a function would become a method
                setattr(SocketProtocol, name, getattr(self, name))


def _deny(status: int, reason: str) -> ConnectionDeny:
    return ConnectionDeny(status, reason)  # type: ignore[no-untyped-call]


def with_transport(application: Any) -> Any:
    """Wrap an ASGI application so that taking messages from a WebSocket's queue lets the server read on."""

    def wrapped(scope: Any, receive: Any, send: Any) -> Any:
        transport = scope.get("holdfast.transport")
        return application(
            scope, receive if transport is None else partial(transport.next_message, receive), send
        )

    return wrapped
