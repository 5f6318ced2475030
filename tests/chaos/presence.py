"""Whether every node reports the users that are in a room."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.bounds import LOADED
from tests.chaos.guests import Guest
from tests.chaos.history import Present

# For a node's death to be noticed by the others, and for the linger of who left.
PRESENCE_SECONDS = 30.0 * LOADED
TRY_AGAIN_SECONDS = 0.2


async def presence(guests: Sequence[Guest], room: int) -> list[Present]:
    """Ask a client of each node who is in a room, until all are right, or should be."""
    asked = {
        str(guest.hello["node"]): guest
        for guest in guests
        if guest.opened.is_set() and not guest.log.hostile
    }
    deadline = time.monotonic() + PRESENCE_SECONDS
    while True:
        there = frozenset(
            guest.person.id
            for guest in guests
            if guest.opened.is_set() and guest.copy_of(room) is not None
        )
        answers = [await guest.persist("room.presence", room=room) for guest in asked.values()]
        found = [
            Present(node, _users(answer, there), there)
            for node, answer in zip(asked, answers, strict=True)
        ]
        if all(each.said == there for each in found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(TRY_AGAIN_SECONDS)


def _users(answer: Mapping[str, Any], there: frozenset[int]) -> frozenset[int]:
    """Return the users that a node reports as present.

    In a large room it reports only their number.
    """
    if "users" in answer:
        return frozenset(answer["users"])
    return there if answer["count"] == len(there) else frozenset()
