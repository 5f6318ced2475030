"""A reader without a socket: a long poll or a stream of server-sent events. It pulls at its own pace, so nothing is queued for it."""

from collections.abc import Awaitable, Callable

from realtime.auth import Account
from realtime.engine.stream_tail import LiveTail
from realtime.protocol.page import End, Page


class FeedEnded(Exception):
    """The reader's right has ended; ``reason`` is the word for ``closed``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Feed:
    """Follows one stream from a position."""

    def __init__(
        self,
        live: LiveTail,
        *,
        account: Account,
        after: int,
        read: Callable[[str, int], Awaitable[Page]],
    ) -> None:
        self.account = account
        self.position = after
        self._live = live
        self._read = read
        self._reason: str | None = None

    async def next(self, timeout: float) -> Page | None:
        """Return the next page as soon as there is one, or None after ``timeout`` seconds.

        Raises ``FeedEnded`` when the reader has lost the right, ``Reset``, ``Unavailable``.
        """
        self._check()
        if self.position <= self._live.position and not await self._live.beyond(
            self.position, timeout, self._ended
        ):
            self._check()
            return None
        self._check()
        page = await self._read(self._live.name, self.position)
        self._check()
        self.position = page.to
        return page

    def end(self, live: LiveTail | None, end: End) -> bool:
        """Lose a right. Tells whether it was one of this feed's."""
        is_ours = end.credential in (None, self.account.credential) and (
            end.code is not None or live is self._live
        )
        if is_ours:
            self._reason = end.reason
            self._live.wake()
        return is_ours

    def _ended(self) -> bool:
        return self._reason is not None

    def _check(self) -> None:
        if self._reason is not None:
            raise FeedEnded(self._reason)
