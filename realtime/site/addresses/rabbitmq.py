"""channels_rabbitmq's channel layer, made safe for callers with a timeout."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from channels_rabbitmq.core import RabbitmqChannelLayer


class RabbitLayer(RabbitmqChannelLayer):
    """The channel layer of ``amqp://``.

    A caller with a timeout cancels the future that it awaits. Two futures must not be cancelled:
    that of the connection, which channels_rabbitmq also hands out while RabbitMQ is away and then
    cannot resolve, and that of an operation, which the late answer of a slow RabbitMQ cannot
    resolve. Either ended the task that reconnects.
    """

    @property
    def carehare_connection(self) -> Any:
        """The connection, or the future of one, protected from cancellation."""
        return asyncio.shield(super().carehare_connection)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to a group."""
        await self._shielded(partial(super().group_send, group, message))

    async def group_add(self, group: str, channel: str) -> None:
        """Add a channel to a group."""
        await self._shielded(partial(super().group_add, group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        """Remove a channel from a group."""
        await self._shielded(partial(super().group_discard, group, channel))

    async def _shielded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Finish an operation even if its caller gives up; a lost connection ends it."""
        await self.carehare_connection
        task = asyncio.ensure_future(work())
        # Retrieve the exception: the caller may have given up.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(task)
