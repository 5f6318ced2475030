"""How late the event loop of this process is: a timer that notes when it was run."""

import asyncio
from typing import Final

from realtime.core import metrics

INTERVAL_SECONDS: Final = 0.5


class LoopLag:
    """Measures the loop on which it was started."""

    def __init__(self) -> None:
        self._largest = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start measuring."""
        loop = asyncio.get_running_loop()
        due = loop.time() + INTERVAL_SECONDS
        self._timer = loop.call_at(due, self._run, loop, due)

    def stop(self) -> None:
        """Stop measuring."""
        if self._timer is not None:
            self._timer.cancel()

    def take_largest(self) -> float:
        """Return the largest lag since the last call, in seconds."""
        largest, self._largest = self._largest, 0.0
        return largest

    def _run(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        lag = max(0.0, loop.time() - due)
        metrics.event_loop_lag_seconds.observe(lag)
        self._largest = max(self._largest, lag)
        self.start()
