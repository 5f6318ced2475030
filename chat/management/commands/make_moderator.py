"""``manage.py make_moderator USER…``: make users moderators of the site, or no longer."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.services.moderation.moderators import appoint_moderator, dismiss_moderator
from realtime.protocol.errors import HoldfastError


class Command(BaseCommand):
    help = "Let users sign in to the admin, remove messages, mute and ban."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("usernames", nargs="+", metavar="USER")
        parser.add_argument("--remove", action="store_true", help="remove the role instead")

    def handle(self, *_args: Any, usernames: list[str], remove: bool, **_options: Any) -> None:
        change = dismiss_moderator if remove else appoint_moderator
        now = "is no longer a moderator" if remove else "is now a moderator"
        unchanged = "is not a moderator" if remove else "is already a moderator"
        for username in usernames:
            try:
                changed = change(username=username)
            except HoldfastError as error:
                raise CommandError(f"{username}: {error.message}") from error
            self.stdout.write(f"{username} {now if changed else unchanged}.")
