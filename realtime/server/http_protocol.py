"""One HTTP request of ``manage.py serve``: Daphne's protocol with bounds in both directions."""

import asyncio
from typing import Any, Final

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.web.http import _GenericHTTPChannelProtocol

from realtime.core.drain import drain
from realtime.server.connections import RequestChannel
from realtime.server.websocket_protocol import unsent

STALL_SECONDS: Final = 30.0  # a client that reads nothing for this long is disconnected
STALL_CHECK_SECONDS: Final = 0.05


class RequestProtocol(WebRequest):
    """One HTTP request."""

    check_at = 0.0
    _received = 0

    def gotLength(self, length: int | None) -> None:
        """Refuse a body whose announced length is too large.

        Daphne stores any body, in memory and in temporary files, before the application runs.
        """
        super().gotLength(length)
        if length is not None and length > settings.HOLDFAST_MAX_BODY_BYTES:
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:
        """Refuse a body that grows too large."""
        self._received += len(data)
        if self._received <= settings.HOLDFAST_MAX_BODY_BYTES:
            super().handleContentChunk(data)
        else:
            self._refuse_body()

    def release(self) -> None:
        """Let go of the channel if its connection is a WebSocket now, so that both are freed.

        In all other cases Twisted has done so (``SocketProtocol.release`` says why).
        """
        if (channel := self.__dict__.pop("channel", None)) is not None:
            channel.requests.clear()

    def _refuse_body(self) -> None:
        if self.channel is not None:
            self.channel.transport.write(
                b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
            self.channel.loseConnection()

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Handle one message of the application.

        While draining, close the connection after the response, so that the proxy uses another
        node.
        """
        if drain.begun and message["type"] == "http.response.start" and self.channel is not None:
            self.channel.persistent = False
            self.setHeader(b"connection", b"close")
        super().handle_reply(message)

    async def drained(self) -> None:
        """Wait until the client has read most of the response; disconnect one that reads nothing.

        Daphne's ``send`` never waits: an event stream to a client that does not read would grow in
        memory without bound.
        """
        channel = self.channel
        waited, before = 0.0, None
        while (
            self.channel is channel
            and channel is not None
            and (now := unsent(channel.transport)) > settings.HOLDFAST_SOFT_MARK
        ):
            waited = waited + STALL_CHECK_SECONDS if now == before else 0.0
            before = now
            if waited > STALL_SECONDS:
                channel.transport.abortConnection()
                return
            await asyncio.sleep(STALL_CHECK_SECONDS)


class RequestFactory(HTTPFactory):
    """Creates the channel of each connection."""

    def buildProtocol(self, addr: Any) -> Any:
        """Return a channel that uses ``RequestProtocol``."""
        channel = super().buildProtocol(addr)
        channel.requestFactory = RequestProtocol
        return channel

    def protocol(self) -> Any:
        """Make a channel. Twisted's own has no deadline."""
        return _GenericHTTPChannelProtocol(RequestChannel())
