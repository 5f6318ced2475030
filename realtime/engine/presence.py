"""Presence in this process: the pure ``Presence``, fed by sockets and other processes' messages."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from realtime.core.publishing import CLUSTER_GROUP, group
from realtime.engine.channel_layer import ChannelLayerClient, LayerMessage
from realtime.protocol.presence import Presence
from realtime.protocol.user_ids import UserId, WireId, wire_id

log = logging.getLogger("holdfast.presence")

ANSWER_SECONDS = 1.5  # the other processes answer with their next tick
TICK_SECONDS = 1.0  # joins and leaves are sent together this often; a join shows within 2 s


class PresenceTracker:
    """Tracks which users follow which stream, on all nodes."""

    def __init__(
        self,
        node: str,
        layer: ChannelLayerClient,
        show: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        process = f"{node}-{secrets.token_hex(4)}"  # a restarted node is another process
        self._presence = Presence(process, linger=settings.HOLDFAST_PRESENCE_LINGER_SECONDS)
        self._layer = layer
        self._show = show
        # When the answers about a stream will have arrived; monotonic.
        self._answers_at: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to announce joins and leaves."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; the other processes notice when the heartbeat is missing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def join(self, stream: str, user_id: UserId) -> None:
        """Count one more socket of a user."""
        self._presence.join(stream, wire_id(user_id), time.monotonic())

    def leave(self, stream: str, user_id: UserId) -> None:
        """Count one socket less."""
        self._presence.leave(stream, wire_id(user_id), time.monotonic())

    def on_message(self, message: LayerMessage) -> None:
        """Take in a message of another process."""
        self._presence.receive(dict(message), time.monotonic())

    def present(self, stream: str) -> tuple[int, list[WireId] | None]:
        """Return how many users are present, and their ids; None if they are too many to list."""
        return self._presence.present(stream)

    async def ask(self, stream: str) -> tuple[int, list[WireId] | None]:
        """Return the same for any stream; if this process does not follow it, ask the others."""
        now = time.monotonic()
        if self._presence.watch(stream, now):
            self._answers_at[stream] = now + ANSWER_SECONDS
            self.tick()  # sends the question
        # Callers that ask meanwhile wait for the same answers.
        await asyncio.sleep(self._answers_at.get(stream, now) - now)
        return self.present(stream)

    def tick(self) -> None:
        """Send and show what is due."""
        now = time.monotonic()
        self._answers_at = {stream: at for stream, at in self._answers_at.items() if at > now}
        sends, changes = self._presence.due(now)
        for stream, message in sends:
            self._layer.send(CLUSTER_GROUP if stream is None else group(stream), message)
        for change in changes:
            self._show(change.stream, "presence", change.data)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self.tick()
            except Exception:
                log.exception("presence failed")
