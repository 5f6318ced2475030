"""``manage.py issue_token``: create a bearer token for a program."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from realtime.auth import issue_token

MAX_DAYS = 36_500


class Command(BaseCommand):
    """Print a bearer token. Changing the password or deactivating the account revokes it."""

    help = (
        "Print a bearer token for a user. "
        "It cannot be shown again; the admin lists and revokes tokens."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("user", help="username")
        parser.add_argument(
            "--days", type=float, metavar="N", help="expire after N days (default: never)"
        )

    def handle(self, *args: Any, user: str, days: float | None, **options: Any) -> None:
        """Issue one token."""
        if days is not None and not 0 < days <= MAX_DAYS:
            raise CommandError(
                f"--days is {days:g}: expected a number above 0 and at most {MAX_DAYS}."
            )
        found = User.objects.filter(username=user).first()
        if found is None:
            raise CommandError(f"There is no user {user!r}.")
        if not found.is_active:
            raise CommandError(f"{user} is deactivated: a token would not be valid.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        self.stdout.write(issue_token(found, expires_at))
