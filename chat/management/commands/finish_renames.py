"""``manage.py finish_renames``: go on with renamings whose process died on the way."""

from typing import Any

from django.core.management.base import BaseCommand

from chat import services


class Command(BaseCommand):
    """Moves the rest of the rows that show somebody's name."""

    help = "Go on with renamings whose process died before everybody was told of the new name."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Finish all of them."""
        count = services.finish_renames()
        self.stdout.write(
            f"{count} renaming{'' if count == 1 else 's'} finished."
            if count
            else "Nothing was left unfinished."
        )
