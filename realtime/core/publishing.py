"""Publication after a commit: the changed rows go to the hub of this process.

If no hub runs here, they go to the channel layer. Nothing in this module may fail a sender: the
head check of every node finds what is not delivered.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from asgiref.sync import async_to_sync
from channels.layers import DEFAULT_CHANNEL_LAYER, channel_layers
from django.conf import settings

from realtime.core import signed_data
from realtime.core.streams import StreamName
from realtime.protocol.page import AccessEnd, Event
from realtime.protocol.user_ids import wire_id

log = logging.getLogger("holdfast.publishing")

MEMORY_LAYER: Final = "channels.layers.InMemoryChannelLayer"
GROUP_PREFIX = "holdfast."
CLUSTER_GROUP = "holdfast-cluster"
SEND_TIMEOUT_SECONDS = 3.0  # for one group_send; a broker that takes longer counts as away
# RabbitMQ and Redis take more; a receiver should not stall on one message.
MAX_BYTES_PER_MESSAGE = 256 * 1024
PARALLEL_SENDS = 50  # by a process without a hub, such as `manage.py broadcast`

Changes = Mapping[StreamName, Sequence[Event]]


class PublishingHub(Protocol):
    """The hub of this process, as a commit sees it."""

    def published_from_thread(self, changes: Changes) -> None:
        """Deliver committed rows here and on the other nodes. Callable from any thread."""

    def hinted_from_thread(self, names: Collection[StreamName]) -> None:
        """Read the heads of changed streams, here and on the other nodes. From any thread."""


class LocalHub:
    """The hub of this process, if one runs."""

    def __init__(self) -> None:
        self._hub: PublishingHub | None = None

    def attach(self, hub: PublishingHub | None) -> None:
        """Publish through ``hub`` from now on, or through the channel layer if it is None."""
        self._hub = hub

    def publish(self, changes: Changes) -> bool:
        """Hand committed rows to the hub. Returns False if there is none."""
        if self._hub is None:
            return False
        self._hub.published_from_thread(changes)
        return True

    def hint(self, names: Collection[StreamName]) -> bool:
        """Hand the names of changed streams to the hub. Returns False if there is none."""
        if self._hub is None:
            return False
        self._hub.hinted_from_thread(names)
        return True


local_hub: Final = LocalHub()


def publish(changes: Changes) -> None:
    """Publish committed rows. Called after the commit, on the thread that made the change."""
    try:
        if not local_hub.publish(changes) and not _reaches_no_one():
            outgoing = {
                group(stream): messages(stream, events, node="")
                for stream, events in changes.items()
            }
            async_to_sync(_send)(outgoing)
    except Exception:
        log.warning(
            "publishing failed; the head check will deliver",
            exc_info=True,
            extra={"streams": len(changes)},
        )


def hint(names: Collection[StreamName]) -> None:
    """Let every node read the heads of ``names`` now, instead of with its next head check.

    For changes whose numbers the caller does not know. Like ``publish``, it never fails a caller.
    """
    try:
        if not local_hub.hint(names) and not _reaches_no_one():
            async_to_sync(_send)({group(name): [hint_message(name)] for name in names})
    except Exception:
        log.warning(
            "hint failed; the head check will deliver", exc_info=True, extra={"streams": len(names)}
        )


def hint_message(name: str) -> dict[str, Any]:
    """Make the channel-layer message that has nodes read the head of a stream."""
    return {"type": "hint", "stream": name}


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
        end = [wire_id(event.end.user), *event.end[1:]] if event.end else None
        # The floor only where there is one: nodes of the version before expect four values.
        floor = [event.floor] if event.floor else []
        made[-1]["events"].append([event.seq, event.key, event.body, end, *floor])
    return made


def events_in(message: Mapping[str, Any]) -> list[Event]:
    """Read back the events of a message."""
    return [
        Event(seq, key, body, AccessEnd(*end) if end else None, *floor)
        for seq, key, body, end, *floor in message["events"]
    ]


@asynccontextmanager
async def own_layer() -> AsyncIterator[Any]:
    """Open a channel layer that belongs to this event loop and ends with the block."""
    layer: Any = channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)
    try:
        yield layer
    finally:
        if close := getattr(layer, "close", None):  # RabbitMQ's
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await close()


def _reaches_no_one() -> bool:
    """Return whether the channel layer ends with this process, in which no hub runs."""
    backend: str = settings.CHANNEL_LAYERS[DEFAULT_CHANNEL_LAYER]["BACKEND"]
    return backend == MEMORY_LAYER


async def _send(outgoing: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    slots = asyncio.Semaphore(PARALLEL_SENDS)
    async with own_layer() as layer:

        async def send(name: str, ordered: Sequence[dict[str, Any]]) -> None:
            async with slots:
                for message in ordered:
                    async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                        await layer.group_send(name, signed_data.sign_message(message))

        await asyncio.gather(*(send(name, ordered) for name, ordered in outgoing.items()))
