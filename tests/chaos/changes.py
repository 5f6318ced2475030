"""When the people of a run may change what exists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Changes:
    """Changes of what was posted and of who may read, which can be put off for a while."""

    def __init__(self) -> None:
        self._now = 0
        self._condition = asyncio.Condition()
        self._put_off = False

    async def __aenter__(self) -> None:
        async with self._condition:
            await self._condition.wait_for(lambda: not self._put_off)
            self._now += 1

    async def __aexit__(self, *_: object) -> None:
        async with self._condition:
            self._now -= 1
            self._condition.notify_all()

    @asynccontextmanager
    async def put_off(self) -> AsyncIterator[None]:
        """Wait for those that have begun, and let no other begin."""
        async with self._condition:
            self._put_off = True
            await self._condition.wait_for(lambda: self._now == 0)
        try:
            yield
        finally:
            async with self._condition:
                self._put_off = False
                self._condition.notify_all()
