"""The moderation log: read, found, and never changed, not even by those who may everything."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from chat.admin import formatting, log_sentences
from chat.admin.lists import NOTHING, ShownAdmin, person_id
from chat.models import ModerationLog

_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?", re.ASCII)
_COLUMNS: Final = {"by": "actor", "to": "subject"}
DAYS: Final = {
    "1": gettext_lazy("24 hours"),
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
}


class WhenFilter(admin.SimpleListFilter):
    """The entries of the last days."""

    title = gettext_lazy("when")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices."""
        return list(DAYS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the entries from then on."""
        days = self.value()
        return (
            queryset.filter(_since(timezone.now() - timedelta(days=int(days))))
            if days in DAYS
            else queryset
        )


class ActionFilter(admin.SimpleListFilter):
    """The entries of one kind."""

    title = gettext_lazy("what")
    # As Django names it where no filter of one's own is needed: addresses stay as they were.
    parameter_name = "action__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices."""
        return list(ModerationLog.Action.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the entries of the kind."""
        return (
            queryset.filter(action=self.value())
            if self.value() in ModerationLog.Action
            else queryset
        )


@admin.register(ModerationLog)
class ModerationLogAdmin(ShownAdmin):
    """Who did what to whom, and why."""

    list_display = ("when", "by", "what", "reason")
    list_display_links = ("when",)
    list_select_related = ("actor", "subject", "room")
    list_filter = (WhenFilter, ActionFilter)
    search_help_text = gettext_lazy(
        "Any of: @name, by:name (the moderator), to:name (the person), #room, the id of a message, a day (2026-11-24) or days "
        "(2026-11-01..2026-11-24)."
    )
    people = ("actor", "subject")
    room = "room"
    narrowed_by = ("room", "actor", "subject", "message")
    fields = ("what", "created_at", "by", "to", "where", "about", "reason")
    readonly_fields = ("what", "by", "to", "where", "about")

    def name(self, row: ModerationLog) -> str:
        """Return who did what."""
        return f"{row.actor.username} {log_sentences.deed(row)}"

    def found_by(self, word: str) -> Q:
        """Return the entries that a word means: also of one side only, or of some days."""
        side, _colon, rest = word.partition(":")
        if side in _COLUMNS and rest:
            person = person_id(rest)
            return Q(**{_COLUMNS[side]: person}) if person else NOTHING
        dates = _DATES.fullmatch(word)
        return _within(dates[1], dates[2] or dates[1]) if dates else super().found_by(word)

    def found_by_id(self, ident: int) -> Q:
        """Return what was done about a message."""
        return Q(message=ident)

    @admin.display(description=gettext_lazy("what"))
    def what(self, row: ModerationLog) -> SafeString:
        """Return what was done, in words."""
        return log_sentences.told(row)

    @admin.display(description=gettext_lazy("moderator"))
    def by(self, row: ModerationLog) -> SafeString | str:
        """Return who did it."""
        return formatting.person(row.actor)

    @admin.display(description=gettext_lazy("person"))
    def to(self, row: ModerationLog) -> SafeString | str:
        """Return whom it was done to."""
        return formatting.person(row.subject)

    @admin.display(description=gettext_lazy("room"))
    def where(self, row: ModerationLog) -> SafeString | str:
        """Return in which room."""
        return formatting.room(row.room)

    @admin.display(description=gettext_lazy("message"))
    def about(self, row: ModerationLog) -> SafeString | str:
        """Return the message that it was about."""
        return formatting.message(row.message_id)


def _within(first: str, last: str) -> Q:
    """Return the entries of these days, by the reader's clock."""
    try:
        start, end = (
            _midnight(date.fromisoformat(first)),
            _midnight(date.fromisoformat(last) + timedelta(days=1)),
        )
    except (ValueError, OverflowError):
        return NOTHING
    return _since(start) & ~_since(end)


def _since(at: datetime) -> Q:
    """Return the entries from then on, by their id: it rises with the time, and the list walks along it."""
    found = ModerationLog.objects.filter(created_at__gte=at).order_by("created_at", "pk")
    first = found.values_list("pk", flat=True).first()
    return Q(pk__gte=first) if first is not None else NOTHING


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()).astimezone(UTC)
