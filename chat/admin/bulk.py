"""Bulk actions: remove all messages of a person or room, in batches, and restore them.

The moderator chooses the messages, sees how many there are, and confirms by entering the number.
"""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting
from chat.admin.actions import actor_id
from chat.admin.evidence import ExportAdmin, PersonField, TimeField
from chat.admin.forms import ReasonForm, RoomField
from chat.admin.lists import is_id
from chat.models import Bulk, RemovedText
from chat.services.moderation.bulk_selection import Choice, preview
from chat.text.filters import MAX_LENGTH
from realtime.protocol.errors import HoldfastError

ADD = "chat.add_bulk"
SECONDS: Final = 2.0  # of one request; the page then sends the next one


class BulkForm(ReasonForm):
    author_id = PersonField(
        label=_("Messages by"), required=False, help_text=_("A username, such as alice.")
    )
    room_id = RoomField(
        required=False,
        help_text=_(
            "The last part of the room’s URL, such as general. Leave empty for all rooms and"
            " direct conversations."
        ),
    )
    words = forms.CharField(
        label=_("Containing"),
        required=False,
        max_length=MAX_LENGTH,
        help_text=_(
            "Upper and lower case are equal. Direct conversations are left out. Without a person"
            " and a room, the newest 100,000 messages of all rooms are searched."
        ),
    )
    since = TimeField(label=_("From"), required=False)
    until = TimeField(label=_("Until"), required=False)
    field_order = ["author_id", "room_id", "words", "since", "until", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Once counted, the page focuses the field that confirms the number.
        if self.is_bound:
            self.fields["author_id"].widget.attrs.pop("autofocus")

    @property
    def choice(self) -> Choice:
        names = ("author_id", "room_id", "words", "since", "until")
        return Choice(**{name: self.cleaned_data[name] for name in names})


@admin.register(Bulk)
class BulkAdmin(ExportAdmin):
    list_display = ("type", "by", "in_room", "words", "progress", "reason", "moderator", "when")
    list_display_links = ("type",)
    list_select_related = ("author", "room", "actor")
    search_help_text = _("Search by @username (author or moderator) or #room.")
    person_columns = ("author", "actor")
    room_column = "room"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ADD)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:bulk_id>/continue/", view(self.continue_view), name="chat_bulk_continue"),
            path("<int:bulk_id>/undo/", view(self.undo_view), name="chat_bulk_undo"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Count the messages, and begin when the moderator has entered the number."""
        if not request.user.has_perm(ADD):
            raise PermissionDenied
        initial = {"author_id": request.GET.get("author"), "room_id": request.GET.get("room")}
        form = BulkForm(request.POST or None, initial=initial)
        found: int | None = None
        shown = None
        if request.method == "POST" and form.is_valid():
            try:
                shown = preview(form.choice)
                found = shown.number
                is_confirmed = request.POST.get("number", "").strip() == str(found)
                if "do" in request.POST and is_confirmed:
                    bulk = services.begin_removal(
                        actor_id=actor_id(request),
                        choice=form.choice,
                        expected=found,
                        reason=form.cleaned_data["reason"],
                    )
                    return self._continue(bulk.pk)
                if "do" in request.POST:
                    text = gettext("Enter the number of messages (%(count)d) to confirm.")
                    form.add_error(None, text % {"count": found})
            except HoldfastError as error:
                form.add_error(None, error.message)
        context = {"title": _("Remove messages"), "form": form, "found": found, "shown": shown}
        return self._page(request, "admin/chat/bulk_add.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the progress, and the buttons to continue or to undo."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Bulk.objects.select_related("author", "room", "actor")
        bulk = rows.filter(pk=object_id).first() if is_id(object_id) else None
        if bulk is None:
            raise Http404
        is_finished, may_act = bulk.finished_at is not None, request.user.has_perm(ADD)
        removed = RemovedText.objects.filter(bulk=bulk).values_list("pk")[: bulk.expected]
        context = {
            "title": bulk.get_act_display(),
            "bulk": bulk,
            "restorable": len(removed) if is_finished and may_act else 0,
            "may_continue": may_act and not is_finished,
        }
        return self._page(request, "admin/chat/bulk.html", context)

    def continue_view(self, request: HttpRequest, bulk_id: int) -> HttpResponse:
        self._check_post(request)
        return self._continue(bulk_id)

    def undo_view(self, request: HttpRequest, bulk_id: int) -> HttpResponse:
        self._check_post(request)
        reason = request.POST.get("reason", "")
        try:
            undo = services.begin_undo(actor_id=actor_id(request), bulk_id=bulk_id, reason=reason)
        except HoldfastError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:chat_bulk_change", args=[bulk_id]))
        return self._continue(undo.pk)

    def _continue(self, bulk_id: int) -> HttpResponse:
        try:
            services.run_bulk(bulk_id=bulk_id, seconds=SECONDS)
            services.finish_erasures()
        except HoldfastError as error:
            raise Http404 from error
        return HttpResponseRedirect(reverse("admin:chat_bulk_change", args=[bulk_id]))

    def _check_post(self, request: HttpRequest) -> None:
        if request.method != "POST":
            raise Http404
        if not request.user.has_perm(ADD):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        common = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**common, **context})

    @admin.display(description=_("type"))
    def type(self, row: Bulk) -> str:
        return row.get_act_display()

    @admin.display(description=_("messages by"))
    def by(self, row: Bulk) -> SafeString | str:
        return formatting.person(row.author)

    @admin.display(description=_("room"))
    def in_room(self, row: Bulk) -> SafeString | str:
        return formatting.room(row.room) if row.room_id else gettext("All rooms")

    @admin.display(description=_("progress"))
    def progress(self, row: Bulk) -> str:
        return f"{row.done} / {row.expected}" + ("" if row.finished_at else " …")

    @admin.display(description=_("moderator"))
    def moderator(self, row: Bulk) -> SafeString | str:
        return formatting.person(row.actor)
