"""The process' only connection to the channel layer.

It has one channel, one group for each followed stream, and one group for the cluster.

The layer is a hint, never the truth. Sending never waits and never fails a caller. Silence is
noticed by a heartbeat of our own, because Channels' Redis layers report neither a lost connection
nor a lost message.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any, Final

from channels.layers import (
    DEFAULT_CHANNEL_LAYER,
    InMemoryChannelLayer,
    channel_layers,
    get_channel_layer,
)

from realtime.core import metrics, signed_data
from realtime.core.monitoring.repeated_log import RepeatedLog
from realtime.core.publishing import CLUSTER_GROUP, SEND_TIMEOUT_SECONDS

log = logging.getLogger("holdfast.layer")

# Between messages of the process to itself. A layer that refuses them is noticed in this time; the
# head check, then twice as often, closes signed-out sockets within the promised second.
HEARTBEAT_SECONDS = 1.0
# Without a heartbeat from itself: notices a layer that accepts messages and never delivers them.
SILENCE_SECONDS = 4.0
# While the layer is lost, between attempts with new connections: one that is dead without a sign
# takes all that is sent, and redis-py never misses its answers.
REOPEN_SECONDS = 10.0
RETRY_SECONDS = 1.0  # between attempts to open the channel again
MAX_OUTGOING = 5000  # messages that wait to be sent; the head check delivers the others

# Between checks of the heads after messages that are not ours: they may be hints of a node with
# another SECRET_KEY, or come from someone else who can write to the broker.
UNSIGNED_SECONDS = 0.5

LayerMessage = Mapping[str, Any]

_unsigned: Final = RepeatedLog(
    log,
    logging.ERROR,
    "messages of strangers on the channel layer: can others write to the broker?",
)


class ChannelLayerClient:
    """The process' connection to the channel layer.

    ``on_possible_gap`` is called when messages may have been missed: when the layer is lost, and
    when it is back. ``groups`` returns the groups to join again after a new channel was opened.
    """

    def __init__(
        self,
        node: str,
        *,
        on_message: Callable[[LayerMessage], None],
        on_possible_gap: Callable[[], None],
        groups: Callable[[], Collection[str]],
    ) -> None:
        self._node = node
        self._on_message = on_message
        self._on_possible_gap = on_possible_gap
        self._groups = groups
        self._layer: Any = get_channel_layer()
        self._channel: str | None = None
        self._outgoing: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(MAX_OUTGOING)
        # One group on each server of the layer, and when our own heartbeat last arrived through it
        # (monotonic).
        self._heartbeats: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._listening: asyncio.Task[None] | None = None
        self._lost_at = math.inf  # monotonic; or when the connections were last replaced
        self._returning: asyncio.Task[None] | None = None
        self._unsigned_at = -math.inf  # monotonic; the last that led to a check of the heads
        self.degraded = False

    @property
    def has_no_peers(self) -> bool:
        """True if no other process can be reached: nothing needs to be sent."""
        return self._layer is None or isinstance(self._layer, InMemoryChannelLayer)

    @property
    def waiting(self) -> int:
        """Messages that wait to be sent, of at most ``MAX_OUTGOING``."""
        return self._outgoing.qsize()

    def start(self) -> None:
        """Start to listen, to send and to send heartbeats."""
        if not self.has_no_peers:
            self._heartbeats = dict.fromkeys(_one_group_per_server(self._layer), time.monotonic())
            self._listening = asyncio.create_task(self._listen())
            self._tasks = [
                asyncio.create_task(work()) for work in (self._send_waiting, self._send_heartbeats)
            ]

    async def stop(self) -> None:
        """Leave the layer."""
        tasks = [*self._tasks, *filter(None, [self._listening, self._returning])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def join(self, group: str) -> None:
        """Receive from ``group``; if the layer does not answer, from the time it does."""
        if self._channel is not None:
            await self._attempt(self._layer.group_add(group, self._channel))

    async def leave(self, group: str) -> None:
        """Stop to receive from ``group``."""
        if self._channel is not None:
            await self._attempt(self._layer.group_discard(group, self._channel))

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Queue a message to the other processes in ``group``; it may be lost."""
        if self.has_no_peers:
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
            # Without waiting for the heartbeats to be missed: from now on heads are read twice a
            # second.
            self._on_lost(f"{type(error).__name__}: {error}")

    async def _send_waiting(self) -> None:
        while True:
            group, message = await self._outgoing.get()
            await self._attempt(self._layer.group_send(group, signed_data.sign_message(message)))

    async def _listen(self) -> None:
        while True:
            try:
                self._channel = await self._layer.new_channel("hub")
                await self._rejoin()
                while True:
                    self._receive(await self._next_message())
            except Exception as error:  # noqa: BLE001  as above
                metrics.layer_errors.inc()
                self._on_lost(f"{type(error).__name__}: {error}")
                self._channel = None
            await asyncio.sleep(RETRY_SECONDS)

    async def _rejoin(self) -> None:
        for group in [*self._heartbeats, *self._groups()]:
            await self._layer.group_add(group, self._channel)

    async def _next_message(self) -> object:
        try:
            return await self._layer.receive(self._channel)
        except (ValueError, TypeError):
            # Bytes that are no message. The connection is as good as before.
            await asyncio.sleep(0)
            return None

    def _receive(self, received: object) -> None:
        message = signed_data.verified_message(received)
        if message is None:
            return self._on_unsigned()
        if message["type"] == "heartbeat":
            if message["node"] == self._node:
                self._on_heartbeat(message["group"])
        elif message.get("node") != self._node:
            try:
                self._on_message(message)
            # A message of another release, or a bug: one message must not stop the node from
            # receiving the others.
            except Exception:
                log.exception(
                    "message from the channel layer not understood",
                    extra={"type": message.get("type")},
                )

    def _on_unsigned(self) -> None:
        metrics.layer_unsigned.inc()
        _unsigned.note()
        now = time.monotonic()
        if now - self._unsigned_at >= UNSIGNED_SECONDS:
            self._unsigned_at = now
            self._on_possible_gap()

    def _on_heartbeat(self, group: str) -> None:
        self._heartbeats[group] = now = time.monotonic()
        all_recent = all(now - at < SILENCE_SECONDS for at in self._heartbeats.values())
        if self.degraded and all_recent and (self._returning is None or self._returning.done()):
            self._returning = asyncio.create_task(self._return())

    async def _return(self) -> None:
        """Join all groups again, then compare everything with the database once.

        A group that was joined while the layer was away is in none of its lists; joining a group
        twice changes nothing.
        """
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self._rejoin()
        except Exception:  # noqa: BLE001  as above; the next heartbeat tries again
            metrics.layer_errors.inc()
            return
        self.degraded = False
        metrics.degraded.set(0)
        log.info("channel layer is back")
        self._on_possible_gap()

    async def _send_heartbeats(self) -> None:
        while True:
            for group in self._heartbeats:
                self.send(group, {"type": "heartbeat", "node": self._node, "group": group})
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if time.monotonic() - min(self._heartbeats.values()) > SILENCE_SECONDS:
                self._on_lost("own heartbeat not received")
            if self.degraded and time.monotonic() - self._lost_at > REOPEN_SECONDS:
                await self._reopen()

    async def _reopen(self) -> None:
        """Listen and send on new connections."""
        self._lost_at = time.monotonic()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening}, timeout=SEND_TIMEOUT_SECONDS)
        old, self._layer = self._layer, new_layer()
        self._channel = None
        self._listening = asyncio.create_task(self._listen())
        if close := getattr(old, "close", None) or getattr(old, "flush", None):
            await self._attempt(close())

    def _on_lost(self, reason: str) -> None:
        if not self.degraded:
            self.degraded = True
            self._lost_at = time.monotonic()
            # Each group has to deliver a heartbeat again.
            self._heartbeats = dict.fromkeys(self._heartbeats, -math.inf)
            metrics.degraded.set(1)
            log.warning("channel layer lost, reading heads often", extra={"reason": reason})
            self._on_possible_gap()


def new_layer() -> Any:
    """Make the layer of the settings once more, with connections of its own."""
    return channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)


def _one_group_per_server(layer: Any) -> list[str]:
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
    raise AssertionError("the hash never reaches one of the servers")
