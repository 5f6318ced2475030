"""``manage.py poke orders.7``: let every node read streams that another program has changed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from realtime.core import publishing
from realtime.core.streams import StreamName, parse
from realtime.protocol.errors import NotFound


class Command(BaseCommand):
    """Nodes find such changes by themselves, with the next head check."""

    help = "Let all nodes read the heads of streams now, after another program has changed them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the names of streams."""
        parser.add_argument("streams", nargs="+", help="for example orders.7")

    def handle(self, *, streams: list[str], **_: Any) -> None:
        """Send the hints."""
        for name in streams:
            try:
                parse(name)
            except NotFound as error:
                raise CommandError(f"{name}: {error}") from error
        publishing.hint([StreamName(name) for name in streams])
