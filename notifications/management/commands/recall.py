"""``manage.py recall``: take a broadcast back, on every screen that shows it."""

import json
import time
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from notifications import policies, services
from notifications.management.json_errors import JsonCommand
from realtime.protocol.errors import NotFound

PROGRESS_SECONDS: Final = 2.0  # between two lines


class Command(JsonCommand):
    """Recalls one broadcast. Repeated, it finishes what was interrupted."""

    help = "Take a broadcast back: its words disappear from announcements, inboxes and rooms, live."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which one."""
        parser.add_argument(
            "broadcast", type=int, metavar="ID", help="as `manage.py broadcasts` lists it"
        )
        parser.add_argument("--json", action="store_true", help="answer with JSON")

    def handle(self, *_: Any, broadcast: int, **options: Any) -> None:
        """Take it back and say what that changed."""
        self._last = time.monotonic()
        if not 1 <= broadcast <= policies.MAX_ID:
            raise CommandError(f"Expected the id of a broadcast, got {broadcast}.")
        try:
            recalled = services.recall(broadcast_id=broadcast, watch=self._watch)
        except NotFound as error:
            raise CommandError(f"{error.message} `manage.py broadcasts` lists them.") from error
        counts = {
            "announcements": recalled.announcements,
            "notifications": recalled.notifications,
            "posts": recalled.posts,
        }
        if options["json"]:
            self.stdout.write(json.dumps({"broadcast": broadcast, **counts}))
        else:
            changed = ", ".join(
                f"{count} {noun if count != 1 else noun.removesuffix('s')}"
                for noun, count in counts.items()
                if count
            )
            self.stdout.write(
                f"Took back broadcast {broadcast}: {changed or 'nothing was left to take back'}."
            )

    def _watch(self, count: int) -> None:
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            self.stderr.write(f"Taken back: {count:,} notifications")
