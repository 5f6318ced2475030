"""Places whose reads were slow recently: their next reads do not take one of the quick threads.

There are few reading threads. Four reads of one slow stream, or of one locked table, would hold
them all, and every post needs a read before it is rendered.
"""

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Final

from realtime.core.limits import Limits

# The patience of the quick threads. A longer read begins again on a slow thread, with the
# limits of the settings. As long as that of the writer's main lane.
QUICK: Final = Limits(statement=0.5, lock=0.3)
REMEMBERED_SECONDS: Final = 10.0  # then one read tries whether the place is quick again
# So many slow places of one function mean that the function is slow: a table that it reads.
MANY_PLACES: Final = 3

ReadPlace = tuple[Callable[..., Any], Hashable]


class TooSlow(Exception):
    """The read took longer than ``QUICK``. It changed nothing."""


def place(function: Callable[..., Any], args: tuple[Any, ...]) -> ReadPlace:
    """Return what a read is about: by convention its first argument, such as a stream."""
    subject = args[0] if args and isinstance(args[0], str | int) else None
    return function, subject


class SlowPlaces:
    """The places whose reads were slow within ``REMEMBERED_SECONDS``."""

    def __init__(self) -> None:
        self._until: dict[ReadPlace, float] = {}  # monotonic; replaced, never changed
        self._lock = Lock()

    def note(self, found: ReadPlace) -> None:
        """Remember a place. Called from the reading threads."""
        now = time.monotonic()
        with self._lock:
            recent = {each: until for each, until in self._until.items() if until > now}
            if sum(each[0] is found[0] for each in recent) >= MANY_PLACES:
                found = found[0], None
            self._until = {**recent, found: now + REMEMBERED_SECONDS}

    def forget(self) -> None:
        """Forget all places."""
        self._until = {}

    def holds(self, found: ReadPlace) -> bool:
        """Whether a read of this place should not take a quick thread."""
        until = max(self._until.get(found, 0.0), self._until.get((found[0], None), 0.0))
        return until > time.monotonic()


slow_places: Final = SlowPlaces()  # of this process
