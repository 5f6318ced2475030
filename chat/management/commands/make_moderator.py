"""``manage.py make_moderator USER…``: let people moderate the site, or, with ``--remove``, no longer."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.services.moderators import appoint_moderator, dismiss_moderator
from realtime.protocol.errors import HoldfastError


class Command(BaseCommand):
    """Appoints and dismisses moderators. They sign in at /admin/ and need no superuser."""

    help = "Make people moderators of the site: they may sign in to the admin, and delete, mute and ban."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take usernames."""
        parser.add_argument("usernames", nargs="+", metavar="USER")
        parser.add_argument("--remove", action="store_true", help="take the role away instead")

    def handle(self, *_args: Any, usernames: list[str], remove: bool, **_options: Any) -> None:
        """Do it for one after the other, and stop at the first that there is not."""
        change = dismiss_moderator if remove else appoint_moderator
        words = "no moderator any more" if remove else "a moderator now"
        was = "no moderator" if remove else "a moderator"
        for username in usernames:
            try:
                changed = change(username=username)
            except HoldfastError as error:
                raise CommandError(f"{username}: {error.message}") from error
            self.stdout.write(
                f"{username} is {words}." if changed else f"{username} was {was} already."
            )
