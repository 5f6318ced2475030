"""What a commit does for those who listen: hand the changed rows to the hub of this process, or, where none runs, to the channel layer.

Nothing here may fail a sender: what is not heard is found by the head check of every node.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from asgiref.sync import async_to_sync
from channels.layers import DEFAULT_CHANNEL_LAYER, channel_layers
from django.conf import settings

from realtime.core.streams import StreamName
from realtime.protocol.page import End, Event

log = logging.getLogger("holdfast.publishing")

MEMORY_LAYER: Final = "channels.layers.InMemoryChannelLayer"
GROUP_PREFIX = "holdfast."
CLUSTER_GROUP = "holdfast-cluster"
SEND_TIMEOUT_SECONDS = 3.0  # for one group_send; a broker that takes longer is as good as away
# RabbitMQ and Redis take more; a receiver should not stall on one message.
MAX_BYTES_PER_MESSAGE = 256 * 1024
PARALLEL_SENDS = 50  # of a process without a hub, such as `manage.py broadcast`

Changes = Mapping[StreamName, Sequence[Event]]


class LocalHub(Protocol):
    """The hub of this process, as a commit sees it. Both methods may be called on any thread."""

    def published_from_thread(self, changes: Changes) -> None:
        """Deliver committed rows here and on the other nodes."""

    def ending_from_thread(self, stream: str, seq: int) -> None:
        """Report that the access which ended with ``seq`` of ``stream`` is closed here."""


_hub: LocalHub | None = None


def attach(hub: LocalHub | None) -> None:
    """Make ``hub`` the one of this process, or none."""
    global _hub
    _hub = hub


def publish(changes: Changes) -> None:
    """Publish committed rows. Called after the commit, on whichever thread made the change."""
    if _hub is not None:
        _hub.published_from_thread(changes)
        return
    if _nobody_else():
        return
    try:
        async_to_sync(_send_all)(changes)
    except Exception:
        log.warning(
            "publishing failed; the head check will deliver",
            exc_info=True,
            extra={"streams": len(changes)},
        )


def publish_ending(stream: str, seq: int) -> None:
    """Tell every node that an access has ended, so that those answer as well that had nothing to end (``realtime.auth.revocation_timing``)."""
    if _hub is not None:
        _hub.ending_from_thread(stream, seq)
        return
    if _nobody_else():
        return
    try:
        async_to_sync(_send)({CLUSTER_GROUP: [ending_message(stream, seq, node="")]})
    except Exception:
        log.warning("publishing failed; the head check will find it", exc_info=True)


def ending_message(stream: str, seq: int, *, node: str) -> dict[str, Any]:
    """Make the channel-layer message about an access that has ended."""
    return {"type": "ending", "node": node, "stream": stream, "seq": seq}


def group(stream: str) -> str:
    """Return the channel-layer group of a stream."""
    return GROUP_PREFIX + stream


def messages(stream: str, events: Sequence[Event], *, node: str) -> list[dict[str, Any]]:
    """Make the channel-layer messages that carry ``events``, each of a bounded size."""
    made: list[dict[str, Any]] = []
    size = 0
    for event in events:
        size += len(event.body or b"")
        if not made or size > MAX_BYTES_PER_MESSAGE:
            made.append({"type": "events", "node": node, "stream": stream, "events": []})
            size = len(event.body or b"")
        made[-1]["events"].append(
            [event.seq, event.key, event.body, list(event.end) if event.end else None]
        )
    return made


def events_in(message: Mapping[str, Any]) -> list[Event]:
    """Read back the events of a message."""
    return [
        Event(seq, key, body, End(*end) if end else None)
        for seq, key, body, end in message["events"]
    ]


def _nobody_else() -> bool:
    """Return whether the layer ends with this process, in which no hub runs."""
    backend: str = settings.CHANNEL_LAYERS[DEFAULT_CHANNEL_LAYER]["BACKEND"]
    return backend == MEMORY_LAYER


async def _send_all(changes: Changes) -> None:
    await _send(
        {group(stream): messages(stream, events, node="") for stream, events in changes.items()}
    )


async def _send(outgoing: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    # Made for this moment: it belongs to an event loop that ends with it.
    layer: Any = channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)
    slots = asyncio.Semaphore(PARALLEL_SENDS)

    async def send(name: str, ordered: Sequence[dict[str, Any]]) -> None:
        async with slots:
            for message in ordered:
                async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                    await layer.group_send(name, message)

    try:
        await asyncio.gather(*(send(name, ordered) for name, ordered in outgoing.items()))
    finally:
        if close := getattr(layer, "close", None):  # RabbitMQ's
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await close()
