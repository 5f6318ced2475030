"""The only file that speaks to the channel layer: one channel a process, one group a followed stream, one group for the cluster.

The layer is a hint, never the truth: sending never waits and never fails a caller, and hearing nothing is noticed by a heartbeat of our
own, because Channels' Redis layers report neither a lost connection nor a lost message.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from realtime import metrics
from realtime.publishing import CLUSTER_GROUP, SEND_TIMEOUT_SECONDS

log = logging.getLogger("holdfast.layer")

BEAT_SECONDS = 3.0  # our own message to ourselves
SILENCE_SECONDS = 9.0  # three beats unheard: degraded. Failure table: noticed within 10 s
RETRY_SECONDS = 1.0  # between attempts to open our channel again
MAX_OUTGOING = 5000  # messages that wait to be sent; what does not fit is left to the head check

Message = Mapping[str, Any]


class Layer:
    """The process' end of the channel layer."""

    def __init__(
        self, node: str, heard: Callable[[Message], None], recovered: Callable[[], None], groups: Callable[[], Collection[str]]
    ) -> None:
        self._node = node
        self._heard = heard
        self._recovered = recovered
        self._groups = groups  # those that must be joined anew when the channel is
        self._layer: Any = get_channel_layer()
        self._channel: str | None = None
        self._outgoing: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(MAX_OUTGOING)
        self._last_heard = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self.degraded = False

    @property
    def lonely(self) -> bool:
        """True where no other process can be reached: nothing needs to be sent."""
        return self._layer is None or isinstance(self._layer, InMemoryChannelLayer)

    def start(self) -> None:
        """Begin to listen, to send and to beat."""
        if not self.lonely:
            self._tasks = [asyncio.create_task(work()) for work in (self._listen, self._send_waiting, self._beat)]

    async def stop(self) -> None:
        """Leave the layer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def join(self, group: str) -> None:
        """Hear ``group`` from now on; where the layer does not answer, from when it does."""
        if self._channel is not None:
            await self._attempt(self._layer.group_add(group, self._channel))

    async def leave(self, group: str) -> None:
        """Hear ``group`` no longer."""
        if self._channel is not None:
            await self._attempt(self._layer.group_discard(group, self._channel))

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Send to the other processes that follow ``group``, soon; may be lost."""
        if self.lonely:
            return
        try:
            self._outgoing.put_nowait((group, message))
        except asyncio.QueueFull:
            metrics.layer_errors.inc()

    async def _attempt(self, call: Any) -> bool:
        try:
            await asyncio.wait_for(call, SEND_TIMEOUT_SECONDS)
        except Exception as error:  # noqa: BLE001  every layer raises its client's own errors
            metrics.layer_errors.inc()
            log.debug("the channel layer did not answer", extra={"error": repr(error)})
            return False
        return True

    async def _send_waiting(self) -> None:
        while True:
            group, message = await self._outgoing.get()
            await self._attempt(self._layer.group_send(group, message))

    async def _listen(self) -> None:
        while True:
            try:
                self._channel = await self._layer.new_channel("hub")
                await self._rejoin()
                while True:
                    message = await self._layer.receive(self._channel)
                    self._hear(message)
            except Exception as error:  # noqa: BLE001  as above
                metrics.layer_errors.inc()
                self._silent(f"{type(error).__name__}: {error}")
                self._channel = None
            await asyncio.sleep(RETRY_SECONDS)

    async def _rejoin(self) -> None:
        for group in [CLUSTER_GROUP, *self._groups()]:
            await self._layer.group_add(group, self._channel)

    def _hear(self, message: Message) -> None:
        if message["type"] == "beat" and message["node"] == self._node:
            self._last_heard = time.monotonic()
            if self.degraded:
                self.degraded = False
                metrics.degraded.set(0)
                log.info("channel layer heard again")
                self._recovered()
        elif message.get("node") != self._node:
            try:
                self._heard(message)
            except Exception:  # a message of another release, or a bug; one message must not deafen the node
                log.exception("message from the channel layer not understood", extra={"type": message.get("type")})

    async def _beat(self) -> None:
        while True:
            self.send(CLUSTER_GROUP, {"type": "beat", "node": self._node})
            await asyncio.sleep(BEAT_SECONDS)
            if time.monotonic() - self._last_heard > SILENCE_SECONDS:
                self._silent("own heartbeat not heard")

    def _silent(self, why: str) -> None:
        if not self.degraded:
            self.degraded = True
            metrics.degraded.set(1)
            log.warning("channel layer not heard, reading heads every second", extra={"why": why})
