"""Evidence for authorities or courts: messages with their context, reports and the moderation log.

Texts that were reported are in it as they were reported, with every change since.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.html import escape

from chat.models import (
    Case,
    HeldPost,
    HeldText,
    Membership,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Room,
    SiteBan,
    SiteMute,
)
from chat.moderation.archives import File, as_json, as_line, chunks, paged
from chat.payloads import moment
from holdfast.version import __version__
from realtime.core.users import User

MAX_MESSAGES: Final = 50_000  # of one archive; about.json says whether there are more
MAX_ENTRIES: Final = 50_000  # of the log, likewise
SURROUNDINGS: Final = 20  # messages on each side of a single message
Action = ModerationLog.Action
# Actions of moderators against the people in an archive, wherever it was.
SANCTIONS: Final = (
    Action.MUTE,
    Action.UNMUTE,
    Action.SITE_MUTE,
    Action.SITE_UNMUTE,
    Action.REMOVE,
    Action.BAN,
    Action.UNBAN,
    Action.SITE_BAN,
    Action.SITE_UNBAN,
    Action.DEACTIVATE,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A message with its context, a user's messages, or a room, in a period."""

    message: Message | None = None
    person: User | None = None
    room: Room | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class _Contents:
    """The rows that are in an archive so far, for the files that follow."""

    messages: list[int] = field(default_factory=list)
    people: set[int] = field(default_factory=set)
    rooms: set[int] = field(default_factory=set)
    has_more_messages: bool = False
    held_posts: int = 0
    has_more_held_posts: bool = False
    has_more_entries: bool = False


def evidence(scope: Scope, *, made_by: User, reason: str) -> Iterator[File]:
    """Yield the files of an archive. It contains only those direct messages that were reported."""
    found = _Contents()
    yield "messages.jsonl", (as_line(row) for row in _records(scope, found))
    held = _held_records(scope, found)
    yield "held_posts.jsonl", (as_line(row) for row in held)
    yield "messages.html", _page(scope, found)
    reports = (row for ids in chunks(found.messages) for row in _reports(ids, found))
    yield "reports.jsonl", (as_line(row) for row in reports)
    yield "moderation.jsonl", (as_line(_entry(row)) for row in _entries(scope, found))
    people = (row for ids in chunks(sorted(found.people)) for row in _people(ids, found))
    yield "people.jsonl", (as_line(row) for row in people)
    # The last file, because it says whether anything was left out.
    about = (as_json(_about(scope, found, made_by, reason)) for _ in range(1))
    yield "about.json", about


def _about(scope: Scope, found: _Contents, made_by: User, reason: str) -> dict[str, Any]:
    return {
        "made_at": moment(timezone.now()),
        "made_by": made_by.username,
        "reason": reason,
        "site": {
            "name": settings.HOLDFAST_APP_NAME,
            "address": next(iter(settings.ALLOWED_ORIGINS), ""),
            "contact": settings.HOLDFAST_CONTACT,
            "software": f"Holdfast {__version__}",
            "time_zone": "UTC, in all files",
        },
        "message": scope.message.pk if scope.message else None,
        "person": _person(scope.person) if scope.person else None,
        "room": scope.room.slug if scope.room else None,
        "since": moment(scope.since),
        "until": moment(scope.until),
        "messages": len(found.messages),
        "most_messages": MAX_MESSAGES,
        "has_more_messages": found.has_more_messages,
        "held_posts": found.held_posts,
        "has_more_held_posts": found.has_more_held_posts,
        "most_entries": MAX_ENTRIES,
        "has_more_entries": found.has_more_entries,
    }


# -- messages --------------------------------------------------------------------------------------


def _records(scope: Scope, found: _Contents) -> Iterator[dict[str, Any]]:
    """Yield the messages as dictionaries, with the cases and the removals of them."""
    for rows in chunks(_messages(scope)):
        left = MAX_MESSAGES - len(found.messages)
        found.has_more_messages = len(rows) > left
        rows = rows[:left]
        found.messages += [row.pk for row in rows]
        found.people |= {row.author_id for row in rows}
        found.rooms |= {row.room_id for row in rows}
        yield from _with_cases(rows, found)


def _with_cases(rows: Sequence[Message], found: _Contents) -> Iterator[dict[str, Any]]:
    ids = [row.pk for row in rows]
    cases: dict[int | None, list[Case]] = {}
    of_messages = Case.objects.filter(message_id__in=ids).select_related("closed_by")
    for case in of_messages.prefetch_related("revisions__by").order_by("pk"):
        cases.setdefault(case.message_id, []).append(case)
    removals = ModerationLog.objects.filter(
        message_id__in=ids, action__in=(Action.DELETE, Action.RESOLVE)
    )
    reasons = dict(removals.order_by("pk").values_list("message_id", "reason"))
    people = _people_of({row.room_id for row in rows if row.room.is_direct})
    for row in rows:
        found.people |= {person["id"] for person in people.get(row.room_id, ())}
        yield {
            **message_record(row, reason=reasons.get(row.pk)),
            "conversation": _conversation(row.room, people),
            "cases": [_case(case) for case in cases.get(row.pk, ())],
        }


def _messages(scope: Scope) -> Iterator[Message]:
    rows = Message.objects.select_related(
        "room", "author", "removed_text__removed_by", "removed_text__bulk", "held_text__hidden_by"
    )
    if scope.message is not None:
        number = scope.message.number
        rows = rows.filter(
            room_id=scope.message.room_id,
            number__gte=number - SURROUNDINGS,
            number__lte=number + SURROUNDINGS,
        )
    rows = rows.filter(_narrowed(scope, person="author"))
    by_number = scope.message is not None or (scope.room is not None and scope.person is None)
    return paged(_without_private(rows), key="number" if by_number else "pk", most=MAX_MESSAGES + 1)


def _without_private(rows: "QuerySet[Message]") -> "QuerySet[Message]":
    reported = Report.objects.filter(message=OuterRef("pk"))
    return rows.filter(~Q(room__kind=Room.Kind.DIRECT) | Exists(reported))


def _people_of(room_ids: set[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the people of each direct conversation, which distinguish it from others."""
    found: dict[int, list[dict[str, Any]]] = {}
    rows = Membership.objects.filter(room__in=room_ids) if room_ids else Membership.objects.none()
    for row in rows.select_related("user").order_by("pk"):
        found.setdefault(row.room_id, []).append({"id": row.user_id, "username": row.user.username})
    return found


def _conversation(room: Room, people: dict[int, list[dict[str, Any]]]) -> dict[str, Any] | None:
    return {"id": room.pk, "people": people.get(room.pk, [])} if room.is_direct else None


def _case(case: Case) -> dict[str, Any]:
    return {
        "id": case.pk,
        "opened_at": moment(case.opened_at),
        "status": case.status,
        "closed_at": moment(case.closed_at),
        "closed_by": case.closed_by.username if case.closed_by else None,
        "reason": case.reason,
        "reported_text": case.body,
        "written_at": moment(case.written_at),
        "author_name": case.author_name,
        "changes": [
            {"act": row.act, "text": row.body, "by": row.by.username, "at": moment(row.at)}
            for row in case.revisions.all()
        ],
        "changes_not_kept": case.dropped,
        "texts_deleted_at": moment(case.released_at),
    }


def message_record(row: Message, *, reason: str | None = None) -> dict[str, Any]:
    """Return a message with the text that moderators withhold, and who withholds it and why."""
    removed: RemovedText | None = getattr(row, "removed_text", None)
    held: HeldText | None = getattr(row, "held_text", None)
    kept = removed or held
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
        "removed_by": removed.removed_by.username if removed else None,
        "removal_reason": (removed.bulk.reason if removed.bulk else reason) if removed else None,
        "hidden_by": held.hidden_by.username if held else None,
        "reply_to": row.reply_to_id,
        "reactions": kept.reactions if kept else row.reactions,
    }


def _page(scope: Scope, found: _Contents) -> Iterator[bytes]:
    yield b'<!doctype html><html lang="en"><meta charset="utf-8"><title>Messages</title>\n'
    yield b"<h1>Messages</h1>\n<p>All times are UTC.</p>\n"
    for row in _records(scope, _Contents()):
        state = f" ({row['state']})" if row["state"] else ""
        author, sent = row["author"]["username"], row["created_at"]
        head = escape(f"{row['room']} No. {row['number']} · {author} · {sent}{state}")
        yield f"<article><h2>{head}</h2>".encode()
        yield f"<pre>{escape(row['text'])}</pre>".encode()
        for case in row["cases"]:
            yield from _case_on_page(case)
        yield b"</article>\n"
    if found.has_more_messages:
        yield f"<p>These are the first {MAX_MESSAGES} messages. There are more.</p>\n".encode()
    if found.held_posts:
        yield b"<h1>Messages that a filter held</h1>\n"
    for row in _held_records(scope, _Contents(messages=found.messages)):
        title = f"{row['room']} · {row['author']['username']} · {row['created_at']}"
        filters = f"{row['status']} · Filters: {row['filters']}"
        yield f"<article><h2>{escape(title)}</h2><p>{escape(filters)}</p>".encode()
        yield f"<pre>{escape(row['text'])}</pre>".encode()
        yield from _decision_on_page(row)
        yield b"</article>\n"
    if found.has_more_held_posts:
        yield f"<p>These are the first {MAX_MESSAGES} of them. There are more.</p>\n".encode()
    yield b"</html>\n"


def _case_on_page(case: dict[str, Any]) -> Iterator[bytes]:
    opened, text = escape(case["opened_at"]), escape(case["reported_text"])
    yield f"<h3>Reported {opened}</h3><pre>{text}</pre>".encode()
    for change in case["changes"]:
        head = escape(f"{change['act']} · {change['by']} · {change['at']}")
        yield f"<h3>{head}</h3><pre>{escape(change['text'])}</pre>".encode()
    yield from _decision_on_page(case)


def _decision_on_page(case: dict[str, Any]) -> Iterator[bytes]:
    if case["closed_at"]:
        decided = f"{case['status']} · {case['closed_by']} · {case['closed_at']}: {case['reason']}"
        yield f"<h3>{escape(decided)}</h3>".encode()


# -- held posts ------------------------------------------------------------------------------------


def _held_records(scope: Scope, found: _Contents) -> Iterator[dict[str, Any]]:
    """Yield the posts that a filter held, with its decision; of a message, the one that it was."""
    rows = HeldPost.objects.select_related("case__closed_by", "author", "room")
    rows = rows.filter(_narrowed(scope, person="author"))
    if scope.message is not None:
        became = Message.objects.filter(author=OuterRef("author"), key=OuterRef("key"))
        rows = rows.filter(Exists(became.filter(pk__in=found.messages)))
    for row in paged(rows, most=MAX_MESSAGES + 1):
        if found.held_posts == MAX_MESSAGES:
            found.has_more_held_posts = True
            return
        found.held_posts += 1
        found.rooms.add(row.room_id)
        found.people |= {row.author_id, *([row.case.closed_by_id] if row.case.closed_by_id else [])}
        yield _held_record(row)


def _held_record(row: HeldPost) -> dict[str, Any]:
    case = row.case
    return {
        "case": case.pk,
        "room": f"#{row.room.slug}",
        "after_number": row.after_number,
        "author": _person(row.author),
        "author_name": case.author_name,
        "text": case.body,
        "reply_to": row.reply_to_id,
        "filters": row.note,
        "status": row.state,
        "created_at": moment(row.created_at),
        "closed_at": moment(case.closed_at),
        "closed_by": case.closed_by.username if case.closed_by else None,
        "reason": case.reason,
        "text_deleted_at": moment(case.released_at),
    }


# -- reports, people and the log -------------------------------------------------------------------


def _reports(ids: Sequence[int], found: _Contents) -> Iterator[dict[str, Any]]:
    rows = Report.objects.filter(message_id__in=ids).order_by("pk")
    for row in rows.select_related("reporter", "closed_by"):
        found.people.add(row.reporter_id)
        yield {
            "id": row.pk,
            "case": row.case_id,
            "message": row.message_id,
            "reporter": _person(row.reporter),
            "category": row.category,
            "note": row.note,
            "status": row.status,
            "created_at": moment(row.created_at),
            "closed_at": moment(row.closed_at),
            "closed_by": row.closed_by.username if row.closed_by else None,
        }


def _people(ids: Sequence[int], found: _Contents) -> Iterator[dict[str, Any]]:
    """Yield people with their bans and mutes, on the site and in the rooms of the archive."""
    bans = _by_person(
        SiteBan.objects.filter(user__in=ids).select_related("created_by", "lifted_by")
    )
    mutes = {row.pk: row for row in SiteMute.objects.filter(pk__in=ids)}
    in_rooms = Membership.objects.filter(user__in=ids, room__in=found.rooms)
    members = _by_person(in_rooms.select_related("room"))
    acts: dict[int | None, list[ModerationLog]] = {}
    log = ModerationLog.objects.filter(subject__in=ids, action__in=SANCTIONS)
    for entry in log.select_related("actor", "subject", "room").order_by("pk"):
        acts.setdefault(entry.subject_id, []).append(entry)
    for user in User.objects.filter(pk__in=ids).order_by("pk"):
        mute = mutes.get(user.pk)
        yield {
            **_person(user),
            "joined_at": moment(user.date_joined),
            "is_active": user.is_active,
            "site_bans": [_ban(row) for row in bans.get(user.pk, ())],
            "muted_until": moment(mute.until) if mute else None,
            "rooms": [_in_room(row) for row in members.get(user.pk, ()) if not row.room.is_direct],
            "sanctions": [_entry(row) for row in acts.get(user.pk, ())],
        }


def _by_person(rows: "QuerySet[Any]") -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows.order_by("pk"):
        found.setdefault(row.user_id, []).append(row)
    return found


def _ban(row: SiteBan) -> dict[str, Any]:
    return {
        "by": row.created_by.username,
        "reason": row.reason,
        "since": moment(row.created_at),
        "until": moment(row.until),
        "lifted_at": moment(row.lifted_at),
        "lifted_by": row.lifted_by.username if row.lifted_by else None,
    }


def _in_room(row: Membership) -> dict[str, Any]:
    return {
        "room": f"#{row.room.slug}",
        "role": row.role,
        "state": row.state,
        "muted_until": moment(row.muted_until),
        "banned_until": moment(row.banned_until),
    }


def _entries(scope: Scope, found: _Contents) -> Iterator[ModerationLog]:
    rows = ModerationLog.objects.select_related("actor", "subject", "room")
    if scope.message is not None:
        rows = rows.filter(message__in=found.messages)
    rows = rows.filter(_narrowed(scope, person="subject"))
    for number, row in enumerate(paged(rows, most=MAX_ENTRIES + 1)):
        if number == MAX_ENTRIES:
            found.has_more_entries = True
            return
        found.people |= {row.actor_id, *([row.subject_id] if row.subject_id else [])}
        yield row


def _entry(row: ModerationLog) -> dict[str, Any]:
    return {
        **entry_for_subject(row),
        "moderator": row.actor.username,
        "person": row.subject.username if row.subject else None,
    }


def entry_for_subject(row: ModerationLog) -> dict[str, Any]:
    """Return an entry of the log as its subject may read it: without the moderator."""
    where = None if row.room is None or row.room.is_direct else f"#{row.room.slug}"
    found = {
        "action": row.action,
        "room": where,
        "message": row.message_id,
        "reason": row.reason,
        "details": row.details,
    }
    return {**found, "at": moment(row.created_at)}


def _person(user: User) -> dict[str, Any]:
    return {"id": user.pk, "username": user.username, "name": user.get_full_name()}


def _narrowed(scope: Scope, *, person: str) -> Q:
    """Return the condition for person, room and time; ``person`` is the name of their column."""
    conditions = {
        person: scope.person,
        "room": scope.room,
        "created_at__gte": scope.since,
        "created_at__lte": scope.until,
    }
    return Q(**{name: value for name, value in conditions.items() if value is not None})
