"""The admin of inboxes, announcements and broadcasts. Changes go through the services."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.paginator import Paginator
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext, gettext_lazy

from notifications import kinds, payloads, policies, queries, services
from notifications.models import Announcement, AnnouncementReading, Broadcast, Notification
from notifications.policies import Words
from notifications.queries import Audience
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


def _moment(at: datetime | None) -> str:
    return spoken(at) if at else "—"


class ShownAdmin(admin.ModelAdmin[Any]):
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


class SentenceList(ChangeList):
    """A page of notifications with everyone in them: one query for the page."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then the people."""
        super().get_results(request)
        people = queries.people_in(self.result_list)
        for row in self.result_list:
            row.notice = payloads.notification(row, people)


@admin.register(Notification)
class NotificationAdmin(ShownAdmin):
    """Notifications as sentences. The text of a message is not in them."""

    list_display = ("id", "user", "kind", "sentence", "when", "read", "archived", "broadcast")
    list_select_related = ("user", "broadcast")
    search_fields = ("=user__username",)
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
    ordering = ("-id",)
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
        return _moment(row.created_at)

    @admin.display(description=gettext_lazy("read"))
    def read(self, row: Notification) -> str:
        """Return when it was read."""
        return _moment(row.read_at)

    @admin.display(description=gettext_lazy("archived"))
    def archived(self, row: Notification) -> str:
        """Return when it was put away."""
        return _moment(row.archived_at)


@admin.register(AnnouncementReading)
class AnnouncementReadingAdmin(ShownAdmin):
    """Which user has read which announcement."""

    list_display = ("id", "announcement", "user", "read_at")
    list_select_related = ("announcement", "user")
    search_fields = ("=user__username", "=announcement__id")
    search_help_text = gettext_lazy("A username or the id of an announcement, whole.")
    ordering = ("-id",)


@admin.action(description=gettext_lazy("Take back"), permissions=["recall"])
def take_back(model_admin: "RecallingAdmin", request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Recall the chosen broadcasts, live."""
    for broadcast_id in model_admin.broadcast_ids(rows):
        services.recall(broadcast_id=broadcast_id)
        model_admin.message_user(
            request,
            gettext("Broadcast %(number)s was taken back.") % {"number": broadcast_id},
            messages.SUCCESS,
        )


class RecallingAdmin(ShownAdmin):
    """A list from which something can be taken back."""

    actions = (take_back,)

    @admin.display(description=gettext_lazy("sent"), ordering="created_at")
    def sent(self, row: Any) -> str:
        """Return when it was sent."""
        return _moment(row.created_at)

    @admin.display(description=gettext_lazy("expires"), ordering="expires_at")
    def expires(self, row: Any) -> str:
        """Return when it expires."""
        return _moment(row.expires_at)

    @admin.display(description=gettext_lazy("taken back"), ordering="recalled_at")
    def taken_back(self, row: Any) -> str:
        """Return when it was taken back."""
        return _moment(row.recalled_at)

    def has_recall_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may take broadcasts back."""
        return request.user.has_perm("notifications.change_broadcast")

    def broadcast_ids(self, rows: QuerySet[Any]) -> list[int]:
        """Return the broadcasts that ``rows`` belong to."""
        return list(rows.values_list("broadcast_id", flat=True))


@admin.register(Broadcast)
class BroadcastAdmin(RecallingAdmin):
    """Broadcasts with their recipients; the text is kept after a recall."""

    list_display = (
        "id",
        "sent",
        "title",
        "body_start",
        "level",
        "recipients",
        "taken_back",
        "created_by",
    )
    list_select_related = ("created_by",)
    list_filter = ("level",)
    ordering = ("-id",)
    fields = (
        *("title", "body", "url", "level", "targets", "recipients", "read"),
        *("expires_at", "created_by", "created_at", "recalled_at", "key"),
    )
    readonly_fields = ("read",)

    @admin.display(description=gettext_lazy("text"))
    def body_start(self, row: Broadcast) -> str:
        """Return as much of the text as a list has room for."""
        return row.body if len(row.body) <= 80 else f"{row.body[:79]}…"

    @admin.display(description=gettext_lazy("read by"))
    def read(self, row: Broadcast) -> int:
        """Return how many people have read it."""
        return queries.counted([row])[0].read

    def broadcast_ids(self, rows: QuerySet[Any]) -> list[int]:
        """Return the broadcasts themselves."""
        return list(rows.values_list("pk", flat=True))


COMPOSED = ("title", "body", "url", "level", "expires_at")


class AnnouncementForm(forms.ModelForm[Announcement]):
    """Composes an announcement.

    Sent twice (a double click, a reload), it is one, because ``key`` comes with the page.
    """

    key = forms.UUIDField(label=gettext_lazy("key"), initial=uuid.uuid4, widget=forms.HiddenInput)
    body = forms.CharField(
        label=gettext_lazy("Text"), widget=forms.Textarea, max_length=policies.BODY_MAX_LENGTH
    )

    class Meta:
        model = Announcement
        fields = COMPOSED

    def clean(self) -> dict[str, Any]:
        """Refuse what the service would refuse."""
        cleaned: dict[str, Any] = super().clean() or {}
        for problem in (
            policies.problems_of_words(self.words, now=timezone.now(), announced=True)
            if not self.errors
            else ()
        ):
            self.add_error(None, problem)
        return cleaned

    @property
    def words(self) -> Words:
        """Return the content that the fields describe."""
        return Words(**{name: self.cleaned_data[name] for name in COMPOSED})


class ReadList(ChangeList):
    """A page of announcements with how many have read each: one query for the page."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then the readers of its announcements."""
        super().get_results(request)
        readers = _readers(self.result_list)
        for row in self.result_list:
            row.readers = readers.get(row.pk, 0)


def _readers(rows: Iterable[Announcement]) -> dict[int, int]:
    readings = (
        AnnouncementReading.objects.filter(announcement__in=[row.pk for row in rows])
        .order_by()
        .values_list("announcement")
    )
    return dict(readings.annotate(Count("pk")))


@admin.register(Announcement)
class AnnouncementAdmin(RecallingAdmin):
    """Announcements: written here, sent by the service, shown to connected users at once."""

    list_display = ("id", "sent", "title", "text", "level", "read", "expires", "taken_back")
    list_filter = ("level",)
    list_select_related = ("broadcast",)
    ordering = ("-id",)
    readonly_fields = ("read",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows the readers."""
        return ReadList

    @admin.display(description=gettext_lazy("text"))
    def text(self, row: Announcement) -> str:
        """Return the beginning of the text; after a recall, that of the broadcast."""
        return Truncator(row.broadcast.body).chars(80)

    @admin.display(description=gettext_lazy("read by"))
    def read(self, row: Any) -> str:
        """Return how many have read it, of how many there were."""
        readers = row.readers if hasattr(row, "readers") else _readers([row]).get(row.pk, 0)
        return gettext("%(read)d of %(people)d") % {
            "read": readers,
            "people": row.broadcast.recipients,
        }

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may announce something."""
        return request.user.has_perm("notifications.add_announcement")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Compose with a form of its own."""
        return super().get_form(
            request, obj, change, **kwargs | ({"form": AnnouncementForm} if obj is None else {})
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what is composed, or what is shown."""
        return (
            (*COMPOSED, "key")
            if obj is None
            else (*COMPOSED, "read", "created_at", "recalled_at", "broadcast", "seq")
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name the two fields of a moment for screen readers, which Django leaves without names."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, AdminSplitDateTime):
            shown = field.widget.get_context("", None, {})
            for part, name in zip(
                field.widget.widgets, (shown["date_label"], shown["time_label"]), strict=True
            ):
                part.attrs["aria-label"] = name.rstrip(":")
        return field

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Show or send.

        Django's own wraps this in a transaction, in which no stream's lock may be taken; the
        service opens its own.
        """
        response: HttpResponse = self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        return response

    def save_model(self, request: HttpRequest, obj: Announcement, form: Any, change: bool) -> None:
        """Send it."""
        sent = services.broadcast(
            words=form.words,
            audience=Audience(everybody=True),
            created_by_id=request.user.pk,
            key=form.cleaned_data["key"],
        )
        obj.pk = sent.announcement.pk
        obj.refresh_from_db()
