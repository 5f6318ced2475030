"""The client's two rules (protocol.md §3) as a program: what to do with an event and with a page.

::

event: seq == position + 1 -> apply, position = seq   | seq <= position -> ignore | else ->
pull(after=position) page:  from <= position    -> apply all, position = max(position, to), pull
again while to < head | else -> pull(after=position)
"""

from enum import Enum, auto


class Action(Enum):
    """The action to take on an event or a page."""

    APPLY = auto()
    IGNORE = auto()
    PULL = auto()


class Follower:
    """A client's position in one stream."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position

    def event(self, seq: int) -> Action:
        """Handle an ``event``: apply it, ignore it, or pull after ``position``."""
        if seq <= self.position:
            return Action.IGNORE
        if seq > self.position + 1:
            return Action.PULL
        self.position = seq
        return Action.APPLY

    def page(self, start: int, to: int, head: int) -> tuple[Action, bool]:
        """Handle a ``page``; the second value says whether to pull after ``position`` next."""
        if start > self.position:
            return Action.PULL, True
        self.position = max(self.position, to)
        return Action.APPLY, to < head
