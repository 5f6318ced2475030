"""Whether this process has been told to stop. The server says so once; whoever holds a client for long asks or listens."""

from collections.abc import Callable
from typing import Final

from realtime.core import metrics

Listener = Callable[[], object]


class Lifecycle:
    """The state of one process, from start to exit."""

    def __init__(self) -> None:
        self._draining = False
        self._listeners: set[Listener] = set()

    @property
    def draining(self) -> bool:
        """True from the first SIGTERM on: take no new clients, hand over those who are here."""
        return self._draining

    def drain(self) -> None:
        """Begin to drain; call every listener once."""
        if self._draining:
            return
        self._draining = True
        metrics.draining.set(1)
        for listener in tuple(self._listeners):
            listener()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` when the drain begins. Returns what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)


process: Final = Lifecycle()
