"""``manage.py load_users``: add many users with tokens to a room, for load tests."""

import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError

from chat import services
from chat.models import Room
from chat.services.people.names import index_names
from realtime.auth import new_token, token_row
from realtime.core.users import User
from realtime.models import AccessToken

PREFIX = "load-"
MAX_COUNT = 100_000
BATCH = 200  # users of one transaction: some 50 ms
REST_SECONDS = 0.05


class Command(BaseCommand):
    help = (
        "Add N users without a password to a room, and print a bearer token for each, one a line."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--count", type=int, required=True, metavar="N")
        parser.add_argument("--room", required=True, metavar="SLUG")

    def handle(self, *args: Any, count: int, room: str, **options: Any) -> None:
        if not 1 <= count <= MAX_COUNT:
            raise CommandError(f"--count is {count}: expected a number between 1 and {MAX_COUNT}.")
        found = Room.objects.filter(slug=room).first()
        if found is None:
            raise CommandError(f"There is no room {room!r}.")
        users = _users(count)
        for start in range(0, count, BATCH):
            began = time.monotonic()
            self._load(found.pk, users[start : start + BATCH])
            # Others write meanwhile: on SQLite there is one write lock for all.
            time.sleep(max(REST_SECONDS, time.monotonic() - began))

    def _load(self, room_id: int, users: list[User]) -> None:
        """Add some users, in three short transactions, and print their tokens."""
        made = User.objects.bulk_create(users)
        index_names(made)
        services.add_members(room_id=room_id, user_ids=[user.pk for user in made])
        tokens = [(user, new_token()) for user in made]
        AccessToken.objects.bulk_create([token_row(user, token) for user, token in tokens])
        for _, token in tokens:
            self.stdout.write(token)


def _users(count: int) -> list[User]:
    """Return unsaved accounts, numbered from the last one of an earlier run."""
    last = (
        User.objects.filter(username__startswith=PREFIX)
        .order_by("-username")
        .values_list("username", flat=True)
        .first()
    )
    number = last.removeprefix(PREFIX) if last else "0"
    start = int(number) + 1 if number.isdecimal() else 1
    # make_password(None) is cheap: no hash, but a random mark that no password matches.
    return [
        User(username=f"{PREFIX}{start + index:09d}", password=make_password(None))
        for index in range(count)
    ]
