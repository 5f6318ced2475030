"""``manage.py new_epoch``: after a backup was restored, tell clients that their positions belong to another history."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.models import Epoch, new_epoch


class Command(BaseCommand):
    """Give this history a new name. Running nodes notice within a minute and have all clients come anew."""

    help = "Name a new epoch, after a backup was restored: clients drop what they hold and load snapshots."

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the name."""
        epoch, _ = Epoch.objects.update_or_create(pk=1, defaults={"name": new_epoch()})
        self.stdout.write(epoch.name)
