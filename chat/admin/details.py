"""Details of log entries in words. They are stored as names and values of the code; what is not known here stays as it is."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.admin.formatting import inside
from chat.models import Bulk, Role
from chat.text.filters import FilterAction
from realtime.site.time_zones import WHEN

_PHRASES: Final[dict[str, Any]] = {
    "until": pgettext_lazy("log of moderators", "until %s"),
    "from": pgettext_lazy("log of moderators", "from %s"),
    "to": pgettext_lazy("log of moderators", "to %s"),
    "name": pgettext_lazy("log of moderators", "name %s"),
    "topic": pgettext_lazy("log of moderators", "topic %s"),
    "username": pgettext_lazy("log of moderators", "username %s"),
    "first_name": pgettext_lazy("log of moderators", "first name %s"),
    "last_name": pgettext_lazy("log of moderators", "last name %s"),
    "filter": pgettext_lazy("log of moderators", "filter %s"),
    "as": pgettext_lazy("log of moderators", "action %s"),
    "what": "%s",
    "link": pgettext_lazy("log of moderators", "link %s"),
    "seconds": "%s",
    "uses": pgettext_lazy("log of moderators", "people at most: %s"),
    "bulk": pgettext_lazy("log of moderators", "bulk act %s"),
    "act": "%s",
    "messages": pgettext_lazy("log of moderators", "found: %s"),
    "done": pgettext_lazy("log of moderators", "done: %s"),
}
_ROLES: Final[dict[str, Any]] = {
    **dict(Role.choices),
    "moderator of the site": _("moderator of the site"),
}
_VALUES: Final[dict[str, dict[str, Any]]] = {
    "from": _ROLES,
    "to": _ROLES,
    "as": dict(FilterAction.choices),
    "act": dict(Bulk.Act.choices),
    "what": {
        "added": pgettext_lazy("log of moderators", "added"),
        "changed": pgettext_lazy("log of moderators", "changed"),
        "on": pgettext_lazy("log of moderators", "switched on"),
        "off": pgettext_lazy("log of moderators", "switched off"),
        "deleted": pgettext_lazy("log of moderators", "deleted"),
    },
}


def words(found: dict[str, Any]) -> str:
    """Return the details of an entry: ``from member, to owner``."""
    return ", ".join(_phrase(name, value) for name, value in found.items())


def _phrase(name: str, value: Any) -> str:
    phrase = _PHRASES.get(name)
    return (
        str(phrase) % _value(name, value) if phrase is not None else f"{name} {_value(name, value)}"
    )


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return " → ".join(str(each) or "—" for each in value)
    if name == "seconds":
        return duration(value) if value else str(_("off"))
    if name == "until":
        at = parse_datetime(value)
        return date_format(localtime(at), str(WHEN)) if at else str(value)
    known = _VALUES.get(name, {}).get(value)
    return inside(str(known)) if known is not None else str(value)


def duration(seconds: int) -> str:
    """Return how long something lasts: ``30 s``, ``1 hour``."""
    start = datetime(2001, 1, 1, tzinfo=UTC)  # any day
    return f"{seconds} s" if seconds < 60 else timesince(start, start + timedelta(seconds=seconds))
