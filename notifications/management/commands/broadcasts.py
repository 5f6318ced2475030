"""``manage.py broadcasts``: what was sent, newest first, and who has read it."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications import payloads, policies, queries
from notifications.models import Broadcast
from notifications.queries import SentBroadcast

MAX_LIMIT = 500
TEXT_WIDTH = 50  # characters of the text in the table
TO_WIDTH = 30
HEADINGS = ("ID", "Sent (UTC)", "To", "People", "Read", "State", "Text")


class Command(BaseCommand):
    """Shows one page of broadcasts."""

    help = "List broadcasts, newest first, with how many people have read them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the page."""
        parser.add_argument("--limit", type=int, default=20, help=f"how many, at most {MAX_LIMIT}")
        parser.add_argument(
            "--before", type=int, metavar="ID", help="those older than this one: the next page"
        )
        parser.add_argument("--json", action="store_true", help="answer with JSON")

    def handle(self, *_: Any, limit: int, before: int | None, **options: Any) -> None:
        """Print the page."""
        if not 1 <= limit <= MAX_LIMIT:
            raise CommandError(f"--limit: expected a number between 1 and {MAX_LIMIT}, got {limit}")
        if before is not None and not 1 <= before <= policies.MAX_ID:
            raise CommandError(f"--before: expected the id of a broadcast, got {before}")
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
        "created_at": payloads.moment(row.created_at),
        "expires_at": payloads.moment(row.expires_at),
        "recalled_at": payloads.moment(row.recalled_at),
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
        "taken back" if row.recalled_at else "sent",
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
