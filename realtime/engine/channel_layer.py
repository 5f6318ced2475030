"""The only file that speaks to the channel layer: one channel a process, one group a followed stream, one group for the cluster.

The layer is a hint, never the truth: sending never waits and never fails a caller, and hearing nothing is noticed by a heartbeat of our
own, because Channels' Redis layers report neither a lost connection nor a lost message.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from realtime.core import metrics
from realtime.core.publishing import CLUSTER_GROUP, SEND_TIMEOUT_SECONDS

log = logging.getLogger("holdfast.layer")

# Our own message to ourselves: a layer that refuses is noticed in that time, and who signs out is
# out within another half.
BEAT_SECONDS = 1.0
SILENCE_SECONDS = 4.0  # without hearing them: a layer that accepts and never answers is noticed
RETRY_SECONDS = 1.0  # between attempts to open our channel again
MAX_OUTGOING = 5000  # messages that wait to be sent; what does not fit is left to the head check

Message = Mapping[str, Any]


class Layer:
    """The process' end of the channel layer."""

    def __init__(
        self,
        node: str,
        heard: Callable[[Message], None],
        doubted: Callable[[], None],
        groups: Callable[[], Collection[str]],
    ) -> None:
        self._node = node
        self._heard = heard
        # Something may have been missed: when the silence is noticed, and when it is over.
        self._doubted = doubted
        self._groups = groups  # those that must be joined anew when the channel is
        self._layer: Any = get_channel_layer()
        self._channel: str | None = None
        self._outgoing: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(MAX_OUTGOING)
        # One group on each server of the layer, and when our own beat was last heard there
        # (monotonic).
        self._beats: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._returning: asyncio.Task[None] | None = None
        self.degraded = False

    @property
    def lonely(self) -> bool:
        """True where no other process can be reached: nothing needs to be sent."""
        return self._layer is None or isinstance(self._layer, InMemoryChannelLayer)

    def start(self) -> None:
        """Begin to listen, to send and to beat."""
        if not self.lonely:
            self._beats = dict.fromkeys(_one_group_a_server(self._layer), time.monotonic())
            self._tasks = [
                asyncio.create_task(work())
                for work in (self._listen, self._send_waiting, self._beat)
            ]

    async def stop(self) -> None:
        """Leave the layer."""
        tasks = [*self._tasks, *filter(None, [self._returning])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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

    async def _attempt(self, call: Any) -> None:
        try:
            # Not wait_for: before Python 3.12 it could swallow a cancellation, and a node would
            # never end its drain.
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await call
        except Exception as error:  # noqa: BLE001  every layer raises its client's own errors
            metrics.layer_errors.inc()
            # At once, and not when the next beats stay away: from now on heads are read twice a
            # second.
            self._silent(f"{type(error).__name__}: {error}")

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
        for group in [*self._beats, *self._groups()]:
            await self._layer.group_add(group, self._channel)

    def _hear(self, message: Message) -> None:
        if message["type"] == "beat":
            if message["node"] == self._node:
                self._heard_beat(message["group"])
        elif message.get("node") != self._node:
            try:
                self._heard(message)
            except (
                # a message of another release, or a bug; one message must not deafen the node.
                Exception
            ):
                log.exception(
                    "message from the channel layer not understood",
                    extra={"type": message.get("type")},
                )

    def _heard_beat(self, group: str) -> None:
        self._beats[group] = now = time.monotonic()
        fresh = all(now - heard < SILENCE_SECONDS for heard in self._beats.values())
        if self.degraded and fresh and (self._returning is None or self._returning.done()):
            self._returning = asyncio.create_task(self._return())

    async def _return(self) -> None:
        """Be heard again.

        A group that was joined while the layer was away is in none of its lists; joining one twice changes nothing. Then, and not before,
        everything is compared with the database once.
        """
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self._rejoin()
        except Exception:  # noqa: BLE001  as above; the next beat tries again
            metrics.layer_errors.inc()
            return
        self.degraded = False
        metrics.degraded.set(0)
        log.info("channel layer heard again")
        self._doubted()

    async def _beat(self) -> None:
        while True:
            for group in self._beats:
                self.send(group, {"type": "beat", "node": self._node, "group": group})
            await asyncio.sleep(BEAT_SECONDS)
            if time.monotonic() - min(self._beats.values()) > SILENCE_SECONDS:
                self._silent("own heartbeat not heard")

    def _silent(self, why: str) -> None:
        if not self.degraded:
            self.degraded = True
            self._beats = dict.fromkeys(self._beats, -math.inf)  # each has to be heard anew
            metrics.degraded.set(1)
            log.warning("channel layer not heard, reading heads often", extra={"why": why})
            self._doubted()


def _one_group_a_server(layer: Any) -> list[str]:
    """Return groups that together lie on every server of the layer, the cluster's first.

    Several Redis servers share the groups by a hash of the name, and one of them can be away alone.
    """
    servers = getattr(layer, "_shards", None)
    if servers is None or len(servers) == 1:
        return [CLUSTER_GROUP]
    found: dict[int, str] = {}
    for number in count():
        group = CLUSTER_GROUP if number == 0 else f"{CLUSTER_GROUP}-{number}"
        found.setdefault(id(layer._get_shard(layer._get_group_channel_name(group))), group)
        if len(found) == len(servers):
            return list(found.values())
    raise AssertionError("a hash that never reaches a server")
