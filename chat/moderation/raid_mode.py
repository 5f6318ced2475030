"""Raid mode as this process knows it.

It asks at most once a second, so a change is in effect on every node within a second.
"""

import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from chat.models import RaidMode
from chat.payloads import moment

FRESH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Raid:
    """The rules that are in effect now. Without a raid, there are none."""

    until: datetime | None = None
    approve_sign_ups: bool = False
    refuse_links: bool = False
    refuse_contacts: bool = False
    refuse_room_mentions: bool = False
    slow_mode: int = 0

    @property
    def is_on(self) -> bool:
        return self.until is not None


NO_RAID: Final = Raid()


class RaidModeCache:
    """The row as of the last query."""

    def __init__(self) -> None:
        # One value, because threads share it. The second part is when to ask again.
        self._held: tuple[Raid, float] = (NO_RAID, 0.0)

    def current(self) -> Raid:
        """Return what holds now."""
        raid, until = self._held
        if time.monotonic() >= until:
            # Before the query, so that other threads do not ask too.
            self._held = (raid, time.monotonic() + FRESH_SECONDS)
            raid = _read()
            self._held = (raid, time.monotonic() + FRESH_SECONDS)
        return raid if raid.until is not None and raid.until > timezone.now() else NO_RAID

    def forget(self) -> None:
        """Ask again at the next use, because it has just been changed here."""
        self._held = (NO_RAID, 0.0)


process: Final = RaidModeCache()
current: Final = process.current


def payload() -> dict[str, Any] | None:
    """Return raid mode for moderators of the site as it is stored; None while it is off.

    Browsers ask once when they hear of a change, and a node may not have read it yet.
    """
    raid = _read()
    return asdict(raid) | {"until": moment(raid.until)} if raid.is_on else None


def _read() -> Raid:
    row = RaidMode.objects.filter(pk=1, until__gt=timezone.now()).first()
    if row is None:
        return NO_RAID
    return Raid(
        until=row.until,
        approve_sign_ups=row.approve_sign_ups,
        refuse_links=row.refuse_links,
        refuse_contacts=row.refuse_contacts,
        refuse_room_mentions=row.refuse_room_mentions,
        slow_mode=row.slow_mode,
    )
