"""Changing how a user sees the site: theme, density, clock, language, and their sidebar."""

from collections.abc import Collection

from django.conf import settings

from chat import payloads
from chat.models import ClockFace, Density, Display, DisplaySettings, SidebarSection, Theme
from chat.queries import people
from notifications.payloads import inbox
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest
from realtime.site import languages


def set_display(
    *,
    user_id: int,
    theme: str | None = None,
    density: str | None = None,
    clock: str | None = None,
    language: str | None = None,
    folded: Collection[str] | None = None,
    unread_first: bool | None = None,
) -> Display:
    """Change some of a user's choices; None keeps a value. The language "" is the browser's."""
    _check("theme", theme, Theme.values)
    _check("density", density, Density.values)
    _check("clock", clock, ClockFace.values)
    _check("language", language, ["", *dict(settings.LANGUAGES)])
    for section in folded or ():
        _check("folded", section, SidebarSection.values)
    stream = inbox(user_id)
    with changing(stream) as heads:
        before = people.display(user_id)
        row = DisplaySettings.objects.filter(pk=user_id).first() or DisplaySettings(pk=user_id)
        row.theme = row.theme if theme is None else theme
        row.density = row.density if density is None else density
        row.clock = row.clock if clock is None else clock
        row.folded = row.folded if folded is None else sorted(set(folded))
        row.unread_first = row.unread_first if unread_first is None else unread_first
        new = Display.of(row, before.language if language is None else language)
        if new._replace(seq=before.seq) == before:
            return before
        row.seq = heads.next(stream)
        row.save()
        languages.remember(user_id, new.language)
        new = new._replace(seq=row.seq)
        heads.record(stream, payloads.display_event(user_id, new))
    return new


def _check(name: str, value: str | None, values: Collection[str]) -> None:
    if value is not None and value not in values:
        raise BadRequest(
            "{field}: expected one of {values}", field=name, values=", ".join(values) or "-"
        )
