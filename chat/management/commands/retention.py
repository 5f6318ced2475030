"""``manage.py retention``: remove messages and notifications that are no longer kept."""

from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from chat.services.retention import run
from realtime.auth import last_seen
from realtime.core.limits import long_statements
from realtime.core.monitoring import jobs


class Command(BaseCommand):
    help = (
        "Remove messages and notifications that are no longer kept, for good, in batches. Run it "
        "daily. It can be interrupted, and several may run at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would be removed, change nothing"
        )
        parser.add_argument(
            "--seconds",
            type=float,
            metavar="N",
            help="stop after about N seconds; the next run continues",
        )

    def handle(self, *_args: Any, dry_run: bool, seconds: float | None, **_options: Any) -> None:
        try:
            with long_statements():
                found = run.count() if dry_run else run.run(seconds=seconds)
        except OperationalError as error:
            raise CommandError(
                f"The database did not answer in time ({str(error).splitlines()[0]}). "
                "Run it again: it continues where it stopped."
            ) from error
        verb = "would be removed" if dry_run else "removed"
        self.stdout.write(f"messages {verb}: {found.messages} in {found.rooms} rooms")
        self.stdout.write(f"messages kept for cases: {found.kept_for_cases}")
        ended = "holds that would end" if dry_run else "holds of cases ended"
        self.stdout.write(f"{ended}: {found.holds}")
        self.stdout.write(f"notifications {verb}: {found.notifications}")
        if not dry_run:
            import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
            last_seen.forget_ended()
            jobs.succeeded("retention")
            self.stdout.write("expired sessions removed")
        if not found.finished:
            self.stdout.write("stopped after --seconds; run it again to continue")
