"""``manage.py person_erase USER``: make an account nobody's and delete what its person wrote."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from chat.services.erasure import erase_person
from chat.services.persistence import system_user
from realtime.protocol.errors import HoldfastError

SECONDS = 5.0  # between two lines of progress


class Command(BaseCommand):
    """Erases, or goes on where an erasure was interrupted."""

    help = "Erase a person: sign them out everywhere, take their name away, delete their texts for ever. Called again, it goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the person, and that it is meant."""
        parser.add_argument(
            "username",
            metavar="USER",
            help="the name, or deleted-ID of an erasure that was interrupted",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, username: str, yes: bool, **_options: Any) -> None:
        """Do it until it is finished."""
        user = User.objects.filter(username=username).first() if "\0" not in username else None
        if user is None:
            raise CommandError(f"{username}: There is no such person.")
        if not yes and input(f"Erase {username} for ever? Enter the name to confirm: ") != username:
            raise CommandError("Nothing was done.")
        finished = False
        while not finished:
            try:
                bulk = erase_person(actor_id=system_user().pk, user_id=user.pk, seconds=SECONDS)
            except HoldfastError as error:
                raise CommandError(f"{username}: {error.message}") from error
            finished = bulk.finished_at is not None
            self.stdout.write(
                f"{bulk.done} of {bulk.expected} messages erased{', finished' if finished else ''}"
            )
