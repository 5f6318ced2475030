"""The token bucket that bounds how fast one client may send commands and requests."""

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
