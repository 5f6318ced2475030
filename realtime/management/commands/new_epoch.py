"""``manage.py new_epoch``: after restoring a backup, make clients drop their positions."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.core import history


class Command(BaseCommand):
    """Give the history a new name. Running nodes notice at their next head check."""

    help = (
        "Start a new epoch after restoring a backup: nodes drop what they remember, and clients "
        "load snapshots."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the name."""
        observed = history.observe()
        self.stdout.write(history.renew(observed, observed.number, "").epoch)
