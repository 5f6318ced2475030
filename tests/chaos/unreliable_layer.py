"""A channel layer whose messages are lost, repeated and reordered while a run wants that.

It is the real one of the node's settings, Redis or RabbitMQ, with other ears.
"""

import random
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.module_loading import import_string

from tests.chaos.controls import Controls

LOST, REPEATED, HELD = 0.1, 0.3, 0.3  # parts of all messages
MOST_HELD = 5  # messages that wait for later ones


class Disorder:
    """Decides what becomes of messages. Pure."""

    def __init__(self, rnd: random.Random) -> None:
        self._rnd = rnd
        self._held: list[Any] = []

    def taken(self, message: Any) -> Iterable[Any]:
        """Return what arrives now that this message has come."""
        if self._rnd.random() < LOST:
            return
        if len(self._held) < MOST_HELD and self._rnd.random() < HELD:
            self._held.append(message)
            return
        yield message
        if self._rnd.random() < REPEATED:
            self._held.append(message)
        if self._held and self._rnd.random() < HELD:
            yield self._held.pop(self._rnd.randrange(len(self._held)))

    def left(self) -> list[Any]:
        """Return everything that still waits, in any order."""
        found, self._held = self._held, []
        self._rnd.shuffle(found)
        return found


def unreliable(*, layer: Mapping[str, Any], controls: Controls) -> Any:
    """Make a layer that obeys the control ``broker``."""
    made = import_string(layer["BACKEND"])(**layer["CONFIG"])
    disorder = Disorder(random.Random())
    arrived: deque[Any] = deque()
    receive = made.receive

    async def receive_in_disorder(channel: str) -> Any:
        while not arrived:
            message = await receive(channel)
            if controls.get("broker"):
                arrived.extend(disorder.taken(message))
            else:
                arrived.extend([*disorder.left(), message])
        return arrived.popleft()

    made.receive = receive_in_disorder
    return made
