"""The tails of this process by stream: opened on first use, pinned in use, dropped when idle."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

from realtime.core import database, publishing, reads
from realtime.core.database import RETRY_AFTER_SECONDS
from realtime.engine.channel_layer import ChannelLayerClient
from realtime.engine.stream_tail import OnAccessEnd, SharedReads, StreamTail
from realtime.protocol.errors import Unavailable

# For the comparison of memory with the database, which readers wait for once memory is in doubt.
TRUST_SECONDS = 5.0


class TailRegistry:
    """The streams that this process follows, each with its tail.

    While memory is in doubt, because the database may have gone back in time, no reader is given
    anything of it.
    """

    def __init__(
        self,
        layer: ChannelLayerClient,
        shared_reads: SharedReads,
        on_access_end: OnAccessEnd,
        on_jump: Callable[[StreamTail], None],
        on_doubt: Callable[[], None],
    ) -> None:
        self.tails: dict[str, StreamTail] = {}
        self._on_doubt = on_doubt
        self._trusted = asyncio.Event()
        self._trusted.set()
        # How often everything was dropped: heads that were read before belong to no tail.
        self._dropped = 0
        # Groups of dropped tails that may not have been opened again, with the moment (monotonic).
        self._abandoned: dict[str, float] = {}
        self._layer = layer
        self._shared_reads = shared_reads
        self._on_access_end = on_access_end
        self._on_jump = on_jump
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def groups(self) -> list[str]:
        """Return the groups that a new channel must join, those of opening tails included."""
        return [publishing.group(name) for name in {*self.tails, *self._opening}]

    async def trusted(self) -> None:
        """Wait until memory is in no doubt. Raises ``Unavailable`` if that takes too long."""
        if self._trusted.is_set():
            return
        try:
            async with asyncio.timeout(TRUST_SECONDS):
                await self._trusted.wait()
        except TimeoutError as error:
            raise Unavailable(
                "The database isn't responding. Try again in a moment.",
                retry_after=RETRY_AFTER_SECONDS,
            ) from error

    def distrust(self) -> None:
        """Let readers wait from now on."""
        self._trusted.clear()

    def trust(self) -> None:
        """Let readers continue: memory agrees with the database, or has been dropped."""
        self._trusted.set()

    def drop_all(self) -> None:
        """Forget every tail: what they hold is of another history."""
        self._dropped += 1
        self._shared_reads.forget()
        self._abandoned.update(dict.fromkeys(self.tails, time.monotonic()))
        self.close()

    async def pinned(self, names: Collection[str]) -> list[StreamTail]:
        """Return the tails of ``names`` in their order, opened if needed, kept until ``unpin``.

        Raises ``Unavailable``.
        """
        await self.trusted()
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
                self._begin_to_leave(name)
        for name in [name for name, at in self._abandoned.items() if at < before]:
            del self._abandoned[name]
            if name not in self.tails and name not in self._opening:
                self._begin_to_leave(name)

    def close(self) -> None:
        """Stop all tails."""
        for tail in self.tails.values():
            tail.close()
        self.tails.clear()

    async def _open(self, names: list[str]) -> None:
        """Join the groups, then read the heads: a change in between arrives, at worst twice."""
        try:
            await asyncio.gather(*(self._layer.join(publishing.group(name)) for name in names))
            while True:
                dropped = self._dropped
                heads = await database.read_together(_heads, names)
                if dropped == self._dropped:
                    break
            for name in names:
                self.tails[name] = StreamTail(
                    name,
                    heads.get(name, 0),
                    shared_reads=self._shared_reads,
                    on_access_end=self._on_access_end,
                    on_jump=self._on_jump,
                    on_doubt=self._on_doubt,
                )
        finally:
            for name in names:
                del self._opening[name]

    def _begin_to_leave(self, name: str) -> None:
        task = asyncio.create_task(self._leave(name))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave(self, name: str) -> None:
        await self._layer.leave(publishing.group(name))
        if name in self.tails or name in self._opening:  # opened again while it was being left
            await self._layer.join(publishing.group(name))


def _heads(asked: Sequence[Sequence[str]]) -> list[dict[str, int]]:
    """Read the heads for several calls at once: each handshake opens an inbox."""
    found = reads.heads({name for names in asked for name in names})
    return [found] * len(asked)
