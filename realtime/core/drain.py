"""Whether this process is stopping. The server sets it once; code that holds a client asks it."""

from collections.abc import Callable
from typing import Final

from realtime.core import metrics

DrainListener = Callable[[], object]

# The most that a node takes after DRAIN_SECONDS: requests that run, then the last commits.
AFTER_DRAIN_SECONDS: Final = 20.0


class Drain:
    """The state of one process, from start to exit."""

    def __init__(self) -> None:
        self._begun = False
        self._listeners: set[DrainListener] = set()

    @property
    def begun(self) -> bool:
        """True from the first SIGTERM on: accept no new clients, hand over those that are here."""
        return self._begun

    def begin(self) -> None:
        """Begin to drain, and call every listener once."""
        if self._begun:
            return
        self._begun = True
        metrics.draining.set(1)
        for listener in tuple(self._listeners):
            listener()

    def listen(self, listener: DrainListener) -> Callable[[], None]:
        """Call ``listener`` when the drain begins. Returns a function that cancels this."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)


drain: Final = Drain()
