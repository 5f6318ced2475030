"""``manage.py edit_broadcast``: change a broadcast, before or after it is sent."""

import json
import time
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from notifications import policies, services
from notifications.management.commands.broadcast import (
    check_encoding,
    moment,
    standard_input,
)
from notifications.management.json_errors import JsonCommand
from notifications.models import Broadcast
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience
from realtime.protocol.errors import HoldfastError

PROGRESS_SECONDS: Final = 2.0  # between two lines
NEVER: Final = "never"


class Command(JsonCommand):
    """Edits one broadcast. Repeated, it finishes what was interrupted."""

    help = "Change a broadcast: everyone who has it sees the new text, live. Everything else stays."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what can change."""
        parser.add_argument(
            "broadcast", type=int, metavar="ID", help="as `manage.py broadcasts` lists it"
        )
        parser.add_argument("text", nargs="?", help="the new text; - reads it from standard input")
        parser.add_argument("--title", help='a new title; "" for none')
        parser.add_argument(
            "--in",
            nargs=2,
            action="append",
            default=[],
            dest="texts",
            metavar=("LANGUAGE", "TEXT"),
            help='the text for readers of a language; "" for none; may be repeated',
        )
        parser.add_argument(
            "--title-in",
            nargs=2,
            action="append",
            default=[],
            dest="titles",
            metavar=("LANGUAGE", "TITLE"),
            help="the title for readers of a language",
        )
        parser.add_argument("--url", help='where a click leads; "" for nowhere')
        parser.add_argument("--level", help="info, success, warning or critical")
        parser.add_argument(
            "--expires",
            type=moment_or_never,
            metavar="WHEN",
            help="of an announcement: 30m, 4h, 7d, an ISO 8601 time (UTC) or never",
        )
        before = parser.add_argument_group("before it is sent")
        before.add_argument(
            "--at", type=moment_or_never, metavar="WHEN", help="when to send it; never: now"
        )
        before.add_argument("--all", action="store_true", help="to everyone instead")
        before.add_argument("--staff", action="store_true")
        for name, metavar in (("group", "NAME"), ("user", "NAME"), ("room", "SLUG")):
            before.add_argument(
                f"--{name}", nargs="+", action="extend", default=[], metavar=metavar
            )
        parser.add_argument("--json", action="store_true", help="answer with JSON")

    def handle(self, *_: Any, broadcast: int, **options: Any) -> None:
        """Change it, and say how many people see it."""
        self._last = time.monotonic()
        if not 1 <= broadcast <= policies.MAX_ID:
            raise CommandError(f"Expected the id of a broadcast, got {broadcast}.")
        check_encoding(
            [
                *(value for value in options.values() if isinstance(value, str)),
                *(part for pair in options["texts"] + options["titles"] for part in pair),
                *(name for kind in ("group", "user", "room") for name in options[kind]),
            ]
        )
        row = Broadcast.objects.filter(pk=broadcast).first()
        if row is None:
            raise CommandError(
                f"There is no broadcast {broadcast}. `manage.py broadcasts` lists them."
            )
        try:
            row = services.edit(
                broadcast_id=broadcast,
                words=_words(row, options),
                audience=_audience(options),
                watch=self._watch,
            )
        except BadBroadcast as error:
            raise CommandError("\n".join([*error.problems, "Nothing was changed."])) from error
        except HoldfastError as error:
            raise CommandError(
                f"{error.message}\nNot everyone has the new text. manage.py send_broadcasts goes on"
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps({"broadcast": row.pk, "people": row.done}))
        elif services.is_begun(row):
            self.stdout.write(f"Changed broadcast {row.pk} for {row.done:,} people.")
        else:
            self.stdout.write(f"Changed broadcast {row.pk}, which is not sent yet.")

    def _watch(self, row: Broadcast) -> None:
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            self.stderr.write(f"Changing: up to user {row.edit_after}")


def moment_or_never(text: str) -> datetime | str:
    """Return a time, or ``never``."""
    try:
        return NEVER if text == NEVER else moment(text)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"{error}, or never") from error


def _words(row: Broadcast, options: dict[str, Any]) -> Words:
    """Return the content with what the options change."""
    words = services.words_of(row)
    changes: dict[str, Any] = {
        name: options[name] for name in ("title", "url", "level") if options[name] is not None
    }
    if options["text"] is not None:
        text = options["text"]
        changes["body"] = standard_input() if text == "-" else text
    for name, field in (("expires", "expires_at"), ("at", "at")):
        if options[name] is not None:
            changes[field] = None if options[name] == NEVER else options[name]
    if options["texts"] or options["titles"]:
        changes["translations"] = _translations(words, options["texts"], options["titles"])
    return replace(words, **changes)


def _translations(
    words: Words, texts: Sequence[Sequence[str]], titles: Sequence[Sequence[str]]
) -> dict[str, dict[str, str]]:
    """Return the texts by language; one that is empty goes."""
    found = {code: dict(said) for code, said in words.translations.items()}
    for name, pairs in (("body", texts), ("title", titles)):
        for language, text in pairs:
            found.setdefault(language, {"title": "", "body": ""})[name] = text
    return {code: said for code, said in found.items() if said["title"] or said["body"]}


def _audience(options: dict[str, Any]) -> Audience | None:
    """Return other addressees, or None where none are named."""
    audience = Audience(
        everybody=options["all"],
        staff=options["staff"],
        groups=options["group"],
        users=options["user"],
        places={"room": options["room"]} if options["room"] else {},
    )
    return audience if audience.as_json() else None
