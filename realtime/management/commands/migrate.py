"""Django's command, whose statements may take as long as they need: an index of a large table."""

from typing import Any

from django.core.management.commands.migrate import Command as Migrate

from realtime.core.limits import long_statements


class Command(Migrate):
    """Migrate. Waits for locks are limited: run it again when it could not get one."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply the migrations."""
        with long_statements():
            super().handle(*args, **options)
