"""The arithmetic of limits: a token bucket, and a count over the last seconds."""

import math

# Seconds: a client that waits exactly `retry_after` must not be refused for a rounding error.
ROUNDING = 1e-9


class TokenBucket:
    """``rate`` tokens a second, at most ``burst`` saved; full at the start.

    ``now`` is any clock in seconds that does not run backwards. The state is one number, the time
    at which the bucket would be full again, so nothing has to be refilled.
    """

    __slots__ = ("_burst_seconds", "_full_at", "_token_seconds", "burst")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(
                f"expected a rate above 0 and a burst of at least 1, got {rate} and {burst}"
            )
        self.burst = burst
        self._token_seconds = 1 / rate
        self._burst_seconds = burst / rate
        self._full_at = now

    def take(self, now: float, n: int = 1) -> float:
        """Take ``n`` tokens and return 0.0, or take none and return the seconds to wait."""
        if n > self.burst:
            raise ValueError(f"expected at most {self.burst} tokens at once, got {n}")
        full_at = max(self._full_at, now) + n * self._token_seconds
        wait = full_at - self._burst_seconds - now
        if wait > ROUNDING:
            return wait
        self._full_at = full_at
        return 0.0

    def charge(self, now: float, n: float) -> None:
        """Take ``n`` tokens that were used elsewhere. At most one burst is owed afterwards."""
        full_at = max(self._full_at, now) + n * self._token_seconds
        self._full_at = min(full_at, now + 2 * self._burst_seconds)


class SlidingCount:
    """How often something happened within the last ``seconds``, from two numbers.

    Time is cut into windows. Of the window before, the part counts that the last ``seconds`` still
    cover, as if its events were spread evenly. So the border of two windows lets nobody have twice
    the limit at once.
    """

    __slots__ = ("before", "current", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.current = 0
        self.before = 0

    def move(self, now: float, seconds: float) -> None:
        """Begin the window of ``now``, where it is another one."""
        windows = int((now - self.since) // seconds)
        if windows == 0:
            return
        self.before = self.current if windows == 1 else 0
        self.current = 0
        self.since += windows * seconds

    def total(self, now: float, seconds: float) -> int:
        """Return the count after ``move(now, seconds)``, rounded up."""
        return self.current + still_counting(self.before, (now - self.since) / seconds)

    def wait(self, now: float, seconds: float, most: int, n: int = 1) -> float:
        """Return the seconds until ``n`` more are within the limit, if nothing else happens."""
        passed = (now - self.since) / seconds
        return windows_to_wait(self.before, self.current, passed, most, n) * seconds


def still_counting(before: int, passed: float) -> int:
    """Return what the window before adds when this part of the current one has passed."""
    return math.ceil(before * (1 - passed) - ROUNDING)


def windows_to_wait(before: int, current: int, passed: float, most: int, n: int = 1) -> float:
    """Return the part of a window until ``n`` more are within the limit, which may be above 1."""
    if current + n <= most:  # later in this window, when less of the one before counts
        counting, free, begins = before, most - n - current, -passed
    else:  # in the next one
        counting, free, begins = current, max(most - n, 0), 1 - passed
    return max(begins + (1 - free / counting if counting > free else 0.0), 0.0)
