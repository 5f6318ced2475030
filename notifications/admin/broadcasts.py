"""Announcements and broadcasts in the admin: composed, confirmed, followed, edited, taken back.

Sending, editing and taking back go on in turns of some seconds, so that no request is held; the
page of a broadcast asks for the next turn while it is open, and ``manage.py send_broadcasts`` for
the rest.
"""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext, gettext_lazy, ngettext

from notifications import queries, services
from notifications.admin.compose import AnnouncementForm, BroadcastForm, EditForm
from notifications.admin.lists import ShownAdmin, shown_moment
from notifications.models import Announcement, AnnouncementReading, Broadcast
from notifications.policies import MAX_ID
from realtime.core.generics import ModelAdmin
from realtime.protocol.errors import HoldfastError

SECONDS: Final = 2.0  # of one request
UNREAD_SHOWN: Final = 100  # names on the page of a broadcast


@admin.action(description=gettext_lazy("Take back"), permissions=["recall"])
def take_back(
    model_admin: "RecallingAdmin", request: HttpRequest, rows: QuerySet[Any]
) -> HttpResponse | None:
    """Ask, and then recall the chosen broadcasts, live."""
    ids = model_admin.broadcast_ids(rows)
    if "confirmed" not in request.POST:
        return model_admin.ask(request, rows, Broadcast.objects.filter(pk__in=ids))
    for broadcast_id in ids:
        recalled = services.recall(broadcast_id=broadcast_id, seconds=SECONDS)
        _report(model_admin, request, recalled)
    return None


def _report(
    model_admin: ModelAdmin[Any], request: HttpRequest, recalled: services.Recalled
) -> None:
    number = {"number": recalled.broadcast.pk}
    if recalled.finished:
        text, level = gettext("Broadcast %(number)s was taken back."), messages.SUCCESS
    else:
        text = gettext("Broadcast %(number)s is being taken back. Open it to continue.")
        level = messages.WARNING
    model_admin.message_user(request, text % number, level)


class RecallingAdmin(ShownAdmin):
    """A list from which something can be taken back, and to which something can be composed."""

    actions = (take_back,)
    form_class: type[AnnouncementForm]
    add_permission: str

    @admin.display(description=gettext_lazy("sent"), ordering="created_at")
    def sent(self, row: Any) -> str:
        """Return when it was sent."""
        return shown_moment(row.created_at)

    @admin.display(description=gettext_lazy("expires"), ordering="expires_at")
    def expires(self, row: Any) -> str:
        """Return when it expires."""
        return shown_moment(row.expires_at)

    @admin.display(description=gettext_lazy("taken back"), ordering="recalled_at")
    def taken_back(self, row: Any) -> str:
        """Return when it was taken back."""
        return shown_moment(row.recalled_at)

    def has_recall_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may take broadcasts back."""
        return request.user.has_perm("notifications.change_broadcast")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may compose one."""
        return request.user.has_perm(self.add_permission)

    def broadcast_ids(self, rows: QuerySet[Any]) -> list[int]:
        """Return the broadcasts that ``rows`` belong to."""
        return list(rows.values_list("broadcast_id", flat=True))

    def ask(
        self, request: HttpRequest, rows: QuerySet[Any], broadcasts: QuerySet[Broadcast]
    ) -> HttpResponse:
        """Show what is going to be taken back, and from how many people."""
        found = list(broadcasts)
        context = {
            "title": gettext("Take back"),
            "broadcasts": found,
            "people": sum(row.done for row in found),
            "chosen": list(rows.values_list("pk", flat=True)),
        }
        return self._page(request, "admin/notifications/take_back.html", context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Compose, show it with the number of people, and send it when that is confirmed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self.form_class(request.POST or None)
        people: int | None = None
        if request.method == "POST" and form.is_valid():
            found = form.reached()
            people = found.people if found is not None else None
            if people is not None and request.POST.get("people") == str(people):
                try:
                    return self._send(request, form)
                except HoldfastError as error:
                    form.add_error(None, error.message)
                    people = None
        context = {"title": gettext("Write a message"), "form": form, "people": people}
        return self._page(request, "admin/notifications/compose.html", context)

    def _send(self, request: HttpRequest, form: AnnouncementForm) -> HttpResponse:
        row = services.begin(
            words=form.words,
            audience=form.audience,
            created_by_id=request.user.pk,
            key=form.cleaned_data["key"],
        )
        if row.scheduled_at is None:
            row = services.send(broadcast_id=row.pk, seconds=SECONDS)
            text = ngettext("Sent to %(count)s person.", "Sent to %(count)s people.", row.done) % {
                "count": row.done
            }
        else:
            text = gettext("It will be sent at %(time)s.") % {
                "time": shown_moment(row.scheduled_at)
            }
        if row.finished_at or row.scheduled_at:
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self._after(row))

    def _after(self, row: Broadcast) -> str:
        return reverse("admin:notifications_broadcast_change", args=[row.pk])

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        common = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**common, **context})


@admin.register(Broadcast)
class BroadcastAdmin(RecallingAdmin):
    """Broadcasts with their recipients; the text is kept after a recall."""

    form_class = BroadcastForm
    add_permission = "notifications.add_broadcast"
    change_form_template = "admin/notifications/broadcast/change_form.html"
    list_display = (
        "id",
        "sent",
        "title",
        "body_start",
        "level",
        "progress",
        "taken_back",
        "created_by",
    )
    list_select_related = ("created_by",)
    list_filter = ("level",)
    ordering = ("-id",)
    fields = (
        *("title", "body", "url", "level", "translations", "targets", "progress", "read"),
        *("expires_at", "scheduled_at", "created_by", "created_at", "finished_at", "edited_at"),
        *("recalled_at", "key"),
    )
    readonly_fields = ("read", "progress")

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses to which the page of a broadcast leads."""
        view = self.admin_site.admin_view
        return [
            path(
                "<int:broadcast_id>/edit/",
                view(self.edit_view),
                name="notifications_broadcast_edit",
            ),
            path(
                "<int:broadcast_id>/continue/",
                view(self.continue_view),
                name="notifications_broadcast_continue",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a broadcast, how far it is, and who has not read it."""
        known = object_id.isdecimal() and len(object_id) < len(str(MAX_ID))
        row = Broadcast.objects.filter(pk=object_id).first() if known else None
        extra = {} if row is None else self._state(request, row)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})

    def _state(self, request: HttpRequest, row: Broadcast) -> dict[str, Any]:
        left = queries.left_of(row) if row.recalled_at else 0
        is_due = row.pk in queries.unfinished(now=timezone.now())
        may_send = is_due and self.has_add_permission(request)
        may_edit = _may_edit(request, row)
        unread = queries.not_read(row, limit=UNREAD_SHOWN + 1) if not row.recalled_at else []
        return {
            "row": row,
            "left": left,
            "may_continue": may_send
            or (left > 0 and self.has_recall_permission(request))
            or (row.edit_after is not None and may_edit),
            "may_edit": may_edit,
            "edits": queries.edits_of(row),
            "not_read": unread[:UNREAD_SHOWN],
            "more_not_read": len(unread) > UNREAD_SHOWN,
            "chosen": [row.pk],
            "may_take_back": row.recalled_at is None and self.has_recall_permission(request),
        }

    def continue_view(self, request: HttpRequest, broadcast_id: int) -> HttpResponse:
        """Send, or take back, for some seconds."""
        row = Broadcast.objects.filter(pk=broadcast_id).first()
        if request.method != "POST" or row is None:
            raise Http404
        if row.recalled_at:
            if not self.has_recall_permission(request):
                raise PermissionDenied
            services.recall(broadcast_id=row.pk, seconds=SECONDS)
        elif row.edit_after is not None and _may_edit(request, row):
            services.carry_on(broadcast_id=row.pk, seconds=SECONDS)
        elif self.has_add_permission(request):
            services.send(broadcast_id=row.pk, seconds=SECONDS)
        else:
            raise PermissionDenied
        return HttpResponseRedirect(self._after(row))

    def edit_view(self, request: HttpRequest, broadcast_id: int) -> HttpResponse:
        """Edit a broadcast, show it with the number of people, and change it when confirmed."""
        row = Broadcast.objects.filter(pk=broadcast_id).first()
        if row is None:
            raise Http404
        if not _may_edit(request, row):
            raise PermissionDenied
        may_address = request.user.has_perm(self.add_permission)
        form = EditForm(request.POST or None, row=row, may_address=may_address)
        people: int | None = None
        if request.method == "POST" and form.is_valid():
            people = _people(form, row)
            if people is not None and request.POST.get("people") == str(people):
                try:
                    return self._edit(request, form)
                except HoldfastError as error:
                    form.add_error(None, error.message)
                    people = None
        context = {
            "title": gettext("Edit broadcast %(number)s") % {"number": row.pk},
            "form": form,
            "people": people,
            "edited": row,
            "is_begun": services.is_begun(row),
        }
        return self._page(request, "admin/notifications/compose.html", context)

    def _edit(self, request: HttpRequest, form: EditForm) -> HttpResponse:
        row = services.edit(
            broadcast_id=form.row.pk,
            words=form.words,
            audience=form.audience,
            actor_id=request.user.pk,
            seconds=SECONDS,
        )
        if row.edit_after is None:
            text = gettext("Broadcast %(number)s was changed.") % {"number": row.pk}
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self._after(row))

    @admin.display(description=gettext_lazy("text"))
    def body_start(self, row: Broadcast) -> str:
        """Return as much of the text as a list has room for."""
        return row.body if len(row.body) <= 80 else f"{row.body[:79]}…"

    @admin.display(description=gettext_lazy("reached"))
    def progress(self, row: Broadcast) -> str:
        """Return how many people it has reached, of how many."""
        if row.finished_at:
            return str(row.done)
        return gettext("%(done)s of %(people)s") % {"done": row.done, "people": row.recipients}

    @admin.display(description=gettext_lazy("read by"))
    def read(self, row: Broadcast) -> int:
        """Return how many people have read it."""
        return queries.counted([row])[0].read

    def broadcast_ids(self, rows: QuerySet[Any]) -> list[int]:
        """Return the broadcasts themselves."""
        return list(rows.values_list("pk", flat=True))


def _may_edit(request: HttpRequest, row: Broadcast) -> bool:
    """Tell whether a person may edit it: who may take it back, and may write such a one."""
    may_write = request.user.has_perm("notifications.add_broadcast") or (
        row.targets == {"all": True} and request.user.has_perm("notifications.add_announcement")
    )
    may_change = request.user.has_perm("notifications.change_broadcast")
    return row.recalled_at is None and may_write and may_change


def _people(form: EditForm, row: Broadcast) -> int | None:
    """Return how many people see the change; None where the service would refuse it."""
    reach = form.reached()
    if reach is None:
        return None
    return row.done if services.is_begun(row) else reach.people


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

    form_class = AnnouncementForm
    add_permission = "notifications.add_announcement"
    list_display = ("id", "sent", "title", "text", "level", "read", "expires", "taken_back")
    list_filter = ("level",)
    list_select_related = ("broadcast",)
    ordering = ("-id",)
    fields = (
        *("title", "body", "url", "level", "translations", "expires_at"),
        *("read", "created_at", "recalled_at", "broadcast", "seq"),
    )
    readonly_fields = ("read",)
    change_form_template = "admin/notifications/announcement/change_form.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show an announcement, with a way to edit it."""
        known = object_id.isdecimal() and len(object_id) < len(str(MAX_ID))
        row = Broadcast.objects.filter(announcement__pk=object_id).first() if known else None
        extra = {"row": row, "may_edit": row is not None and _may_edit(request, row)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows the readers."""
        return ReadList

    def _after(self, row: Broadcast) -> str:
        return reverse("admin:notifications_announcement_changelist")

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
