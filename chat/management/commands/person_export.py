"""``manage.py person_export USER FILE``: write a user's personal data into a ZIP file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.management.archive_files import new_file
from chat.moderation import archives
from chat.moderation.own_data import own_data
from chat.queries.names import user_named
from chat.services.people.exports import log_export
from chat.services.persistence import system_user
from realtime.core.limits import long_statements


class Command(BaseCommand):
    help = "Write all personal data of a user, active or not, into a ZIP file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USER")
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *_args: Any, username: str, file: Path, **_options: Any) -> None:
        user = user_named(username)
        if user is None:
            raise CommandError(f"USER: there is no person {username}.")
        with new_file(file) as out, long_statements():
            manifest = archives.write(own_data(user), out)
        log_export(
            actor_id=system_user().pk,
            subject_id=user.pk,
            reason="their own data",
            manifest=manifest,
        )
        self.stdout.write(f"Wrote {file}.")
