"""One client's socket as the hub sees it: its account, its subscriptions, and its way out."""

import asyncio
import random
import secrets
from collections.abc import Callable, Collection
from typing import Final

from django.conf import settings

from realtime.auth import Account
from realtime.core import metrics
from realtime.core.streams import Reader
from realtime.engine.outbound import Outlet, Prepared
from realtime.engine.stream_tail import StreamTail
from realtime.protocol import frames
from realtime.protocol.codes import CloseCode
from realtime.protocol.delivery import Backpressure, Delivery
from realtime.protocol.page import AccessEnd, Page

RETURNS_PER_SECOND: Final = 200  # sockets of a node that were all sent away at once
MAX_RETURN_SECONDS: Final = 10.0


class Joining:
    """The streams that a socket is subscribing to, while their rights and pages are being read."""

    __slots__ = ("_names", "revoked")

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self.revoked: set[str] = set()  # streams whose access was taken away meanwhile

    def revoke(self, name: str) -> None:
        """Record that the user lost access to a stream before the answer was sent."""
        if name in self._names:
            self.revoked.add(name)


class Socket:
    """A connected client. Runs on the event loop only; no method but ``writable`` waits."""

    def __init__(self, outlet: Outlet, *, account: Account, kinds: Collection[str] | None) -> None:
        self.id = f"c-{secrets.token_hex(6)}"
        self.account = account
        self.reader = Reader(account.user_id, account.is_moderator)
        self.kinds = kinds  # prefixes of the streams that this endpoint carries; None: all
        self.following: dict[str, StreamTail] = {}
        self.watching: list[StreamTail] = []  # the personal streams, subscribed or not
        self.joining: Joining | None = None  # while a `subscribe` command is being answered
        self.closed = False
        # Set by the hub; called when a subscription begins, and when it ends for any reason.
        self.on_joined: Callable[[Socket, StreamTail], None] = _nothing
        self.on_left: Callable[[Socket, StreamTail], None] = _nothing
        self._outlet = outlet
        self._delivery = Delivery(settings.HOLDFAST_SOFT_MARK, settings.HOLDFAST_HARD_MARK)
        self._drain: asyncio.Future[None] | None = None
        outlet.on_drained = self._drained

    @property
    def slow(self) -> bool:
        """Whether more is unsent than the soft mark allows."""
        return self._outlet.unsent > settings.HOLDFAST_SOFT_MARK

    def send(self, payload: bytes) -> None:
        """Write one object or array; a socket whose buffer is above the hard mark is closed."""
        if self.closed:
            return
        if self._delivery.backpressure(self._outlet.unsent) is Backpressure.CLOSE:
            self.close(CloseCode.TOO_SLOW)
        else:
            self._outlet.write(Prepared(payload))

    async def writable(self) -> None:
        """Wait until the client has read enough to be sent more replies, or is gone."""
        while self.slow and not self.closed:
            self._drain = asyncio.get_running_loop().create_future()
            await self._drain

    def push(self, tail: StreamTail, message: Prepared) -> None:
        """Write a flush that many sockets share, or fall behind."""
        match self._delivery.backpressure(self._outlet.unsent):
            case Backpressure.SEND:
                self._outlet.write(message)
            case Backpressure.SKIP:
                self.fall(tail)
            case Backpressure.CLOSE:
                self.close(CloseCode.TOO_SLOW)

    def answered(self, tail: StreamTail, page: Page) -> None:
        """Record that ``page`` is being sent now, which makes the subscription level or behind."""
        is_new = tail.name not in self.following
        self._delivery.answered(tail.name, page)
        if self._delivery.is_level(tail.name):
            tail.admit(self, page.to)
        else:
            tail.demote(self)
        if is_new:
            self.following[tail.name] = tail
            self.on_joined(self, tail)

    def fall(self, tail: StreamTail) -> None:
        """Become behind on a stream; the client is notified once, as soon as it reads again."""
        metrics.fell_behind.inc()
        tail.demote(self)
        self._delivery.fall(tail.name)
        self._send_behind()

    def leave(self, tail: StreamTail) -> None:
        """End the subscription to a stream."""
        self._delivery.left(tail.name)
        del self.following[tail.name]
        tail.remove(self)
        self.on_left(self, tail)

    def end(self, tail: StreamTail | None, end: AccessEnd) -> bool:
        """Lose access: close, or end the subscription of ``tail``. Returns whether it had any."""
        if end.credential not in (None, self.account.credential):
            return False
        if end.code is not None or tail is None:
            was_open = not self.closed
            self.close(end.code or CloseCode.SESSION_ENDED, end.reason)
            return was_open
        if self.joining is not None:
            self.joining.revoke(tail.name)
        if tail.name not in self.following:
            return False
        self.leave(tail)
        self.send(frames.closed(tail.name, end.reason))
        return True

    def close(self, code: int, reason: str = "", *, retry_after: float | None = None) -> None:
        """Send the reason in a last ``bye`` object, and close."""
        if self.closed:
            return
        self.closed = True
        known = CloseCode(code)
        metrics.closes.labels(str(code)).inc()
        for tail in tuple(self.following.values()):
            self.leave(tail)
        if known is not CloseCode.TOO_SLOW:
            self._outlet.write(Prepared(frames.bye(reason or known.reason, retry_after)))
        self._outlet.close(code, reason or known.reason)

    def _drained(self) -> None:
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)
        if not self.closed:
            self._send_behind()

    def _send_behind(self) -> None:
        for name in self._delivery.drained(self._outlet.unsent):
            if tail := self.following.get(name):
                self._outlet.write(Prepared(frames.behind(name, tail.position)))


def send_away(sockets: Collection[Socket], reason: str) -> None:
    """Close sockets, each with its own time to come back and load snapshots."""
    spread = min(MAX_RETURN_SECONDS, len(sockets) / RETURNS_PER_SECOND)
    for socket in sockets:
        socket.close(CloseCode.RESTART, reason, retry_after=spread * random.random())  # noqa: S311


def _nothing(socket: Socket, tail: StreamTail) -> None:
    """Do nothing, until the socket is attached to a hub."""
