"""Read numbers: how far each member has read."""

from collections.abc import Sequence
from dataclasses import dataclass

from realtime.protocol.errors import HoldfastError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """That somebody has read a room up to a number."""

    user_id: int
    room_id: int
    number: int


def mark_read(marks: Sequence[Mark]) -> list[int | HoldfastError]:
    """Note how far people have read, many in one transaction; each is answered with what is still unread."""
    raise NotImplementedError
