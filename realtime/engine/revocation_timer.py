"""Measures how long a revoked access lived on this node: ``holdfast_revocation_seconds``."""

import asyncio
import time

from realtime.core import database, metrics, reads
from realtime.protocol.errors import Unavailable


class RevocationTimer:
    """Observes the time from the commit of a revocation to the close of its connections here."""

    def __init__(self) -> None:
        self._reading: set[asyncio.Task[None]] = set()

    def closed(self, stream: str, committed_at: float | None) -> None:
        """Record that the connections which a change of ``stream`` concerns were closed just now.

        ``committed_at`` is in wall clock seconds. It is None if the change was found by a repair;
        then the time of the stream's last change is read.
        """
        now = time.time()
        if committed_at is not None:
            metrics.revocation_seconds.observe(max(0.0, now - committed_at))
            return
        task = asyncio.create_task(self._observe(stream, now))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def stop(self) -> None:
        """Wait for the reads that are under way."""
        await asyncio.gather(*self._reading)

    async def _observe(self, stream: str, closed_at: float) -> None:
        try:
            changed_at = await database.read(reads.changed_at, stream)
        except Unavailable:
            return  # a figure is lost; the connections are closed
        if changed_at is not None:
            metrics.revocation_seconds.observe(max(0.0, closed_at - changed_at))
