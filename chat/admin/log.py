"""The moderation log, which no one can change."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.admin import formatting, log_sentences
from chat.admin.lists import NOTHING, ReadOnlyAdmin, is_id, person_id
from chat.models import ModerationLog

_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?", re.ASCII)
_COLUMNS: Final = {"by": "actor", "to": "subject"}
MAX_SEARCHED: Final = 50_000  # the newest entries, in which a word of a reason is looked for
DAYS: Final = {"1": _("Last 24 hours"), "7": _("Last 7 days"), "30": _("Last 30 days")}


class WhenFilter(admin.SimpleListFilter):
    title = _("when")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(DAYS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self.value()
        if days not in DAYS:
            return queryset
        return queryset.filter(_since(timezone.now() - timedelta(days=int(days))))


class ActionFilter(admin.SimpleListFilter):
    title = _("action")
    # The name that Django gives to the filter of a column.
    parameter_name = "action__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(ModerationLog.Action.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        action = self.value()
        return queryset.filter(action=action) if action in ModerationLog.Action else queryset


@admin.register(ModerationLog)
class ModerationLogAdmin(ReadOnlyAdmin):
    list_display = ("when", "entry", "reason")
    list_display_links = ("when",)
    list_select_related = ("actor", "subject", "room")
    list_filter = (WhenFilter, ActionFilter)
    search_help_text = _(
        "Search by words of a reason, @username, by:username (moderator), to:username (person),"
        " #room, message ID, or date (2026-11-24 or 2026-11-01..2026-11-24)."
    )
    person_columns = ("actor", "subject")
    room_column = "room"
    url_columns = ("room", "actor", "subject", "message")
    fields = ("entry", "created_at", "moderator", "person", "in_room", "about", "reason")
    readonly_fields = ("entry", "moderator", "person", "in_room", "about")

    def page_title(self, row: ModerationLog) -> str:
        return log_sentences.plain(row)

    def matching(self, word: str) -> Q:
        """Return entries by one side only, by dates, or as other lists do."""
        side, _colon, rest = word.partition(":")
        if side in _COLUMNS and rest:
            person = person_id(rest)
            return Q(**{_COLUMNS[side]: person}) if person else NOTHING
        dates = _DATES.fullmatch(word)
        if dates:
            return _within(dates[1], dates[2] or dates[1])
        if word.startswith(("@", "#")) or is_id(word) or person_id(word) is not None:
            return super().matching(word)
        newest = ModerationLog.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        return Q(pk__gt=newest - MAX_SEARCHED, reason__icontains=word)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = super().get_search_results(request, queryset, search_term)
        newest = ModerationLog.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if search_term and newest > MAX_SEARCHED:
            text = gettext("Reasons are searched in the newest %(count)d entries.")
            messages.info(request, text % {"count": MAX_SEARCHED})
        return found

    def matching_id(self, number: int) -> Q:
        return Q(message=number)

    @admin.display(description=_("action"))
    def entry(self, row: ModerationLog) -> SafeString:
        return log_sentences.sentence(row)

    @admin.display(description=_("moderator"))
    def moderator(self, row: ModerationLog) -> SafeString | str:
        return formatting.person(row.actor)

    @admin.display(description=_("person"))
    def person(self, row: ModerationLog) -> SafeString | str:
        return formatting.person(row.subject)

    @admin.display(description=_("room"))
    def in_room(self, row: ModerationLog) -> SafeString | str:
        return formatting.room(row.room)

    @admin.display(description=_("message"))
    def about(self, row: ModerationLog) -> SafeString | str:
        return formatting.message(row.message_id)


def _within(first: str, last: str) -> Q:
    """Return the entries of these days, in the reader's time zone."""
    try:
        start = _midnight(date.fromisoformat(first))
        end = _midnight(date.fromisoformat(last) + timedelta(days=1))
    except (ValueError, OverflowError):
        return NOTHING
    return _since(start) & ~_since(end)


def _since(at: datetime) -> Q:
    """Return the entries from then on by their id, which rises with time and orders the list."""
    found = ModerationLog.objects.filter(created_at__gte=at).order_by("created_at", "pk")
    first = found.values_list("pk", flat=True).first()
    return Q(pk__gte=first) if first is not None else NOTHING


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()).astimezone(UTC)
