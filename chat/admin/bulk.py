"""Bulk acts: all messages of a person, or those of a room, chosen, counted, confirmed by their number, done in batches, and taken back."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat import services
from chat.admin import formatting
from chat.admin.actions import actor
from chat.admin.evidence import FilesAdmin, PersonField
from chat.admin.filters import OptionalRoomField
from chat.admin.lists import is_id
from chat.models import REASON_MAX_LENGTH, SLUG_MAX_LENGTH, Bulk, RemovedText, Room
from chat.services.bulk import Choice, count
from chat.text.filters import MAX_LENGTH
from realtime.protocol.errors import HoldfastError

ADD = "chat.add_bulk"
SECONDS: Final = 2.0  # of one request; the page asks for the next


class BulkForm(forms.Form):
    """Which messages, and why."""

    author_id = PersonField(
        label=gettext_lazy("Of"),
        required=False,
        max_length=151,
        help_text=gettext_lazy("Whose messages: alice."),
    )
    room_id = OptionalRoomField(
        label=gettext_lazy("In room"),
        required=False,
        max_length=SLUG_MAX_LENGTH + 1,
        help_text=gettext_lazy(
            "The last part of its address: general. Empty: in all rooms, direct conversations as well."
        ),
    )
    words = forms.CharField(
        label=gettext_lazy("With the words"),
        required=False,
        max_length=MAX_LENGTH,
        help_text=gettext_lazy(
            "In any case of their letters. Direct conversations are then left out."
        ),
    )
    since = forms.DateTimeField(
        label=gettext_lazy("Since"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The person concerned reads it, and so do the other moderators."),
    )

    @property
    def choice(self) -> Choice:
        """Which messages are meant."""
        names = ("author_id", "room_id", "words", "since", "until")
        return Choice(**{name: self.cleaned_data[name] for name in names})


@admin.register(Bulk)
class BulkAdmin(FilesAdmin):
    """What was done to many messages at once, and how far it is."""

    list_display = ("what", "to", "where", "words", "progress", "reason", "by", "when")
    list_display_links = ("what",)
    list_select_related = ("author", "room", "actor")
    search_help_text = gettext_lazy("Any of: @name (whose messages, or who did it), #room.")
    people = ("author", "actor")
    room = "room"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell who may begin one."""
        return request.user.has_perm(ADD)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that go on and that undo."""
        view = self.admin_site.admin_view
        more = [
            path("<int:bulk_id>/continue/", view(self.continue_view), name="chat_bulk_continue"),
            path("<int:bulk_id>/undo/", view(self.undo_view), name="chat_bulk_undo"),
        ]
        return [*more, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Choose, count, and begin when the number is confirmed."""
        if not request.user.has_perm(ADD):
            raise PermissionDenied
        form = BulkForm(
            request.POST or None,
            initial={
                "author_id": request.GET.get("author", ""),
                "room_id": request.GET.get("room", ""),
            },
        )
        found: int | None = None
        if request.method == "POST" and form.is_valid():
            try:
                found = count(form.choice)
                given = request.POST.get("number", "").strip()
                if "do" in request.POST and given != str(found):
                    form.add_error(
                        None,
                        _("Enter the number of messages, %(found)d, to confirm.")
                        % {"found": found},
                    )
                elif "do" in request.POST:
                    bulk = services.begin_removal(
                        actor_id=actor(request),
                        choice=form.choice,
                        expected=found,
                        reason=form.cleaned_data["reason"],
                    )
                    return self._go_on(bulk.pk)
            except HoldfastError as error:
                form.add_error(None, error.message)
        context = {"title": _("Remove messages"), "form": form, "found": found}
        return TemplateResponse(
            request, "admin/chat/bulk_new.html", self._context(request, context)
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show how far it is, with what can be done."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        bulk = (
            Bulk.objects.select_related("author", "room", "actor").filter(pk=object_id).first()
            if is_id(object_id)
            else None
        )
        if bulk is None:
            raise Http404
        is_over = bulk.finished_at is not None
        can_act = request.user.has_perm(ADD)
        left = (
            len(RemovedText.objects.filter(bulk=bulk).values_list("pk")[: bulk.expected])
            if is_over
            else 0
        )
        context = {
            "title": self.what(bulk),
            "bulk": bulk,
            "left": left,
            "may_continue": can_act and not is_over,
            "may_undo": can_act and left,
        }
        return TemplateResponse(request, "admin/chat/bulk.html", self._context(request, context))

    def continue_view(self, request: HttpRequest, bulk_id: int) -> HttpResponse:
        """Go on for a while."""
        self._check_posted(request)
        return self._go_on(bulk_id)

    def undo_view(self, request: HttpRequest, bulk_id: int) -> HttpResponse:
        """Begin to restore what it deleted."""
        self._check_posted(request)
        try:
            undo = services.begin_undo(
                actor_id=actor(request), bulk_id=bulk_id, reason=request.POST.get("reason", "")
            )
        except HoldfastError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:chat_bulk_change", args=[bulk_id]))
        return self._go_on(undo.pk)

    def _go_on(self, bulk_id: int) -> HttpResponse:
        try:
            services.run_bulk(bulk_id=bulk_id, seconds=SECONDS)
        except HoldfastError as error:
            raise Http404 from error
        return HttpResponseRedirect(reverse("admin:chat_bulk_change", args=[bulk_id]))

    def _check_posted(self, request: HttpRequest) -> None:
        if request.method != "POST":
            raise Http404
        if not request.user.has_perm(ADD):
            raise PermissionDenied

    def _context(self, request: HttpRequest, more: dict[str, Any]) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, **more}

    @admin.display(description=gettext_lazy("what"))
    def what(self, row: Bulk) -> str:
        """Return what is done."""
        return str(row.get_act_display())

    @admin.display(description=gettext_lazy("messages of"))
    def to(self, row: Bulk) -> SafeString | str:
        """Return whose messages."""
        return formatting.person(row.author)

    @admin.display(description=gettext_lazy("in"))
    def where(self, row: Bulk) -> SafeString | str:
        """Return in which room."""
        room: Room | None = row.room
        return formatting.room(room) if room else _("all rooms")

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, row: Bulk) -> str:
        """Return how far it is."""
        return f"{row.done} / {row.expected}" + ("" if row.finished_at else " …")

    @admin.display(description=gettext_lazy("moderator"))
    def by(self, row: Bulk) -> SafeString | str:
        """Return who did it."""
        return formatting.person(row.actor)
