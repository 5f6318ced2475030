"""Changing a user's notification preferences."""

from collections.abc import Sequence
from datetime import time

from notifications import payloads, policies, queries
from notifications.models import Preferences
from realtime.core.heads import changing
from realtime.protocol.user_ids import UserId


def set_preferences(
    *,
    user_id: UserId,
    inbox_off: Sequence[str] | None = None,
    desktop_off: Sequence[str] | None = None,
    quiet: tuple[time | None, time | None] | None = None,
) -> Preferences:
    """Change the kinds that reach inbox and desktop, and quiet hours; None keeps a value."""
    policies.check_kinds(inbox_off or (), name="inbox_off", optional=True)
    policies.check_kinds(desktop_off or (), name="desktop_off", optional=False)
    if quiet is not None:
        policies.check_quiet(*quiet)
    stream = payloads.inbox(user_id)
    with changing(stream) as heads:
        row = queries.preferences(user_id)
        before = (row.inbox_off, row.desktop_off, row.quiet_from, row.quiet_to)
        if inbox_off is not None:
            row.inbox_off = sorted(set(inbox_off))
        if desktop_off is not None:
            row.desktop_off = sorted(set(desktop_off))
        if quiet is not None:
            row.quiet_from, row.quiet_to = quiet
        if (row.inbox_off, row.desktop_off, row.quiet_from, row.quiet_to) == before:
            return row
        row.seq = heads.next(stream)
        row.save()
        heads.record(stream, payloads.preferences_event(row))
    return row
