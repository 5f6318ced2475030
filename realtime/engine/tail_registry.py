"""The tails of this process by stream: opened on first use, pinned in use, dropped when idle."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

from realtime.core import database, publishing, reads
from realtime.engine.channel_layer import ChannelLayerClient
from realtime.engine.stream_tail import OnAccessEnd, SharedReads, StreamTail


class TailRegistry:
    """The streams that this process follows, each with its tail."""

    def __init__(
        self,
        layer: ChannelLayerClient,
        shared_reads: SharedReads,
        on_access_end: OnAccessEnd,
        on_jump: Callable[[StreamTail], None],
    ) -> None:
        self.tails: dict[str, StreamTail] = {}
        self._layer = layer
        self._shared_reads = shared_reads
        self._on_access_end = on_access_end
        self._on_jump = on_jump
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def groups(self) -> list[str]:
        """Return the groups that a new channel must join, those of opening tails included."""
        return [publishing.group(name) for name in {*self.tails, *self._opening}]

    async def pinned(self, names: Collection[str]) -> list[StreamTail]:
        """Return the tails of ``names`` in their order, opened if needed, kept until ``unpin``."""
        while missing := [name for name in names if name not in self.tails]:
            new = [name for name in missing if name not in self._opening]
            if new:
                task = asyncio.create_task(self._open(new))
                self._opening.update(dict.fromkeys(new, task))
            await asyncio.gather(
                *{asyncio.shield(self._opening[name]) for name in missing if name in self._opening}
            )
        pinned = [self.tails[name] for name in names]
        for tail in pinned:
            tail.pins += 1
        return pinned

    def unpin(self, pinned: Sequence[StreamTail]) -> None:
        """Release what ``pinned`` returned."""
        for tail in pinned:
            tail.pins -= 1
            tail.idle_since = time.monotonic()

    def forget_idle(self, before: float) -> None:
        """Drop the tails that nothing has used since ``before`` (monotonic seconds)."""
        for name, tail in list(self.tails.items()):
            if not tail.used and tail.idle_since < before:
                tail.close()
                del self.tails[name]
                task = asyncio.create_task(self._leave(name))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    def close(self) -> None:
        """Stop all tails."""
        for tail in self.tails.values():
            tail.close()
        self.tails.clear()

    async def _open(self, names: list[str]) -> None:
        """Join the groups, then read the heads: a change in between arrives, at worst twice."""
        try:
            await asyncio.gather(*(self._layer.join(publishing.group(name)) for name in names))
            heads = await database.read_together(_heads, names)
            for name in names:
                self.tails[name] = StreamTail(
                    name,
                    heads.get(name, 0),
                    shared_reads=self._shared_reads,
                    on_access_end=self._on_access_end,
                    on_jump=self._on_jump,
                )
        finally:
            for name in names:
                del self._opening[name]

    async def _leave(self, name: str) -> None:
        await self._layer.leave(publishing.group(name))
        if name in self.tails or name in self._opening:  # opened again while it was being left
            await self._layer.join(publishing.group(name))


def _heads(asked: Sequence[Sequence[str]]) -> list[dict[str, int]]:
    """Read the heads for several calls at once: each handshake opens an inbox."""
    found = reads.heads({name for names in asked for name in names})
    return [found] * len(asked)
