"""One HTTP request of ``manage.py serve``: Daphne's protocol, with bounds on what comes in and on what waits to go out."""

import asyncio
from typing import Any, Final

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings

from realtime.core.drain import drain
from realtime.server.websocket_protocol import unsent

STALL_SECONDS: Final = 30.0  # a client that takes nothing for so long is cut off
STALL_CHECK_SECONDS: Final = 0.05


class RequestProtocol(WebRequest):
    """One HTTP request."""

    check_at = 0.0
    _received = 0

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that is announced too large.

        Daphne takes any, in memory and in temporary files, before the application runs.
        """
        super().gotLength(length)
        if length is not None and length > settings.HOLDFAST_MAX_BODY_BYTES:
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:
        """Refuse a body that turns out too large."""
        self._received += len(data)
        if self._received <= settings.HOLDFAST_MAX_BODY_BYTES:
            super().handleContentChunk(data)
        else:
            self._refuse_body()

    def _refuse_body(self) -> None:
        if self.channel is not None:
            self.channel.transport.write(
                b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
            self.channel.loseConnection()

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Carry out one message of the application; while draining, answer and hang up, so that the proxy asks another node next time."""
        if drain.begun and message["type"] == "http.response.start" and self.channel is not None:
            self.channel.persistent = False
            self.setHeader(b"connection", b"close")
        super().handle_reply(message)

    async def drained(self) -> None:
        """Return when the client has taken most of what was written; cut off one that takes nothing.

        Daphne's ``send`` never waits: a stream of events to a client that does not read would grow in memory without end.
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
    """Makes the channel of each connection."""

    def buildProtocol(self, addr: Any) -> Any:
        """Return a channel whose requests are ours."""
        channel = super().buildProtocol(addr)
        channel.requestFactory = RequestProtocol
        return channel
