"""``manage.py bulk_resume``: go on with bulk acts that nobody finished."""

from typing import Any

from django.core.management.base import BaseCommand

from chat.models import Bulk
from chat.services import run_bulk

SECONDS = 5.0  # between two lines of progress


class Command(BaseCommand):
    """Works off what was interrupted."""

    help = "Go on with removals, restorations and erasures of many messages that were interrupted."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do one after the other."""
        ids = list(
            Bulk.objects.filter(finished_at=None).order_by("pk").values_list("pk", flat=True)
        )
        for bulk_id in ids:
            bulk = run_bulk(bulk_id=bulk_id, seconds=SECONDS)
            while bulk.finished_at is None:
                self.stdout.write(f"bulk {bulk_id}: {bulk.done} of {bulk.expected}")
                bulk = run_bulk(bulk_id=bulk_id, seconds=SECONDS)
            self.stdout.write(f"bulk {bulk_id}: {bulk.done} of {bulk.expected}, finished")
        if not ids:
            self.stdout.write("Nothing to go on with.")
