"""Streams that changed without their rows at hand: their heads are read at once, a few at a time.

Numbers that were given at the COMMIT of another program's transaction are not known to it.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from realtime.core import database, publishing, reads
from realtime.engine.channel_layer import ChannelLayerClient
from realtime.protocol.errors import Unavailable

log = logging.getLogger("holdfast.hints")


class ComparedHub(Protocol):
    """The hub as hints need it."""

    @property
    def tails(self) -> Mapping[str, object]: ...
    def heads_read(self, heads: Mapping[str, int]) -> None: ...


class HintedStreams:
    """Compares hinted streams with the database. ``on_missed`` lets a head check do it instead."""

    def __init__(
        self, hub: ComparedHub, layer: ChannelLayerClient, *, on_missed: Callable[[], None]
    ) -> None:
        self._hub = hub
        self._layer = layer
        self._on_missed = on_missed
        self._waiting: set[str] = set()  # at most the followed streams
        self._reading: asyncio.Task[None] | None = None

    def add_own(self, names: Collection[str]) -> None:
        """Compare streams that changed in this process, and let the other nodes do so."""
        self.add(names)
        for name in names:
            self._layer.send(publishing.group(name), publishing.hint_message(name))

    def add(self, names: Collection[str]) -> None:
        """Compare streams. Hints that come during a read share the next one."""
        self._waiting |= self._hub.tails.keys() & set(names)
        if self._waiting and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        while self._waiting:
            names, self._waiting = self._waiting, set()
            try:
                self._hub.heads_read(await database.read(reads.heads, names))
            except Unavailable:
                self._on_missed()
            except Exception:  # the head check finds what this read did not
                log.exception("hinted heads were not read")
