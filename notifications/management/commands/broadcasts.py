"""``manage.py broadcasts``: what was sent, newest first, and who has read it."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from notifications import payloads, policies, queries
from notifications.management.json_errors import JsonCommand
from notifications.models import Broadcast
from notifications.policies import MAX_ID
from notifications.queries import SentBroadcast

MAX_LIMIT = 500
TEXT_WIDTH = 50  # characters of the text in the table
TO_WIDTH = 30
HEADINGS = ("ID", "Sent (UTC)", "To", "People", "Read", "State", "Text")


class Command(JsonCommand):
    """Shows one page of broadcasts."""

    help = "List broadcasts, newest first, with how many people have read them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the page."""
        parser.add_argument("--limit", type=int, default=20, help=f"how many, at most {MAX_LIMIT}")
        parser.add_argument(
            "--before", type=int, metavar="ID", help="those older than this one: the next page"
        )
        parser.add_argument(
            "--unread", type=int, metavar="ID", help="who has not read this broadcast, by username"
        )
        parser.add_argument(
            "--after", default="", metavar="NAME", help="with --unread: the names after this one"
        )
        parser.add_argument("--json", action="store_true", help="answer with JSON")

    def handle(self, *_: Any, limit: int, before: int | None, **options: Any) -> None:
        """Print the page."""
        if not 1 <= limit <= MAX_LIMIT:
            raise CommandError(f"--limit: expected a number between 1 and {MAX_LIMIT}, got {limit}")
        if before is not None and not 1 <= before <= policies.MAX_ID:
            raise CommandError(f"--before: expected the id of a broadcast, got {before}")
        if options["unread"] is not None:
            self._not_read(options["unread"], options["after"], limit, options["json"])
            return
        found = queries.sent_broadcasts(before=before, limit=limit)
        if options["json"]:
            self.stdout.write(json.dumps([as_json(sent) for sent in found], indent=2))
            return
        if not found:
            self.stdout.write(
                "Nothing was broadcast." if before is None else "Nothing older was broadcast."
            )
            return
        for line in table([HEADINGS, *map(_cells, found)]):
            self.stdout.write(line)
        if len(found) == limit:
            self.stdout.write(f"\nOlder ones: manage.py broadcasts --before {found[-1].row.pk}")

    def _not_read(self, broadcast: int, after: str, limit: int, in_json: bool) -> None:
        row = Broadcast.objects.filter(pk=broadcast).first() if 0 < broadcast <= MAX_ID else None
        if row is None:
            raise CommandError(f"There is no broadcast {broadcast}.")
        names = queries.not_read(row, after=after, limit=limit)
        if in_json:
            self.stdout.write(json.dumps({"broadcast": row.pk, "unread": names}))
            return
        for name in names:
            self.stdout.write(name)
        if not names:
            self.stdout.write("Nobody: everyone who got it has read it.")
        elif len(names) == limit:
            command = f"manage.py broadcasts --unread {row.pk} --after {names[-1]}"
            self.stderr.write(f"More: {command}")


def state(row: Broadcast) -> str:
    """Return what has become of a broadcast, which is true also after its sender died."""
    if row.recalled_at:
        return "taken back"
    if row.finished_at:
        return "sent"
    if row.scheduled_at and not row.done and row.scheduled_at > timezone.now():
        return f"scheduled for {row.scheduled_at:%Y-%m-%d %H:%M}"
    return f"sending {row.done:,} of {row.recipients:,}"


def as_json(sent: SentBroadcast) -> dict[str, Any]:
    """Return a broadcast as a program reads it."""
    row = sent.row
    return {
        "id": row.pk,
        "key": str(row.key),
        "title": row.title,
        "body": row.body,
        "url": row.url,
        "level": str(row.level),
        "targets": row.targets,
        "recipients": row.recipients,
        "delivered": sent.delivered,
        "read": sent.read,
        "state": state(row),
        "translations": row.translations or {},
        "created_at": payloads.moment(row.created_at),
        "expires_at": payloads.moment(row.expires_at),
        "recalled_at": payloads.moment(row.recalled_at),
        "scheduled_at": payloads.moment(row.scheduled_at),
        "finished_at": payloads.moment(row.finished_at),
    }


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with even columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cells(sent: SentBroadcast) -> tuple[str, ...]:
    row = sent.row
    return (
        str(row.pk),
        f"{row.created_at:%Y-%m-%d %H:%M}",
        _short(to(row), TO_WIDTH),
        str(row.recipients),
        str(sent.read),
        state(row),
        _short(" ".join(f"{row.title} {row.body}".split()), TEXT_WIDTH),
    )


def to(row: Broadcast) -> str:
    """Return the recipients of a broadcast as text."""
    return "; ".join(
        kind if named is True else f"{kind}: {', '.join(named)}"
        for kind, named in row.targets.items()
    )


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
