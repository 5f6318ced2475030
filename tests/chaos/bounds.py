"""The bounds of the failure table, widened for the machine that they are measured on."""

from collections.abc import Sequence
from functools import cache

from tests.chaos.history import Fault
from tests.chaos.slowness import Slow

CALM_SECONDS = 1.0  # from the acknowledgement to every screen while nothing is wrong
# From the acknowledgement of a removal or a ban to the last event that still comes.
REVOKED_SECONDS = 1.0
# Everything (clients, nodes, nginx, Redis, PostgreSQL) shares two cores here, a node that starts
# takes one of them for seconds, and a process that measures waits for its turn as well. The
# bounds of the table are for nodes that have a core each.
LOADED = 3.0


class Bounds:
    """When an acknowledged message must have reached everyone."""

    def __init__(
        self, faults: Sequence[Fault], factor: float = LOADED, slow: Slow | None = None
    ) -> None:
        self._faults = faults
        self._least = factor
        self.slow = slow or Slow()
        self.factor = cache(self._factor)
        self.deadline = cache(self._deadline)  # asked for each message at each client
        self.calm = cache(self._calm)

    def _factor(self, at: float) -> float:
        """By how much bounds are wider for what begins at a moment."""
        return self._least * self.slow.factor(at)

    def _calm(self, at: float) -> bool:
        """Whether nothing is wrong from ``at`` until what happens then has arrived."""
        return not self._acting(at)

    def _deadline(self, acked: float, seconds: float = CALM_SECONDS) -> float:
        """The deadline of a message acknowledged at ``acked``, which takes ``seconds`` normally.

        Faults that act together add up. A fault that holds (a frozen process, a network that is
        away) has to be over first.
        """
        acting = self._acting(acked, seconds)
        start = max([acked, *(fault.over for fault in acting if fault.holds)])
        return start + self.factor(start) * max(seconds, sum(fault.bound for fault in acting))

    def settled(self, fault: Fault) -> float:
        """When a fault is past: everyone was seen to be level again, or should have been."""
        reference = fault.over if fault.holds else fault.begun
        owed = fault.bound * self.factor(reference)
        took = owed if fault.level_after is None else fault.level_after
        return max(fault.over, reference + took) + CALM_SECONDS

    def level_in_time(self, fault: Fault) -> bool:
        """Whether everyone was level within the fault's bound."""
        reference = fault.over if fault.holds else fault.begun
        owed = fault.bound * self.factor(reference)
        return fault.level_after is not None and fault.level_after <= owed

    def _acting(self, at: float, seconds: float = CALM_SECONDS) -> list[Fault]:
        return [
            fault
            for fault in self._faults
            if fault.begun <= at + seconds * self.factor(at) and at <= self.settled(fault)
        ]
