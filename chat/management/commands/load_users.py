"""``manage.py load_users``: many members with tokens, for load tests."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from chat import services
from chat.models import Room
from realtime.auth import new_token, token_row
from realtime.models import AccessToken

PREFIX = "load-"
MAX_COUNT = 100_000
BATCH = 1000  # rows of one INSERT


class Command(BaseCommand):
    """Make N accounts that cannot sign in, members of one room, and print a bearer token for each."""

    help = "Make N members of a room and print one bearer token a line. They have no password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--count", type=int, required=True, metavar="N")
        parser.add_argument("--room", required=True, metavar="SLUG")

    def handle(self, *args: Any, count: int, room: str, **options: Any) -> None:
        """Make them."""
        if not 1 <= count <= MAX_COUNT:
            raise CommandError(f"--count is {count}: expected a number between 1 and {MAX_COUNT}.")
        found = Room.objects.filter(slug=room).first()
        if found is None:
            raise CommandError(f"There is no room {room!r}.")
        users = User.objects.bulk_create(_users(count), batch_size=BATCH)
        services.add_members(room_id=found.pk, user_ids=[user.pk for user in users])
        tokens = [(user, new_token()) for user in users]
        AccessToken.objects.bulk_create(
            [token_row(user, token) for user, token in tokens], batch_size=BATCH
        )
        for _, token in tokens:
            self.stdout.write(token)


def _users(count: int) -> list[User]:
    """Return unsaved accounts, numbered on from those of an earlier run."""
    last = (
        User.objects.filter(username__startswith=PREFIX)
        .order_by("-username")
        .values_list("username", flat=True)
        .first()
    )
    number = last.removeprefix(PREFIX) if last else "0"
    start = int(number) + 1 if number.isdecimal() else 1
    # make_password(None) is no hash but a mark that nothing matches: free of charge, and different
    # for each
    return [
        User(username=f"{PREFIX}{start + place:09d}", password=make_password(None))
        for place in range(count)
    ]
