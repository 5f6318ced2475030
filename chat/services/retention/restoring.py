"""Reading the archive of a room back into a new room."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from chat import payloads
from chat.models import Message, ModerationLog, Role, Room
from chat.moderation.room_archives import MESSAGES, PEOPLE, Line, RoomArchive
from chat.queries import people
from chat.queries.names import look
from chat.services.people.names import check_names
from chat.services.persistence import admit, log, new_membership, save_room, system_user
from chat.text import markdown
from chat.text.mentions import by_name
from notifications.payloads import inbox
from realtime.core.bounds.fair_threads import FairThreads
from realtime.core.heads import Heads, changing
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

MESSAGES_PER_STATEMENT: Final = 500
RESTORED_PREFIX: Final = "restored-"
RANDOM_NAME_BYTES: Final = 4


class Restored(NamedTuple):
    room: Room
    messages: int
    new_accounts: int


def restore_room(archive: RoomArchive, *, slug: str, owner_id: int) -> Restored:
    """Make an archived, private room in one transaction. Its only member is the owner.

    Authors are found by their username. For the others an account is made that cannot sign in.
    Texts are rendered again, so that no HTML of a file reaches a page.
    """
    owner = people.active_user_by_id(owner_id)
    found = archive.room
    with changing(inbox(owner_id)) as heads:
        if Room.objects.filter(slug=slug).exists():
            raise BadRequest("slug: {slug} is already taken", slug=slug)
        accounts = _Accounts(archive)
        room = Room(
            slug=slug,
            name=(name := found["name"] or found["slug"]),
            look=look(name),
            topic=found["topic"],
            kind=Room.Kind.PRIVATE,
            created_by_id=owner_id,
            first_number=found["first_number"],
            last_number=found["last_number"],
            archived_at=timezone.now(),
        )
        room.save()
        stream = payloads.stream(room.pk)
        heads.created(stream)
        count = _insert_messages(archive, heads, room, accounts)
        save_room(heads, room)
        admit(heads, room, new_membership(room, owner, now=timezone.now()), role=Role.OWNER)
        log(
            ModerationLog.Action.ARCHIVE,
            actor_id=system_user().pk,
            reason="",
            room=room,
            details={"file": found["slug"], "messages": count},
        )
    return Restored(room, count, accounts.made)


class _Accounts:
    """The accounts of the people of an archive, by the id that they have in it."""

    def __init__(self, archive: RoomArchive) -> None:
        self.made = 0
        self.names: dict[int, str] = {}
        self.ids: dict[int, int] = {}
        for line in archive.lines(PEOPLE):
            user = User.objects.filter(username=line["username"]).first()
            if user is None:
                user = _new_account(line["username"], line["name"])
                self.made += 1
            self.names[line["id"]], self.ids[line["id"]] = user.username, user.pk

    def mentioned(self, line: Line) -> dict[str, int]:
        """Return the ids of the people that a message mentions, by their names of now."""
        known = [user for user in line["mentions"] if user in self.ids]
        return by_name((self.names[user], self.ids[user]) for user in known)


def _new_account(username: str, name: str) -> User:
    """Make an account that cannot sign in. A name against the rules is replaced."""
    user = User(password=make_password(None), is_active=False)
    try:
        user.username = check_names(user, {"username": username})["username"]
    except BadRequest:
        user.username = f"{RESTORED_PREFIX}{secrets.token_hex(RANDOM_NAME_BYTES)}"
    try:
        user.first_name = check_names(user, {"first_name": name})["first_name"]
    except BadRequest:
        user.first_name = ""
    user.save()
    return user


def _insert_messages(archive: RoomArchive, heads: Heads, room: Room, accounts: _Accounts) -> int:
    lines = archive.lines(MESSAGES)
    ids: dict[int, int] = {}  # by number
    while some := list(islice(lines, MESSAGES_PER_STATEMENT)):
        rows = list(_rows(some, heads, room, accounts))
        Message.objects.bulk_create(rows)
        ids |= {row.number: row.pk for row in rows}
        replies = [
            row for row, line in zip(rows, some, strict=True) if line["reply_to"] is not None
        ]
        for row, line in zip(rows, some, strict=True):
            row.reply_to_id = ids.get(line["reply_to"])
        Message.objects.bulk_update(replies, ["reply_to"])
    return len(ids)


async def _rendered(lines: list[Line], accounts: _Accounts) -> list[str]:
    """Render texts on threads, one of each author at a time: a file may hold hostile ones."""
    threads = FairThreads(
        "restore", threads=settings.HOLDFAST_RENDER_THREADS, waiting=MESSAGES_PER_STATEMENT
    )
    running = [
        threads.run(line["author"], _html, line["body"], accounts.mentioned(line)) for line in lines
    ]
    return await asyncio.gather(*running)


def _html(body: str, mentioned: Mapping[str, int]) -> str:
    return markdown.render(body, mentioned, room=True).html


def _rows(lines: list[Line], heads: Heads, room: Room, accounts: _Accounts) -> Iterator[Message]:
    texts = asyncio.run(_rendered(lines, accounts))
    for line, html in zip(lines, texts, strict=True):
        # Nobody follows the room yet, so the numbers are taken without events.
        yield Message(
            room=room,
            number=line["number"],
            seq=heads.next(payloads.stream(room.pk)),
            author_id=accounts.ids[line["author"]],
            key=uuid4(),
            body=line["body"],
            html=html,
            created_at=datetime.fromisoformat(line["created_at"]),
            edited_at=parse_datetime(line["edited_at"] or ""),
            # A hidden text is not in the archive, so nobody can show it again.
            deleted_at=parse_datetime(line["deleted_at"] or line["hidden_at"] or ""),
            reactions={
                emoji: [accounts.ids[user] for user in users if user in accounts.ids]
                for emoji, users in line["reactions"].items()
            },
            mentions=list(accounts.mentioned(line).values()),
        )
