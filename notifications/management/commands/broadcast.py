"""``manage.py broadcast``: send a text to everyone, to some people, or to rooms."""

import json
import re
import sys
import time
import uuid
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from notifications import payloads, policies, queries, services
from notifications.management.json_errors import JsonCommand
from notifications.models import Broadcast, Level
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience, Reach
from realtime.protocol.errors import HoldfastError

# Characters read from stdin: enough to say by how much the text is too long.
MAX_INPUT = 10 * policies.BODY_MAX_LENGTH
DURATION = re.compile(r"(\d{1,5})([mhd])", re.ASCII)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}

PROGRESS_SECONDS: Final = 2.0  # between two lines

EXAMPLES = """examples:
  manage.py broadcast "Maintenance at 18:00 UTC" --all --level warning --expires 4h
  manage.py broadcast "Maintenance" --in de "Wartung" --all --at 2026-12-31T18:00 --yes
  manage.py broadcast "The figures are in" --group finance --user alice bob --url /rooms/finance/
  fortune | manage.py broadcast - --room general

Everyone gets one announcement. Staff, groups and users get one notification each, no one twice.
A room gets a message.
If a name is wrong, nothing is sent."""


class Command(JsonCommand):
    """Composes a broadcast from arguments; the service sends it."""

    help = "Send a text to everyone, to some people, or to rooms."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the lines of the examples."""
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=RawDescriptionHelpFormatter,
            epilog=EXAMPLES,
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("text", nargs="?", help="what to say; - reads it from standard input")
        parser.add_argument("--all", action="store_true", help="everyone, by one announcement")
        parser.add_argument("--staff", action="store_true", help="everyone who may use the admin")
        parser.add_argument(
            "--group",
            nargs="+",
            action="extend",
            default=[],
            metavar="NAME",
            help="the members of these groups",
        )
        parser.add_argument(
            "--user", nargs="+", action="extend", default=[], metavar="NAME", help="these users"
        )
        parser.add_argument(
            "--room",
            nargs="+",
            action="extend",
            default=[],
            metavar="SLUG",
            help="a message in these rooms",
        )
        parser.add_argument("--title", default="")
        parser.add_argument(
            "--in",
            nargs=2,
            action="append",
            default=[],
            dest="texts",
            metavar=("LANGUAGE", "TEXT"),
            help="the text for readers of a language, such as de; may be repeated",
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
        parser.add_argument(
            "--at",
            type=moment,
            metavar="WHEN",
            help="send it later: in 30m, 4h, 7d, or at an ISO 8601 time (UTC)",
        )
        parser.add_argument(
            "--url", default="", help="where a click leads: http(s)://… or a path of this site"
        )
        parser.add_argument("--level", default=str(Level.INFO), help=", ".join(Level.values))
        parser.add_argument(
            "--expires",
            type=moment,
            metavar="WHEN",
            help="of an announcement: 30m, 4h, 7d or an ISO 8601 time (UTC)",
        )
        parser.add_argument(
            "--key", type=key, help="a UUID; the same one again continues an interrupted broadcast"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say who would get it, and send nothing"
        )
        parser.add_argument("--yes", action="store_true", help="send to everyone without asking")
        parser.add_argument("--json", action="store_true", help="answer with JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Send, or say what would be sent."""
        audience = Audience(
            everybody=options["all"],
            staff=options["staff"],
            groups=options["group"],
            users=options["user"],
            places={"room": options["room"]} if options["room"] else {},
        )
        words = Words(
            body=_text(options["text"]),
            title=options["title"],
            url=options["url"],
            level=options["level"],
            expires_at=options["expires"],
            translations=_translations(options["texts"], options["titles"]),
            at=options["at"],
        )
        check_encoding(
            [
                words.body,
                words.title,
                words.url,
                words.level,
                *(part for pair in options["texts"] + options["titles"] for part in pair),
                *options["group"],
                *options["user"],
                *options["room"],
            ]
        )
        reach = queries.reach(audience)
        sent = None
        if options["dry_run"]:
            _check(words, audience, reach)
        else:
            if audience.everybody and not options["yes"]:
                _check(words, audience, reach)
                self._ask(reach, may_ask=not options["json"] and options["text"] != "-")
            sent = self._send(words, audience, options["key"] or uuid.uuid4(), options["json"])
        self.stdout.write(
            json.dumps(_as_json(sent, reach)) if options["json"] else _in_words(sent, reach)
        )

    def _ask(self, reach: Reach, *, may_ask: bool) -> None:
        """Raise ``CommandError`` unless the operator agrees to write to everyone."""
        if not (may_ask and sys.stdin is not None and sys.stdin.isatty()):
            raise CommandError(
                f"This goes to {_people(reach.people)}. Add --yes to send it. Nothing was sent."
            )
        self.stdout.write(f"This goes to {_people(reach.people)}. Send it? [y/N] ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
            raise CommandError("Nothing was sent.")

    def _send(
        self, words: Words, audience: Audience, chosen: uuid.UUID, as_json: bool
    ) -> Broadcast:
        """Send it, and write the key first: what has the key can be continued after any end."""
        out = self.stderr if as_json else self.stdout
        last = time.monotonic()

        def watch(row: Broadcast) -> None:
            nonlocal last
            if time.monotonic() - last >= PROGRESS_SECONDS:
                last = time.monotonic()
                out.write(f"Sending: {row.done:,} of {row.recipients:,}")
                out.flush()

        try:
            row = services.begin(words=words, audience=audience, key=chosen)
            out.write(f"Key {chosen}: after an interruption, repeat with --key {chosen}")
            out.flush()
            return row if words.at else services.send(broadcast_id=row.pk, watch=watch)
        except BadBroadcast as error:
            raise CommandError("\n".join([*error.problems, "Nothing was sent."])) from error
        except HoldfastError as error:
            raise CommandError(
                f"{error.message}\nIt was not sent to all. To try again, repeat with --key {chosen}"
            ) from error
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                f"{error}\nThe database did not answer. To continue, repeat with --key {chosen}"
            ) from error
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted. To continue, repeat with --key {chosen}") from None


def moment(text: str) -> datetime:
    """Return the time that ``--expires`` means."""
    if duration := DURATION.fullmatch(text):
        return timezone.now() + timedelta(**{UNITS[duration[2]]: int(duration[1])})
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(
            f'"{text}" is no time; expected 30m, 4h, 7d or an ISO 8601 time such as '
            f"2026-12-31T18:00"
        ) from error


def key(text: str) -> uuid.UUID:
    """Return the key that ``--key`` means."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise ArgumentTypeError(f'"{text}" is no UUID') from error


def _translations(
    texts: Sequence[Sequence[str]], titles: Sequence[Sequence[str]]
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, pairs in (("body", texts), ("title", titles)):
        for language, text in pairs:
            found.setdefault(language, {"title": "", "body": ""})[name] = text
    return found


def _text(argument: str | None) -> str:
    if argument is None:
        raise CommandError('Expected the text first: manage.py broadcast "text" --user NAME …')
    return standard_input() if argument == "-" else argument


def standard_input() -> str:
    """Return the text on standard input."""
    try:
        return sys.stdin.read(MAX_INPUT).strip()
    except UnicodeDecodeError as error:
        raise CommandError("The standard input is no UTF-8 text.") from error


def check_encoding(arguments: list[str]) -> None:
    """Refuse text in another encoding, which Python keeps as lone surrogates."""
    for argument in arguments:
        if not argument.isascii() and any(
            "\ud800" <= character <= "\udfff" for character in argument
        ):
            raise CommandError(
                f"{argument.encode('utf-8', 'replace').decode()} is no UTF-8 text. Nothing was "
                f"sent."
            )


def _check(words: Words, audience: Audience, reach: Reach) -> None:
    problems = [
        *policies.problems_of_words(words, now=timezone.now(), announced=audience.everybody),
        *reach.problems,
    ]
    if problems:
        raise CommandError("\n".join(problems))


def _as_json(sent: Broadcast | None, reach: Reach) -> dict[str, Any]:
    return {
        "broadcast": sent.pk if sent else None,
        "key": str(sent.key) if sent else None,
        "dry_run": sent is None,
        "recipients": reach.people,
        "everybody": reach.everybody,
        "users": len(reach.user_ids),
        "rooms": [{"slug": place.name, "people": place.people} for _, place in reach.places],
        "recalled": bool(sent and sent.recalled_at),
        "scheduled_at": payloads.moment(sent.scheduled_at) if sent else None,
    }


def _in_words(sent: Broadcast | None, reach: Reach) -> str:
    parts = []
    if reach.everybody:
        parts.append(f"{_people(reach.everybody)} by an announcement")
    if reach.user_ids:
        parts.append(f"{_people(len(reach.user_ids))} by a notification")
    parts += [f"{_people(place.people)} in {kind} {place.name}" for kind, place in reach.places]
    who = " and ".join(parts)
    if sent is None:
        return f"Would reach {who}. Nothing was sent."
    if sent.scheduled_at and sent.finished_at is None:
        return (
            f"Broadcast {sent.pk} will be sent at {sent.scheduled_at:%Y-%m-%d %H:%M} UTC, to {who}."
            "\nmanage.py send_broadcasts sends what is due; let a timer start it every minute."
        )
    if sent.recalled_at:
        return f"Broadcast {sent.pk} was taken back while it was being sent."
    return f"Reached {who}.\nBroadcast {sent.pk}; to take it back: manage.py recall {sent.pk}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
