"""channels_rabbitmq's layer, made to survive callers that do not wait for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from channels_rabbitmq.core import RabbitmqChannelLayer


class RabbitLayer(RabbitmqChannelLayer):
    """The channel layer of ``amqp://``.

    A caller with a timeout cancels what it awaits, and two futures must not be cancelled: that of the connection, which channels_rabbitmq
    hands out while RabbitMQ is away as well and then cannot fulfil, and that of an operation, which the answer of a RabbitMQ that was
    only slow fails to fulfil. Either ended the task that connects again.
    """

    @property
    def carehare_connection(self) -> Any:
        """The connection, or what will be one."""
        return asyncio.shield(super().carehare_connection)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to all who follow a group."""
        await self._to_the_end(partial(super().group_send, group, message))

    async def group_add(self, group: str, channel: str) -> None:
        """Follow a group."""
        await self._to_the_end(partial(super().group_add, group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        """Follow it no longer."""
        await self._to_the_end(partial(super().group_discard, group, channel))

    async def _to_the_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Carry out an operation that has a connection, whoever still waits for it; a connection that is lost ends it."""
        await self.carehare_connection
        task = asyncio.ensure_future(work())
        # Retrieved, because its caller may have gone.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(task)
