"""The moderation log in words: a sentence for each entry, and its details."""

from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat.admin import formatting
from chat.models import RAID_CHOICES, Bulk, ModerationLog, Role, SignUpSettings
from chat.text import filters
from realtime.site.time_zones import spoken

Action = ModerationLog.Action

# Of several sentences, the first for which the entry has every value; or else the last.
_SENTENCES: Final[dict[str, tuple[Any, ...]]] = {
    Action.DELETE: (_("{actor} removed {message} by {person} in {room}"),),
    Action.RESTORE: (_("{actor} restored {message} by {person} in {room}"),),
    Action.HIDE: (_("{actor} hid {message} by {person} in {room}"),),
    Action.SHOW: (_("{actor} unhid {message} by {person} in {room}"),),
    Action.RESOLVE: (
        _("{actor} closed a report and removed {message} by {person} in {room}"),
        _("{actor} closed a case about {room}: violation"),
        _("{actor} closed a case about {person}: violation"),
    ),
    Action.DISMISS: (
        _("{actor} closed a report and kept {message} by {person} in {room}"),
        _("{actor} closed a case about {room}: no violation"),
        _("{actor} closed a case about {person}: no violation"),
    ),
    Action.REOPEN: (
        _("{actor} reopened the case of {message} by {person} in {room}"),
        _("{actor} reopened the case of {person} in {room}"),
        _("{actor} reopened the case of {person}"),
    ),
    Action.RELEASE: (_("{actor} accepted {message} by {person} in {room}, which a filter held"),),
    Action.REFUSE: (_("{actor} refused a message by {person} in {room}, which a filter held"),),
    Action.APPEAL: (
        _("{actor} decided an appeal of {person} about {message}"),
        _("{actor} decided an appeal of {person}"),
    ),
    Action.WARN: (_("{actor} warned {person}"),),
    Action.NOTE: (_("{actor} wrote a note about {person}"),),
    Action.TEMPLATE: (_("{actor} changed a template of a reason"),),
    Action.MUTE: (_("{actor} muted {person} in {room}"),),
    Action.UNMUTE: (_("{actor} unmuted {person} in {room}"),),
    Action.REMOVE: (_("{actor} removed {person} from {room}"),),
    Action.BAN: (_("{actor} banned {person} from {room}"),),
    Action.UNBAN: (_("{actor} unbanned {person} from {room}"),),
    Action.SITE_MUTE: (_("{actor} muted {person} in all rooms"),),
    Action.SITE_UNMUTE: (_("{actor} unmuted {person} in all rooms"),),
    Action.SITE_BAN: (_("{actor} banned {person} from the site"),),
    Action.SITE_UNBAN: (_("{actor} unbanned {person} from the site"),),
    Action.SIGN_OUT: (_("{actor} signed {person} out everywhere"),),
    Action.DEACTIVATE: (_("{actor} deactivated the account of {person}"),),
    Action.ACTIVATE: (_("{actor} reactivated the account of {person}"),),
    Action.ROLE: (
        _("{actor} changed the role of {person} in {room}"),
        _("{actor} changed the role of {person} on the site"),
    ),
    Action.RENAME: (_("{actor} renamed the account of {person}"), _("{actor} renamed {room}")),
    Action.TOPIC: (_("{actor} changed the topic of {room}"),),
    Action.SLOW_MODE: (_("{actor} changed slow mode in {room}"),),
    Action.RECEIPTS: (_("{actor} turned read receipts on or off in {room}"),),
    Action.LOCK: (_("{actor} locked {room}"),),
    Action.UNLOCK: (_("{actor} unlocked {room}"),),
    Action.RETENTION: (_("{actor} changed how long {room} keeps messages"),),
    Action.ARCHIVE: (_("{actor} archived {room}"),),
    Action.UNARCHIVE: (_("{actor} unarchived {room}"),),
    Action.LINK: (_("{actor} created an invite link for {room}"),),
    Action.REVOKE_LINK: (_("{actor} revoked an invite link for {room}"),),
    Action.FILTER: (_("{actor} changed a filter for {room}"), _("{actor} changed a filter")),
    Action.EXPORT: (
        _("{actor} exported data about {message}"),
        _("{actor} exported data about {person} in {room}"),
        _("{actor} exported data about {person}"),
        _("{actor} exported data about {room}"),
        _("{actor} exported data"),
    ),
    Action.ERASE: (_("{actor} erased {person}"),),
    Action.SIGNUP_MODE: (_("{actor} changed who may sign up"),),
    Action.APPROVE: (_("{actor} approved the account of {person}"),),
    Action.DECLINE: (_("{actor} declined the account of {person}"),),
    Action.RAID_MODE: (_("{actor} changed raid mode"),),
    Action.RAID_SIGNS: (_("{actor} noticed signs of a raid"),),
}
# By the act. Each is a whole sentence: with author and room, with one of them, with neither.
_BULK: Final[dict[str, tuple[Any, ...]]] = {
    Bulk.Act.DELETE: (
        ngettext_lazy(
            "{actor} removed {count} message by {person} in {room}",
            "{actor} removed {count} messages by {person} in {room}",
            "count",
        ),
        ngettext_lazy(
            "{actor} removed {count} message by {person}",
            "{actor} removed {count} messages by {person}",
            "count",
        ),
        ngettext_lazy(
            "{actor} removed {count} message in {room}",
            "{actor} removed {count} messages in {room}",
            "count",
        ),
        ngettext_lazy(
            "{actor} removed {count} message", "{actor} removed {count} messages", "count"
        ),
    ),
    Bulk.Act.RESTORE: (
        ngettext_lazy(
            "{actor} restored {count} message by {person} in {room}",
            "{actor} restored {count} messages by {person} in {room}",
            "count",
        ),
        ngettext_lazy(
            "{actor} restored {count} message by {person}",
            "{actor} restored {count} messages by {person}",
            "count",
        ),
        ngettext_lazy(
            "{actor} restored {count} message in {room}",
            "{actor} restored {count} messages in {room}",
            "count",
        ),
        ngettext_lazy(
            "{actor} restored {count} message", "{actor} restored {count} messages", "count"
        ),
    ),
    Bulk.Act.ERASE: (
        ngettext_lazy(
            "{actor} erased {count} message by {person}",
            "{actor} erased {count} messages by {person}",
            "count",
        ),
    ),
}
_OF_ANOTHER_APP: Final = _("{actor}: {action}")

_LABELS: Final[dict[str, Any]] = {
    "until": _("Until: %s"),
    "from": _("From: %s"),
    "to": _("To: %s"),
    "name": _("Name: %s"),
    "topic": _("Topic: %s"),
    "username": _("Username: %s"),
    "first_name": _("First name: %s"),
    "last_name": _("Last name: %s"),
    "filter": _("Filter: %s"),
    "as": _("Action: %s"),
    "what": _("Change: %s"),
    "link": _("Link: %s"),
    "language": _("Language: %s"),
    "outcome": _("Outcome: %s"),
    "reports": _("Reports: %s"),
    "seconds": _("Duration: %s"),
    "uses": _("Maximum uses: %s"),
    "retention": _("Days: %s"),
    "bulk": _("Bulk action: %s"),
    "manifest": _("Manifest: %s"),
    "held": _("Messages kept for cases: %s"),
    "raid": _("Raid mode: %s"),
    "choices": _("In effect: %s"),
    "refused": _("Refused: %s"),
    "signups": _("Accounts per address and hour: %s"),
}
# Of a bulk action: its sentence has them.
_IN_SENTENCE: Final = frozenset({"act", "messages", "done"})
_ROLES: Final = {**dict(Role.choices), "moderator of the site": _("Site moderator")}
_CHANGED: Final = _ROLES | dict(SignUpSettings.Mode.choices)
_VALUES: Final[dict[str, dict[str, Any]]] = {
    "from": _CHANGED,
    "to": _CHANGED,
    "raid": {"on": _("On"), "off": _("Off")},
    "as": dict(filters.FilterAction.choices),
    "what": {
        "added": _("Added"),
        "changed": _("Edited"),
        "on": _("Turned on"),
        "off": _("Turned off"),
        "deleted": _("Deleted"),
    },
}


def sentence(row: ModerationLog) -> SafeString:
    """Return an entry with links to people, room and message, and with its details."""
    values: dict[str, Any] = {
        "actor": formatting.person(row.actor),
        "person": formatting.person(row.subject),
        "room": formatting.room(row.room),
        "message": formatting.message(row.message_id, _("a message")),
        "action": row.get_action_display(),
    }
    sentences = _sentences(row)
    if row.action == Action.BULK:
        values["count"] = _number(row.details)
    given = {name for name, value in values.items() if value != "—"}
    fitting = (each for each in sentences if _names(each) <= given)
    shown = format_html(next(fitting, sentences[-1]), **values)
    more = details(row.details)
    return format_html('{} <span class="quiet">{}</span>', shown, more) if more else shown


def plain(row: ModerationLog) -> str:
    """Return the same without links."""
    opening, closing = formatting.isolated(" ").split(" ")
    return strip_tags(sentence(row).replace("<bdi>", opening).replace("</bdi>", closing))


def details(found: dict[str, Any]) -> str:
    """Return labelled values: ``From: Member · To: Owner``. Unknown names stay as they are."""
    return " · ".join(
        str(_LABELS.get(name, f"{name}: %s")) % formatting.isolated(_value(name, value))
        for name, value in found.items()
        if name not in _IN_SENTENCE
    )


def _sentences(row: ModerationLog) -> list[str]:
    if row.action != Action.BULK:
        return [str(each) for each in _SENTENCES.get(row.action, (_OF_ANOTHER_APP,))]
    number = _number(row.details)
    act = row.details.get("act", Bulk.Act.DELETE)
    # A lazy plural chooses its form with "%"; the sentences themselves have braces.
    return [each % {"count": number} for each in _BULK[act]]


def _number(details: dict[str, Any]) -> int:
    """Return how many messages a bulk action changed; earlier versions counted twice."""
    found: int = details.get("done", details.get("messages", 0))
    return found


def _names(sentence: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(sentence) if name}


def _value(name: str, value: Any) -> str:
    if name == "choices":
        return "; ".join(str(RAID_CHOICES.get(each, each)) for each in value) or "—"
    if isinstance(value, list):
        return " → ".join(str(each) or "—" for each in value)
    if name == "seconds":
        return duration(value)
    if name == "until":
        at = parse_datetime(value)
        return spoken(at) if at else str(value)
    return str(_VALUES.get(name, {}).get(value, value))


def duration(seconds: int) -> str:
    """Return a length of time: ``30 seconds``, ``1 hour``, or ``Off``."""
    if not seconds:
        return gettext("Off")
    if seconds < 60:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    start = datetime(2001, 1, 1, tzinfo=UTC)  # any day
    return timesince(start, start + timedelta(seconds=seconds))
