"""Limits how often an account does something in an hour, on all nodes together."""

from typing import Final

from realtime.core import metrics
from realtime.core.bounds.shared_counts import Count, shared_counts
from realtime.protocol.errors import RateLimited
from realtime.protocol.user_ids import UserId

HOUR_SECONDS: Final = 3600.0


def take(name: str, user_id: UserId, *, most: int) -> None:
    """Count one act. Raises ``RateLimited`` beyond ``most`` in the last hour; 0: no limit."""
    if not most:
        return
    # Every act is asked about: it is rare, and reads the database anyway.
    count = Count(f"quota:{name}:{user_id}", HOUR_SECONDS, ask_from=0)
    (total,) = shared_counts.add([count])
    if total <= most:
        return
    shared_counts.give_back([count])
    metrics.refusals.labels(f"{name}_per_hour").inc()
    wait = shared_counts.wait(count, most)
    raise RateLimited(
        "You have done this {count} times in this hour, the most allowed."
        " Try again in {minutes} minutes.",
        count=most,
        minutes=int(wait // 60) + 1,
        retry_after=wait,
    )
