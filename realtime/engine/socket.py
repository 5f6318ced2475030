"""One client's socket as the hub sees it: whose it is, what it follows, and how it is written to."""

import asyncio
import secrets
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from django.conf import settings

from realtime.auth import Account
from realtime.core import metrics
from realtime.core.streams import Reader
from realtime.engine.outbound import Outlet, Prepared
from realtime.protocol import frames
from realtime.protocol.codes import CloseCode
from realtime.protocol.delivery import Backpressure, Delivery
from realtime.protocol.page import End, Page

if TYPE_CHECKING:
    from realtime.engine.stream_tail import LiveTail


class Socket:
    """A connected client. Everything happens on the event loop; nothing here waits."""

    def __init__(self, outlet: Outlet, *, account: Account, kinds: Collection[str] | None) -> None:
        self.id = f"c-{secrets.token_hex(6)}"
        self.account = account
        self.reader = Reader(account.user_id, account.is_moderator)
        self.kinds = kinds  # prefixes of the streams that this endpoint carries; None: all
        self.following: dict[str, LiveTail] = {}
        self.watching: list[LiveTail] = []  # the personal streams, subscribed or not
        self.joining: dict[str, bool] = {}  # streams being subscribed; True: access ended meanwhile
        self.closed = False
        # The hub's: a subscription has begun.
        self.on_joined: Callable[[Socket, LiveTail], None] = _nothing
        self.on_left: Callable[[Socket, LiveTail], None] = _nothing  # or ended, for whatever reason
        self._outlet = outlet
        self._delivery = Delivery(settings.HOLDFAST_SOFT_MARK, settings.HOLDFAST_HARD_MARK)
        self._drain: asyncio.Future[None] | None = None
        outlet.on_drained = self._drained

    @property
    def slow(self) -> bool:
        """Whether more is unsent than the soft mark allows."""
        return self._outlet.unsent > settings.HOLDFAST_SOFT_MARK

    def send(self, payload: bytes) -> None:
        """Write one object or array; a socket in which not even that finds room is closed."""
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

    def push(self, live: "LiveTail", message: Prepared) -> None:
        """Write a flush that many sockets share, or fall behind."""
        match self._delivery.backpressure(self._outlet.unsent):
            case Backpressure.SEND:
                self._outlet.write(message)
            case Backpressure.SKIP:
                self.fall(live)
            case Backpressure.CLOSE:
                self.close(CloseCode.TOO_SLOW)

    def answered(self, live: "LiveTail", page: Page) -> None:
        """Note that ``page`` goes out now: level from here on, or behind."""
        if live.name not in self.following:
            self.following[live.name] = live
            live.subscribers.add(self)
            self.on_joined(self, live)
        self._delivery.answered(live.name, page)
        if self._delivery.is_level(live.name):
            live.level.add(self)
            live.fresh[self] = page.to
        else:
            live.level.discard(self)

    def fall(self, live: "LiveTail") -> None:
        """Be behind on a stream; the client is told once, as soon as it reads."""
        metrics.fell_behind.inc()
        live.level.discard(self)
        self._delivery.fall(live.name)
        self._tell_behind()

    def leave(self, live: "LiveTail") -> None:
        """Follow a stream no longer."""
        self._delivery.left(live.name)
        del self.following[live.name]
        live.subscribers.discard(self)
        live.level.discard(self)
        live.fresh.pop(self, None)
        self.on_left(self, live)

    def end(self, live: "LiveTail | None", end: End) -> bool:
        """Lose a right: the whole socket, or the subscription of one stream. Tells whether there was something to lose."""
        if end.credential not in (None, self.account.credential):
            return False
        if end.code is not None or live is None:
            was_open = not self.closed
            self.close(end.code or CloseCode.SESSION_ENDED, end.reason)
            return was_open
        if live.name in self.joining:
            self.joining[live.name] = True
        if live.name not in self.following:
            return False
        self.leave(live)
        self.send(frames.closed(live.name, end.reason))
        return True

    def close(self, code: int, reason: str = "", *, retry_after: float | None = None) -> None:
        """Say why in a last object, and close."""
        if self.closed:
            return
        self.closed = True
        known = CloseCode(code)
        metrics.closes.of(str(code)).inc()
        for live in tuple(self.following.values()):
            self.leave(live)
        if known is not CloseCode.TOO_SLOW:
            self._outlet.write(Prepared(frames.bye(reason or known.reason, retry_after)))
        self._outlet.close(code, reason or known.reason)

    def _drained(self) -> None:
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)
        if not self.closed:
            self._tell_behind()

    def _tell_behind(self) -> None:
        for name in self._delivery.drained(self._outlet.unsent):
            if live := self.following.get(name):
                self._outlet.write(Prepared(frames.behind(name, live.position)))


def _nothing(socket: Socket, live: "LiveTail") -> None:
    """Stand in for the hub until the socket is attached."""
