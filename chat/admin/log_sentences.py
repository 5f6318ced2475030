"""The moderation log in words: a sentence for each entry, and its details."""

from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chat.admin import formatting
from chat.models import Bulk, ModerationLog, Role
from chat.text import filters
from realtime.site.time_zones import WHEN

Action = ModerationLog.Action

# Of several sentences, the first for which the entry has every value; or else the last.
_SENTENCES: Final[dict[str, tuple[Any, ...]]] = {
    Action.DELETE: (_("{actor} removed {message} by {person} in {room}"),),
    Action.RESTORE: (_("{actor} restored {message} by {person} in {room}"),),
    Action.HIDE: (_("{actor} hid {message} by {person} in {room}"),),
    Action.SHOW: (_("{actor} unhid {message} by {person} in {room}"),),
    Action.RESOLVE: (_("{actor} closed a report and removed {message} by {person} in {room}"),),
    Action.DISMISS: (_("{actor} closed a report and kept {message} by {person} in {room}"),),
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
    Action.LOCK: (_("{actor} locked {room}"),),
    Action.UNLOCK: (_("{actor} unlocked {room}"),),
    Action.RETENTION: (_("{actor} changed how long {room} keeps messages"),),
    Action.ARCHIVE: (_("{actor} archived {room}"),),
    Action.UNARCHIVE: (_("{actor} unarchived {room}"),),
    Action.LINK: (_("{actor} created an invite link for {room}"),),
    Action.REVOKE_LINK: (_("{actor} revoked an invite link for {room}"),),
    Action.FILTER: (_("{actor} changed a filter for {room}"), _("{actor} changed a filter")),
    Action.BULK: (
        _("{actor} removed or restored messages by {person} in {room}"),
        _("{actor} removed or restored messages by {person}"),
        _("{actor} removed or restored messages in {room}"),
        _("{actor} removed or restored messages"),
    ),
    Action.EXPORT: (
        _("{actor} exported data about {message}"),
        _("{actor} exported data about {person} in {room}"),
        _("{actor} exported data about {person}"),
        _("{actor} exported data about {room}"),
        _("{actor} exported data"),
    ),
    Action.ERASE: (_("{actor} erased {person}"),),
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
    "seconds": _("Duration: %s"),
    "uses": _("Maximum uses: %s"),
    "retention": _("Days: %s"),
    "bulk": _("Bulk action: %s"),
    "act": _("Type: %s"),
    "messages": _("Found: %s"),
    "done": _("Done: %s"),
}
_ROLES: Final = {**dict(Role.choices), "moderator of the site": _("Site moderator")}
_VALUES: Final[dict[str, dict[str, Any]]] = {
    "from": _ROLES,
    "to": _ROLES,
    "as": dict(filters.FilterAction.choices),
    "act": dict(Bulk.Act.choices),
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
    values = {
        "actor": formatting.person(row.actor),
        "person": formatting.person(row.subject),
        "room": formatting.room(row.room),
        "message": formatting.message(row.message_id, _("a message")),
        "action": row.get_action_display(),
    }
    given = {name for name, value in values.items() if value != "—"}
    sentences = [str(each) for each in _SENTENCES.get(row.action, (_OF_ANOTHER_APP,))]
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
    )


def _names(sentence: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(sentence) if name}


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return " → ".join(str(each) or "—" for each in value)
    if name == "seconds":
        return duration(value)
    if name == "until":
        at = parse_datetime(value)
        return date_format(localtime(at), str(WHEN)) if at else str(value)
    return str(_VALUES.get(name, {}).get(value, value))


def duration(seconds: int) -> str:
    """Return a length of time: ``30 seconds``, ``1 hour``, or ``Off``."""
    if not seconds:
        return gettext("Off")
    if seconds < 60:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    start = datetime(2001, 1, 1, tzinfo=UTC)  # any day
    return timesince(start, start + timedelta(seconds=seconds))
