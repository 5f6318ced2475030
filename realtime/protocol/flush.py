"""When the next flush of a tail may start: at once in an idle stream, after as long a pause as the last flush took in a busy one.

So flushing takes at most about half of the process, however many subscribers there are, and the cost of an event falls as load rises,
because more of them leave together.
"""

MAX_PAUSE_SECONDS = 1.0  # no flush waits longer than a person notices, whatever the last one took


class FlushPolicy:
    """The adaptive pause of one tail. Times are seconds of one monotonic clock."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = float("-inf")

    def delay(self, now: float) -> float:
        """Return the seconds until the next flush may start; 0.0 means at once."""
        return max(0.0, self._next - now)

    def flushed(self, started: float, ended: float) -> None:
        """Note how long a flush took."""
        self._next = ended + min(max(0.0, ended - started), MAX_PAUSE_SECONDS)
