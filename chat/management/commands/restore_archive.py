"""``manage.py restore_archive FILE``: make a new room of the archive of a room."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.moderation.archives import UnreadableArchive
from chat.moderation.room_archives import RoomArchive
from chat.queries import people
from chat.services.retention.restoring import restore_room
from realtime.core.limits import long_statements
from realtime.protocol.errors import HoldfastError


class Command(BaseCommand):
    help = (
        "Read an archive that `manage.py archive` has written into a new, private, archived room. "
        "It is one transaction: with SQLite, stop the server meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--owner", metavar="USER", required=True, help="the only member")
        parser.add_argument("--slug", metavar="ROOM", help="the URL name (default: SLUG-restored)")

    def handle(
        self, *_args: Any, file: Path, owner: str, slug: str | None, **_options: Any
    ) -> None:
        try:
            user = people.active_user(owner)
            with RoomArchive(file) as archive, long_statements():
                slug = slug or f"{archive.room['slug']}-restored"
                found = restore_room(archive, slug=slug, owner_id=user.pk)
        except UnreadableArchive as error:
            raise CommandError(f"FILE: {error}.") from error
        except HoldfastError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"Restored {found.messages} messages into {found.room.slug}; made "
            f"{found.new_accounts} accounts that cannot sign in."
        )
