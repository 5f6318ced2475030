"""The busiest streams, users and addresses of this node, by counts of about one minute.

Counts fade by a twelfth at each report of the node (every 5 s), so a steady rate shows as its
number per minute, and a burst is gone from the lists a few minutes later.
"""

from collections import Counter
from collections.abc import Hashable
from heapq import nlargest
from typing import Final, Generic, TypeVar

from realtime.protocol.user_ids import WireId

REPORTS_PER_MINUTE: Final = 12  # 60 s / realtime.core.monitoring.node_reports.REPORT_SECONDS
FORGET_BELOW: Final = 0.5  # of a count that has faded
MAX_KEYS: Final = 10_000  # of one tally; further ones are not counted until others have faded
TOP: Final = 10  # in a report

Key = TypeVar("Key", bound=Hashable)


class Tally(Generic[Key]):
    """Fading counts by key."""

    def __init__(self) -> None:
        self._new: dict[Key, int] = {}
        self._faded: dict[Key, float] = {}

    def add(self, key: Key, count: int = 1) -> None:
        """Count ``key``."""
        if key in self._new or len(self._new) < MAX_KEYS:
            self._new[key] = self._new.get(key, 0) + count

    def fade(self) -> None:
        """Take in what was counted since the last call. Call it once for each report."""
        keep = 1 - 1 / REPORTS_PER_MINUTE
        counts = Counter({key: count * keep for key, count in self._faded.items()})
        counts.update(self._new)
        self._new = {}
        self._faded = {
            key: count
            for key, count in nlargest(MAX_KEYS, counts.items(), key=lambda item: item[1])
            if count >= FORGET_BELOW
        }

    def top(self) -> list[tuple[Key, int]]:
        """Return the largest counts per minute, the largest first."""
        rows = nlargest(TOP, self._faded.items(), key=lambda item: item[1])
        return [(key, round(count)) for key, count in rows]

    def per_minute(self, key: Key) -> int:
        """Return the count of one key."""
        return round(self._faded.get(key, 0))


posts: Final[Tally[str]] = Tally()  # events committed by this node, by stream
deliveries: Final[Tally[str]] = Tally()  # events written to sockets, by stream
users: Final[Tally[WireId]] = Tally()  # commands, by the id of the user, refused ones too
addresses: Final[Tally[str]] = Tally()  # the same, by the address of the client


def report() -> dict[str, list[list[object]]]:
    """Return the top lists, after letting the counts fade."""
    for tally in (posts, deliveries, users, addresses):
        tally.fade()
    return {
        "streams": [
            [name, posts.per_minute(name), deliveries.per_minute(name)] for name in _busiest()
        ],
        "users": [[user, count] for user, count in users.top()],
        "addresses": [[address, count] for address, count in addresses.top()],
    }


def _busiest() -> list[str]:
    """Return the streams with most posts and with most deliveries."""
    names = dict.fromkeys(name for name, _ in [*posts.top(), *deliveries.top()])
    return list(names)
