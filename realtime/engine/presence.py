"""Presence at work: the pure ``Presence`` of this process, fed by sockets and by what other processes say, once a second."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from realtime.core.publishing import CLUSTER_GROUP, group
from realtime.engine.channel_layer import Layer, Message
from realtime.protocol.presence import Presence

log = logging.getLogger("holdfast.presence")

ANSWER_SECONDS = 1.5  # others answer with their next tick
TICK_SECONDS = 1.0  # joins and leaves are coalesced for so long; design: a join is seen within 2 s


class PresenceDesk:
    """Who follows what, on all nodes."""

    def __init__(
        self, node: str, layer: Layer, show: Callable[[str, str, dict[str, Any]], None]
    ) -> None:
        process = f"{node}-{secrets.token_hex(4)}"  # a node that is started anew is another process
        self._presence = Presence(process, linger=settings.HOLDFAST_PRESENCE_LINGER_SECONDS)
        self._layer = layer
        self._show = show
        # When those who were asked about a stream have answered; monotonic.
        self._answers_at: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to announce."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; the other processes notice by the silence."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def join(self, stream: str, user_id: int) -> None:
        """Count one more socket of a user."""
        self._presence.join(stream, user_id, time.monotonic())

    def leave(self, stream: str, user_id: int) -> None:
        """Count one less."""
        self._presence.leave(stream, user_id, time.monotonic())

    def heard(self, message: Message) -> None:
        """Take what another process says."""
        self._presence.receive(dict(message), time.monotonic())

    def present(self, stream: str) -> tuple[int, list[int] | None]:
        """Return how many users are present, and who; None where they are too many to list."""
        return self._presence.present(stream)

    async def asked(self, stream: str) -> tuple[int, list[int] | None]:
        """Return the same for a stream that nobody here may follow. Then the other processes are asked first, which takes a moment."""
        now = time.monotonic()
        if self._presence.watch(stream, now):
            self._answers_at[stream] = now + ANSWER_SECONDS
            self.tick()  # sends the question
        # Who asks meanwhile waits for the same answers.
        await asyncio.sleep(self._answers_at.get(stream, now) - now)
        return self.present(stream)

    def tick(self) -> None:
        """Do what is due."""
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
