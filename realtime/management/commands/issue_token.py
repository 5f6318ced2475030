"""``manage.py issue_token``: create a bearer token for a program."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from realtime.auth import accounts_named, issue_token

MAX_DAYS = 36_500
DEFAULT_DAYS = 365.0


class Command(BaseCommand):
    """Print a bearer token. Changing the password or deactivating the account revokes it."""

    help = (
        "Print a bearer token for a user. "
        "It cannot be shown again; the admin lists and revokes tokens."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("user", help="the name that the user signs in with")
        parser.add_argument(
            "--days",
            type=float,
            default=DEFAULT_DAYS,
            metavar="N",
            help=f"expire after N days (default: {DEFAULT_DAYS:g})",
        )
        parser.add_argument("--no-end", action="store_true", help="never expire")

    def handle(self, *args: Any, user: str, days: float, no_end: bool, **options: Any) -> None:
        """Issue one token."""
        if not 0 < days <= MAX_DAYS:
            raise CommandError(
                f"--days is {days:g}: expected a number above 0 and at most {MAX_DAYS}."
            )
        found = accounts_named([user]).get(user)
        if found is None:
            raise CommandError(f"There is no user {user!r}.")
        if not found.is_active:
            name = found.get_username()
            raise CommandError(f"{name} is deactivated: a token would not be valid.")
        expires_at = None if no_end else timezone.now() + timedelta(days=days)
        self.stdout.write(issue_token(found, expires_at))
