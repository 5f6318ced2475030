"""``manage.py send_broadcasts``: send what is due, and finish what was interrupted."""

import time
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications import queries, services
from notifications.models import Broadcast

PROGRESS_SECONDS: Final = 2.0  # between two lines


class Command(BaseCommand):
    """Sends all unfinished broadcasts, one after the other."""

    help = "Send broadcasts that are due, and finish those that were interrupted; for a timer."

    def handle(self, *_: Any, **_options: Any) -> None:
        """Send them, and say how far each one is."""
        self._last = time.monotonic()
        ids = queries.unfinished(now=timezone.now())
        for broadcast_id in ids:
            row = services.send(broadcast_id=broadcast_id, watch=self._watch)
            state = "taken back" if row.recalled_at else "sent"
            self.stdout.write(f"Broadcast {row.pk}: {state}, {row.done:,} people.")
        recalls = queries.unfinished_recalls()
        for broadcast_id in recalls:
            recalled = services.recall(broadcast_id=broadcast_id)
            self.stdout.write(
                f"Broadcast {broadcast_id}: taken back, {recalled.notifications:,} notifications."
            )
        edits = queries.unfinished_edits()
        for broadcast_id in edits:
            row = services.carry_on(broadcast_id=broadcast_id)
            self.stdout.write(f"Broadcast {row.pk}: everyone has the new text.")
        if not (ids or recalls or edits):
            self.stdout.write("No broadcast is due.")

    def _watch(self, row: Broadcast) -> None:
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            self.stdout.write(f"Broadcast {row.pk}: {row.done:,} of {row.recipients:,}")
            self.stdout.flush()
