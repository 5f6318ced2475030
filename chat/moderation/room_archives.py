"""Archives of rooms: everything that members could see, in files that outlive the room.

A ZIP with JSON Lines, a page for people, and a manifest with the SHA-256 of each file
(docs/operations.md, "Archives"). Texts that moderators hold or removed are not in it. Names are as
of the time of writing.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.html import escape

from chat.models import Membership, Message, ModerationLog, Room
from chat.moderation.archives import (
    File,
    UnreadableArchive,
    as_json,
    as_line,
    paged,
    read_manifest,
)
from chat.payloads import moment
from realtime.core.users import User

FORMAT: Final = "holdfast-room"
VERSION: Final = 1
ABOUT, PEOPLE, MEMBERS, MESSAGES, LOG, PAGE = (
    "about.json",
    "people.jsonl",
    "memberships.jsonl",
    "messages.jsonl",
    "moderation.jsonl",
    "messages.html",
)

Line = dict[str, Any]


# -- writing ---------------------------------------------------------------------------------------


def room_files(room: Room) -> Iterator[File]:
    """Yield the files of a room. It should be archived, so that nothing changes meanwhile."""
    about = {
        "format": FORMAT,
        "version": VERSION,
        "written_at": moment(timezone.now()),
        "room": {
            "slug": room.slug,
            "name": room.name,
            "topic": room.topic,
            "kind": room.kind,
            "created_at": moment(room.created_at),
            "archived_at": moment(room.archived_at),
            "first_number": room.first_number,
            "last_number": room.last_number,
        },
    }
    yield ABOUT, [as_json(about)]
    yield PEOPLE, (as_line(_person(user)) for user in _people(room))
    members = Membership.objects.filter(room=room)
    yield MEMBERS, (as_line(_membership(row)) for row in paged(members))
    yield MESSAGES, (as_line(_message(row)) for row in paged(_messages(room), key="number"))
    log = ModerationLog.objects.filter(room=room).select_related("actor", "subject")
    yield LOG, (as_line(_entry(row)) for row in paged(log))
    yield PAGE, _page(room)


def _messages(room: Room) -> "QuerySet[Message]":
    rows = Message.objects.filter(room=room, number__gte=room.first_number)
    return rows.select_related("author").annotate(answers=F("reply_to__number"))


def _people(room: Room) -> Iterator[User]:
    """Yield members, past or present, and authors; those who reacted are among them."""
    authors = Message.objects.filter(room=room).values("author_id")
    members = Membership.objects.filter(room=room).values("user_id")
    return paged(User.objects.filter(pk__in=members) | User.objects.filter(pk__in=authors))


def _person(user: User) -> Line:
    return {"id": user.pk, "username": user.username, "name": user.get_full_name()}


def _membership(row: Membership) -> Line:
    return {
        "user": row.user_id,
        "role": row.role,
        "state": row.state,
        "joined_at": moment(row.joined_at),
        "read_number": row.read_number,
    }


def _message(row: Any) -> Line:
    return {
        "number": row.number,
        "author": row.author_id,
        "body": row.body,
        "html": row.html,
        "created_at": moment(row.created_at),
        "edited_at": moment(row.edited_at),
        "deleted_at": moment(row.deleted_at),
        "hidden_at": moment(row.hidden_at),
        "reply_to": row.answers,
        "reactions": row.reactions,
        "mentions": row.mentions,
    }


def _entry(row: ModerationLog) -> Line:
    return {
        "action": row.action,
        "actor": row.actor.username,
        "subject": row.subject.username if row.subject else None,
        "message": row.message_id,
        "reason": row.reason,
        "details": row.details,
        "at": moment(row.created_at),
    }


def _page(room: Room) -> Iterator[bytes]:
    title = escape(room.name or room.slug)
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>\n'.encode()
    yield f"<h1>{title}</h1><p>{escape(room.topic)}</p>\n".encode()
    for row in paged(_messages(room), key="number"):
        name = escape(row.author.get_full_name() or row.author.username)
        state = " (deleted)" if row.is_deleted else " (hidden)" if row.is_hidden else ""
        reply = f" in reply to <a href='#{row.answers}'>{row.answers}</a>" if row.answers else ""
        sent = moment(row.created_at)
        head = f"{row.number} · {name} · {sent}{reply}{state}"
        text = f"<pre>{escape(row.body)}</pre>"
        yield f"<article id='{row.number}'><h2>{head}</h2>{text}</article>\n".encode()
    yield b"</html>\n"


# -- reading ---------------------------------------------------------------------------------------


class RoomArchive:
    """An archive that was opened and verified. Use it as a context manager.

    Raises ``UnreadableArchive`` for a file that is none, or whose contents were changed.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise UnreadableArchive(f"{path} cannot be read as a ZIP file: {error}") from error
        try:
            self.about = self._verified(path)
        except UnreadableArchive:
            self._zip.close()
            raise
        except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            self._zip.close()
            raise UnreadableArchive(f"{path} is no archive of a room: {error}") from error

    def __enter__(self) -> "RoomArchive":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._zip.close()

    @property
    def room(self) -> Line:
        """The room, as ``room_files`` describes it."""
        found: Line = self.about["room"]
        return found

    def lines(self, name: str) -> Iterator[Line]:
        """Yield the objects of one of the files of JSON Lines."""
        with self._zip.open(name) as file:
            for line in file:
                yield json.loads(line)

    def _verified(self, path: Path) -> Line:
        try:
            read_manifest(self._zip)
        except UnreadableArchive as error:
            raise UnreadableArchive(f"{path}: {error}") from error
        about: Line = json.loads(self._zip.read(ABOUT))
        if about["format"] != FORMAT or about["version"] != VERSION:
            raise UnreadableArchive(
                f"{path}: expected {FORMAT} version {VERSION}, "
                f"got {about['format']} version {about['version']}"
            )
        return about
