"""``manage.py archive ROOM FILE``: write a room into a file, or read such a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.management.archive_files import new_file
from chat.moderation import archives
from chat.moderation.archives import UnreadableArchive
from chat.moderation.room_archives import MESSAGES, PEOPLE, RoomArchive, room_files
from chat.queries.rooms import room_by_slug
from chat.services.people.exports import log_export
from chat.services.persistence import system_user
from realtime.core.limits import long_statements


class Command(BaseCommand):
    help = (
        "Write everything that members of a room can see into a ZIP file. Archive the room first, "
        "so that nothing changes meanwhile. With --read, print the messages of such a file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", metavar="ROOM", nargs="?", help="the room's URL name")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--read", action="store_true", help="verify FILE and print its messages"
        )
        parser.add_argument("--open", action="store_true", help="also if the room is not archived")

    def handle(self, *_args: Any, room: str | None, file: Path, read: bool, **options: Any) -> None:
        if read:
            self._read(file)
        elif room is None:
            raise CommandError("Name the room and the file: manage.py archive ROOM FILE.")
        else:
            self._write(room.removeprefix("#"), file, is_open=options["open"])

    def _write(self, slug: str, file: Path, *, is_open: bool) -> None:
        room = room_by_slug(slug)
        if room is None:
            raise CommandError(f"ROOM: there is no room {slug}.")
        if room.archived_at is None and not is_open:
            raise CommandError(
                f"ROOM: {slug} is not archived, so it may change while it is written. "
                "Archive it in the admin first, or pass --open."
            )
        with new_file(file) as out, long_statements():
            manifest = archives.write(room_files(room), out)
        log_export(actor_id=system_user().pk, room_id=room.pk, reason="archive", manifest=manifest)
        self.stdout.write(f"Wrote {file}.")

    def _read(self, file: Path) -> None:
        try:
            with RoomArchive(file) as archive:
                names = {
                    person["id"]: person["name"] or person["username"]
                    for person in archive.lines(PEOPLE)
                }
                room = archive.room
                self.stdout.write(f"#{room['slug']} {room['name']}")
                for line in archive.lines(MESSAGES):
                    reply = f" > {line['reply_to']}" if line["reply_to"] else ""
                    text = "(deleted)" if line["deleted_at"] else line["body"]
                    self.stdout.write(
                        f"{line['number']}{reply} {line['created_at']} "
                        f"{names.get(line['author'], line['author'])}: {text}"
                    )
        except UnreadableArchive as error:
            raise CommandError(f"FILE: {error}.") from error
