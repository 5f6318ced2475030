"""``manage.py person_export USER FILE``: write a user's personal data into a ZIP file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.moderation import archives
from chat.moderation.evidence import own_data
from chat.queries import people
from chat.services.people.erasure import log_export
from chat.services.persistence import system_user
from realtime.core.limits import long_statements
from realtime.protocol.errors import HoldfastError


class Command(BaseCommand):
    help = "Write all personal data of a user into a ZIP file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USER")
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *_args: Any, username: str, file: Path, **_options: Any) -> None:
        try:
            user = people.active_user(username)
        except HoldfastError as error:
            raise CommandError(f"{username}: {error.message}") from error
        log_export(actor_id=system_user().pk, subject_id=user.pk, reason="their own data")
        with long_statements(), file.open("xb") as out:
            for part in archives.stream(own_data(user)):
                out.write(part)
        self.stdout.write(f"Wrote {file}.")
