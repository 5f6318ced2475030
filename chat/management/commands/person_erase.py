"""``manage.py person_erase USER``: anonymise an account and delete its messages for good."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.queries.moderation.reports import count_held
from chat.queries.names import user_named
from chat.services.people.erasure import erase_person
from chat.services.persistence import system_user
from realtime.core.limits import long_statements
from realtime.protocol.errors import HoldfastError

SECONDS = 5.0  # between two lines of progress


class Command(BaseCommand):
    help = (
        "Erase a person: sign them out everywhere, and delete their name and messages for good. "
        "Run it again to resume an interrupted erasure."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "username",
            metavar="USER",
            help="the username, or deleted-ID to resume an erasure",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *_args: Any, username: str, yes: bool, **_options: Any) -> None:
        user = user_named(username)
        if user is None:
            raise CommandError(f"{username}: There is no such person.")
        held = count_held(user.pk)
        if held:
            self.stdout.write(
                f"Cases hold {held} messages of {username}. Their texts stay for moderators until "
                f"the cases are decided and {settings.HOLDFAST_APPEAL_DAYS} days have passed; then "
                "`manage.py retention` erases them."
            )
        if (
            not yes
            and input(f"Erase {username} for good? Enter the username to confirm: ") != username
        ):
            raise CommandError("Cancelled; nothing was changed.")
        finished = False
        while not finished:
            try:
                with long_statements():
                    bulk = erase_person(actor_id=system_user().pk, user_id=user.pk, seconds=SECONDS)
            except HoldfastError as error:
                raise CommandError(f"{username}: {error.message}") from error
            finished = bulk.finished_at is not None
            self.stdout.write(
                f"{bulk.done} of {bulk.expected} messages erased{', finished' if finished else ''}"
            )
