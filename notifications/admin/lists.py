"""Lists of rows that only services change: their page, their bound, and inboxes in sentences."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from notifications import kinds, payloads, queries
from notifications.models import AnnouncementReading, Notification
from notifications.policies import MAX_ID
from realtime.auth import accounts_named
from realtime.core.generics import ModelAdmin, Paginator
from realtime.protocol.user_ids import UserId
from realtime.site.time_zones import spoken

# Rows that a list page counts and leads to; counting a million takes a second, and nobody turns
# pages that far.
MOST_COUNTED = 10_000


class BoundedPaginator(Paginator[Any]):
    """Counts no further than ``MOST_COUNTED``: what is older is found with the search."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or the bound."""
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows.order_by()[:MOST_COUNTED].count()


def shown_moment(at: datetime | None) -> str:
    return spoken(at) if at else "—"


class ShownAdmin(ModelAdmin[Any]):
    """Shows rows and changes none: those of a stream have numbers, which only a service gives."""

    paginator = BoundedPaginator
    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list under the name of what it lists."""
        title = capfirst(str(self.opts.verbose_name_plural))
        answer: HttpResponse = super().changelist_view(
            request, {"title": title, **(extra_context or {})}
        )
        return answer

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse, for the same reason."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: a deleted row would be missing from the replay."""
        return False


class InOrderAdmin(ShownAdmin):
    """Rows by their id alone: another order would sort a million of them for each page."""

    ordering = ("-id",)
    sortable_by = ("id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the person first: the rows of one follow an index, a join would read them all."""
        name = search_term.strip().removeprefix("@")
        if not name:
            return queryset, False
        found = [user.pk for user in accounts_named([name]).values()]
        return queryset.filter(self.matching(found, name)), False

    def matching(self, user_ids: list[UserId], term: str) -> Q:
        """Return the rows of these people."""
        return Q(user__in=user_ids)


class SentenceList(ChangeList):
    """A page of notifications with everyone in them: one query for the page."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then the people."""
        super().get_results(request)
        people = queries.people_in(self.result_list)
        for row in self.result_list:
            row.notice = payloads.notification(row, people)


@admin.register(Notification)
class NotificationAdmin(InOrderAdmin):
    """Notifications as sentences. The text of a message is not in them."""

    list_display = ("id", "user", "kind", "sentence", "when", "read", "archived", "broadcast")
    list_select_related = ("user", "broadcast")
    search_fields = ("user",)  # shows the search field
    search_help_text = gettext_lazy("A username, whole.")
    fields = (
        "user",
        "seq",
        "kind",
        "sentence",
        "actor",
        "level",
        "unread",
        "created_at",
        "read_at",
        "archived_at",
        "broadcast",
    )
    readonly_fields = ("sentence",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows the sentences."""
        return SentenceList

    @admin.display(description=gettext_lazy("notification"))
    def sentence(self, row: Any) -> str:
        """Return what the notification says, in the language of the page."""
        if not hasattr(row, "notice"):
            row.notice = payloads.notification(row, queries.people_in([row]))
        return kinds.sentence(row.notice)

    @admin.display(description=gettext_lazy("when"))
    def when(self, row: Notification) -> str:
        """Return when it happened."""
        return shown_moment(row.created_at)

    @admin.display(description=gettext_lazy("read"))
    def read(self, row: Notification) -> str:
        """Return when it was read."""
        return shown_moment(row.read_at)

    @admin.display(description=gettext_lazy("archived"))
    def archived(self, row: Notification) -> str:
        """Return when it was put away."""
        return shown_moment(row.archived_at)


@admin.register(AnnouncementReading)
class AnnouncementReadingAdmin(InOrderAdmin):
    """Which user has read which announcement."""

    list_display = ("id", "announcement", "user", "read_at")
    list_select_related = ("announcement", "user")
    search_fields = ("user",)
    search_help_text = gettext_lazy("A username or the id of an announcement, whole.")

    def matching(self, user_ids: list[UserId], term: str) -> Q:
        """Return the readings of these people, or of one announcement."""
        is_id = term.isascii() and term.isdecimal() and len(term) < len(str(MAX_ID))
        return super().matching(user_ids, term) | (
            Q(announcement=int(term)) if is_id else Q(pk__in=())
        )
