"""Exports: evidence for authorities or courts, and a user's own data.

Evidence contains messages with their context, the reports, and the moderation log.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import override

from chat.models import (
    HeldText,
    Membership,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Room,
    SiteBan,
)
from chat.moderation.archives import PAGE, File, as_json, as_line, paged
from notifications import payloads
from notifications.kinds import detail, sentence
from notifications.models import Notification
from notifications.payloads import moment
from notifications.queries import people_in
from realtime.models import AccessToken

MAX_MESSAGES: Final = 50_000  # of one archive
SURROUNDINGS: Final = 20  # messages on each side of a single message


@dataclass(frozen=True, slots=True)
class Scope:
    """A message with its context, a user's messages, or a room, in a period."""

    message: Message | None = None
    person: User | None = None
    room: Room | None = None
    since: datetime | None = None
    until: datetime | None = None


def evidence(scope: Scope, *, made_by: User, reason: str) -> Iterator[File]:
    """Yield the files of an archive. It contains only those direct messages that were reported."""
    ids: list[int] = []
    about = {
        "made_at": moment(timezone.now()),
        "made_by": made_by.username,
        "reason": reason,
        "message": scope.message.pk if scope.message else None,
        "person": _person(scope.person) if scope.person else None,
        "room": scope.room.slug if scope.room else None,
        "since": moment(scope.since),
        "until": moment(scope.until),
        "most_messages": MAX_MESSAGES,
    }
    yield "about.json", [as_json(about)]
    yield "messages.jsonl", _lines(scope, ids)
    yield "messages.html", _page(scope)
    yield (
        "reports.json",
        [as_json([_report(row) for chunk in _chunks(ids) for row in _reports(chunk)])],
    )
    yield "moderation.json", [as_json([_entry(row) for row in _entries(scope)])]


def own_data(user: User) -> Iterator[File]:
    """Yield the files of a user's own data.

    They contain neither messages of others, nor the users who reported or moderated this one.
    """
    account = {
        "id": user.pk,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "joined": moment(user.date_joined),
        "last_login": moment(user.last_login),
    }
    yield "account.json", [as_json(account)]
    rooms = Membership.objects.filter(user=user).select_related("room")
    yield "memberships.jsonl", (as_line(_membership(row)) for row in paged(rows=rooms))
    mine = Message.objects.filter(author=user).select_related(
        "room", "author", "removed_text", "held_text"
    )
    yield "messages.jsonl", (as_line(_message(row)) for row in paged(mine))
    yield "reactions.jsonl", _reactions_of(user.pk)
    yield "notifications.jsonl", _notifications(user)
    reports = Report.objects.filter(reporter=user)
    yield (
        "reports.jsonl",
        (
            as_line({"message": row.message_id, "category": row.category, "note": row.note})
            for row in paged(reports)
        ),
    )
    about_me = ModerationLog.objects.filter(subject=user).select_related("room")
    yield "moderation.jsonl", (as_line(_entry_for_subject(row)) for row in paged(about_me))
    banned, made = SiteBan.objects.filter(user=user), AccessToken.objects.filter(user=user)
    bans = [
        {"reason": row.reason, "since": moment(row.created_at), "until": moment(row.until)}
        for row in banned
    ]
    tokens = [
        {"made_at": moment(row.created_at), "expires_at": moment(row.expires_at)} for row in made
    ]
    yield "bans_and_tokens.json", [as_json({"bans": bans, "tokens": tokens})]


def _reactions_of(user_id: int) -> Iterator[bytes]:
    """Yield a user's reactions, also to messages that were removed or hidden.

    No index has them, which is acceptable for a query that is rarely needed.
    """
    for model, message in ((Message, "pk"), (RemovedText, "message_id"), (HeldText, "message_id")):
        rows = model._default_manager.alias(text=Cast("reactions", TextField())).filter(
            text__contains=str(user_id)
        )
        for row in paged(rows):
            emoji = [each for each, people in row.reactions.items() if user_id in people]
            if emoji:
                yield as_line({"message": getattr(row, message), "emoji": emoji})


# -- messages --------------------------------------------------------------------------------------


def _messages(scope: Scope) -> Iterator[Message]:
    rows = Message.objects.select_related("room", "author", "removed_text", "held_text")
    if scope.message is not None:
        number = scope.message.number
        rows = rows.filter(
            room_id=scope.message.room_id,
            number__gte=number - SURROUNDINGS,
            number__lte=number + SURROUNDINGS,
        )
    rows = rows.filter(_narrowed(scope, person="author"))
    by_number = scope.message is not None or (scope.room is not None and scope.person is None)
    return paged(_without_private(rows), key="number" if by_number else "pk", most=MAX_MESSAGES)


def _without_private(rows: "QuerySet[Message]") -> "QuerySet[Message]":
    reported = Report.objects.filter(message=OuterRef("pk"))
    return rows.filter(~Q(room__kind=Room.Kind.DIRECT) | Exists(reported))


def _lines(scope: Scope, ids: list[int]) -> Iterator[bytes]:
    for row in _messages(scope):
        ids.append(row.pk)
        yield as_line(_message(row))


def _page(scope: Scope) -> Iterator[bytes]:
    yield b'<!doctype html><html lang="en"><meta charset="utf-8"><title>Messages</title>\n'
    yield b"<h1>Messages</h1>\n"
    for row in _messages(scope):
        found = _message(row)
        state = f" ({found['state']})" if found["state"] else ""
        author, sent = found["author"]["username"], found["created_at"]
        head = escape(f"{found['room']} No. {row.number} · {author} · {sent}{state}")
        text = escape(found["text"])
        yield f"<article><h2>{head}</h2><pre>{text}</pre></article>\n".encode()
    yield b"</html>\n"


# -- rows ------------------------------------------------------------------------------------------


def _person(user: User | None) -> dict[str, Any] | None:
    return (
        {"id": user.pk, "username": user.username, "name": user.get_full_name()} if user else None
    )


def _message(row: Message) -> dict[str, Any]:
    kept: RemovedText | HeldText | None = getattr(row, "removed_text", None) or getattr(
        row, "held_text", None
    )
    return {
        "id": row.pk,
        "room": "direct conversation" if row.room.is_direct else f"#{row.room.slug}",
        "number": row.number,
        "author": _person(row.author),
        "text": kept.body if kept else row.body,
        "state": "deleted" if row.is_deleted else "hidden" if row.is_hidden else "",
        "created_at": moment(row.created_at),
        "edited_at": moment(row.edited_at),
        "deleted_at": moment(row.deleted_at),
        "reply_to": row.reply_to_id,
        "reactions": kept.reactions if kept else row.reactions,
    }


def _membership(row: Membership) -> dict[str, Any]:
    where = "direct conversation" if row.room.is_direct else f"#{row.room.slug}"
    return {
        "room": where,
        "role": row.role,
        "state": row.state,
        "joined_at": moment(row.joined_at),
        "read_number": row.read_number,
    }


def _notifications(user: User) -> Iterator[bytes]:
    rows = iter(paged(Notification.objects.filter(user=user)))
    while found := list(islice(rows, PAGE)):
        people = people_in(found)
        for row in found:
            with override("en"):  # as everything else in an export
                line = as_line(_notification(payloads.notification(row, people)))
            yield line


def _notification(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": shown["kind"],
        "title": sentence(shown),
        "body": detail(shown),
        "created_at": shown["created_at"],
        "read_at": shown["read_at"],
    }


def _report(row: Report) -> dict[str, Any]:
    return {
        "id": row.pk,
        "message": row.message_id,
        "reporter": _person(row.reporter),
        "category": row.category,
        "note": row.note,
        "status": row.status,
        "created_at": moment(row.created_at),
        "closed_at": moment(row.closed_at),
    }


def _entry(row: ModerationLog) -> dict[str, Any]:
    return {
        **_entry_for_subject(row),
        "moderator": row.actor.username,
        "person": row.subject.username if row.subject else None,
    }


def _entry_for_subject(row: ModerationLog) -> dict[str, Any]:
    where = None if row.room is None or row.room.is_direct else f"#{row.room.slug}"
    found = {
        "action": row.action,
        "room": where,
        "message": row.message_id,
        "reason": row.reason,
        "details": row.details,
    }
    return {**found, "at": moment(row.created_at)}


def _reports(ids: Iterable[int]) -> Iterable[Report]:
    return Report.objects.filter(message_id__in=ids).select_related("reporter").order_by("pk")


def _entries(scope: Scope) -> Iterator[ModerationLog]:
    rows = ModerationLog.objects.select_related("actor", "subject", "room")
    if scope.message is not None:
        rows = rows.filter(message=scope.message)
    rows = rows.filter(_narrowed(scope, person="subject"))
    return paged(rows, most=MAX_MESSAGES)


def _narrowed(scope: Scope, *, person: str) -> Q:
    """Return the condition for person, room and time; ``person`` is the name of their column."""
    conditions = {
        person: scope.person,
        "room": scope.room,
        "created_at__gte": scope.since,
        "created_at__lte": scope.until,
    }
    return Q(**{name: value for name, value in conditions.items() if value is not None})


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]
