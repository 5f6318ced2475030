"""``manage.py bulk_resume``: finish bulk actions that were interrupted."""

from typing import Any

from django.core.management.base import BaseCommand

from chat.models import Bulk
from chat.services import finish_erasures, run_bulk

SECONDS = 5.0  # between two lines of progress


class Command(BaseCommand):
    help = "Finish bulk removals, restorations and erasures that were interrupted."

    def handle(self, *_args: Any, **_options: Any) -> None:
        ids = list(
            Bulk.objects.filter(finished_at=None).order_by("pk").values_list("pk", flat=True)
        )
        for bulk_id in ids:
            bulk = run_bulk(bulk_id=bulk_id, seconds=SECONDS)
            while bulk.finished_at is None:
                self.stdout.write(f"bulk {bulk_id}: {bulk.done} of {bulk.expected}")
                bulk = run_bulk(bulk_id=bulk_id, seconds=SECONDS)
            self.stdout.write(f"bulk {bulk_id}: {bulk.done} of {bulk.expected}, finished")
        finish_erasures()
        if not ids:
            self.stdout.write("No bulk action was interrupted.")
