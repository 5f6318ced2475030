"""``manage.py finish_renames``: finish renamings that were interrupted."""

from typing import Any

from django.core.management.base import BaseCommand

from chat import services


class Command(BaseCommand):
    help = "Finish renamings that were interrupted before every client had the new name."

    def handle(self, *_args: Any, **_options: Any) -> None:
        count = services.finish_renames()
        self.stdout.write(
            f"Finished {count} renaming{'' if count == 1 else 's'}."
            if count
            else "No renaming was interrupted."
        )
