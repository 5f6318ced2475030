"""The tails of this process by stream: opened when first needed, pinned while in use, forgotten when idle."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

from realtime.core import database, publishing, reads
from realtime.engine.channel_layer import Layer
from realtime.engine.stream_tail import LiveTail, SharedReads
from realtime.protocol.page import Event


class Followed:
    """Which streams this process follows."""

    def __init__(
        self,
        layer: Layer,
        shared_reads: SharedReads,
        ended: Callable[[LiveTail, Event], None],
        jumped: Callable[[LiveTail], None],
    ) -> None:
        self.tails: dict[str, LiveTail] = {}
        self._layer = layer
        self._shared_reads = shared_reads
        self._ended = ended
        self._jumped = jumped
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def groups(self) -> list[str]:
        """Return the groups that a new channel must join: also those of tails whose heads are being read."""
        return [publishing.group(name) for name in {*self.tails, *self._opening}]

    async def pinned(self, names: Collection[str]) -> list[LiveTail]:
        """Return the tails of ``names`` in their order, opened where they were not, each kept until ``unpin``."""
        while missing := [name for name in names if name not in self.tails]:
            new = [name for name in missing if name not in self._opening]
            if new:
                task = asyncio.create_task(self._open(new))
                self._opening.update(dict.fromkeys(new, task))
            await asyncio.gather(
                *{asyncio.shield(self._opening[name]) for name in missing if name in self._opening}
            )
        pinned = [self.tails[name] for name in names]
        for live in pinned:
            live.pins += 1
        return pinned

    def unpin(self, pinned: Sequence[LiveTail]) -> None:
        """Give back what ``pinned`` returned."""
        for live in pinned:
            live.pins -= 1
            live.idle_since = time.monotonic()

    def forget_idle(self, before: float) -> None:
        """Drop the tails that nobody has needed since ``before`` (monotonic seconds)."""
        for name, live in list(self.tails.items()):
            if not live.used and live.idle_since < before:
                live.close()
                del self.tails[name]
                task = asyncio.create_task(self._leave(name))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    def close(self) -> None:
        """Stop all tails."""
        for live in self.tails.values():
            live.close()
        self.tails.clear()

    async def _open(self, names: list[str]) -> None:
        """Join the groups first and read the heads then: a change between the two is heard, at worst twice."""
        try:
            await asyncio.gather(*(self._layer.join(publishing.group(name)) for name in names))
            heads = await database.read_together(_heads, names)
            for name in names:
                self.tails[name] = LiveTail(
                    name,
                    heads.get(name, 0),
                    shared_reads=self._shared_reads,
                    ended=self._ended,
                    jumped=self._jumped,
                )
        finally:
            for name in names:
                del self._opening[name]

    async def _leave(self, name: str) -> None:
        await self._layer.leave(publishing.group(name))
        if name in self.tails or name in self._opening:  # opened again while we were leaving
            await self._layer.join(publishing.group(name))


def _heads(asked: Sequence[Sequence[str]]) -> list[dict[str, int]]:
    """Read the heads that many ask for at the same time: each handshake opens an inbox."""
    found = reads.heads({name for names in asked for name in names})
    return [found] * len(asked)
