"""The queue between a connection and its application's ``receive``."""

import asyncio
from typing import Any


class ReceiveQueue:
    """An unbounded ``asyncio.Queue`` for one reader.

    The queue of the standard library has four deques: 2.5 KB for every idle socket.
    """

    __slots__ = ("_messages", "_reader")

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._reader: asyncio.Future[None] | None = None

    def put_nowait(self, message: dict[str, Any]) -> None:
        """Add a message without waiting."""
        self._messages.append(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> dict[str, Any]:
        """Wait for the next message, remove it and return it."""
        while not self._messages:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._messages.pop(0)

    def qsize(self) -> int:
        """Return the number of queued messages."""
        return len(self._messages)
