"""A reader without a socket: a long poll or a stream of server-sent events.

It pulls at its own pace, so nothing is queued for it.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from realtime.auth import Account
from realtime.engine.stream_tail import StreamTail
from realtime.protocol.errors import Reset
from realtime.protocol.page import AccessEnd, Page

REWOUND: Final = "The database was restored; load a snapshot."


class AccessEnded(Exception):
    """The reader has lost access; ``reason`` is the one of the ``closed`` object."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HttpFollower:
    """Follows one stream from a position."""

    def __init__(
        self,
        tail: StreamTail,
        *,
        account: Account,
        after: int,
        read: Callable[[str, int | None], Awaitable[Page]],
    ) -> None:
        self.account = account
        self.position = after
        self._tail = tail
        self._read = read
        self._reason: str | None = None
        self._rewound = False

    async def next(self, timeout: float) -> Page | None:
        """Return the next page as soon as there is one, or None after ``timeout`` seconds.

        Raises ``AccessEnded``, ``Reset`` or ``Unavailable``.
        """
        await self._check()
        if self.position <= self._tail.position and not await self._tail.beyond(
            self.position, timeout, self._has_ended
        ):
            await self._check()
            return None
        await self._check()
        page = await self._read(self._tail.name, self.position)
        await self._check()
        self.position = page.to
        return page

    def end(self, tail: StreamTail | None, end: AccessEnd) -> bool:
        """Lose access. Returns whether ``end`` concerns this reader."""
        concerns_this = end.credential in (None, self.account.credential) and (
            end.code is not None or tail is self._tail
        )
        if concerns_this:
            self._reason = end.reason
            self._tail.wake()
        return concerns_this

    def rewind(self) -> None:
        """Continue no further: the position is of another history than the database."""
        self._rewound = True
        self._tail.wake()

    def _has_ended(self) -> bool:
        return self._rewound or self._reason is not None

    async def _check(self) -> None:
        if self._reason is not None:
            raise AccessEnded(self._reason)
        if self._rewound:
            head = (await self._read(self._tail.name, None)).head
            raise Reset(REWOUND, head=head)
