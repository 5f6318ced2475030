"""Objects of which a process has one.

The one idiom: a ``Final`` object at the top of a module holds the state, as ``drain.process`` does.
An object that belongs to an event loop is held by a ``PerLoop``: a server process has one loop, a
run of the tests has many, one after the other.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One object for each event loop, made on first use by ``make``."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def get(self) -> T:
        """Return the object of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._made.get(loop)
        if found is None:
            found = self._made[loop] = self._make()
        return found

    def find(self) -> T | None:
        """Return the object of the running loop if it has been made."""
        return self._made.get(asyncio.get_running_loop())

    def discard(self) -> T | None:
        """Forget the object of the running loop, and return it."""
        return self._made.pop(asyncio.get_running_loop(), None)

    def clear(self) -> list[T]:
        """Forget the objects of all loops, and return them."""
        found = list(self._made.values())
        self._made.clear()
        return found
