"""``manage.py new_epoch``: after restoring a backup, make clients drop their positions."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.models import Epoch, new_epoch


class Command(BaseCommand):
    """Give the history a new name. Running nodes notice within a minute and reset their clients."""

    help = "Start a new epoch after restoring a backup: clients drop their data and load snapshots."

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the name."""
        epoch, _ = Epoch.objects.update_or_create(pk=1, defaults={"name": new_epoch()})
        self.stdout.write(epoch.name)
