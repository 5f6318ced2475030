"""When the next flush of a tail may start: at once in an idle stream, after a pause in a busy one.

A flush costs one write for each subscriber, whatever it carries. So the pause is ``REST`` times the
duration of the last flush, up to a delay that no one notices (``UNNOTICED_SECONDS``), and never
shorter than the flush was. A small room has almost no pause, a room of hundreds sends several
events in a frame, and a room of ten thousand leaves half of the process to the others. The cost of
an event falls as load rises.
"""

REST = 5
UNNOTICED_SECONDS = 0.05  # that an event may wait for others
MAX_PAUSE_SECONDS = 1.0  # no flush waits longer, however long the last one took


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
        took = min(max(0.0, ended - started), MAX_PAUSE_SECONDS)
        self._next = ended + max(took, min(REST * took, UNNOTICED_SECONDS))
