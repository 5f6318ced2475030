"""Filters: words and patterns that messages are checked against, previewed before they are on."""

from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting
from chat.admin.actions import ActionAdmin, AdminAction, actor_id
from chat.admin.filter_preview import preview
from chat.admin.forms import OptionalReasonForm, RoomField
from chat.admin.lists import is_id
from chat.models import Filter
from chat.services.moderation.filters import clean_filter
from chat.text.filters import MASK, MAX_LENGTH, FilterAction, FilterKind, Rule
from realtime.protocol.errors import HoldfastError

CHANGE, DELETE = "chat.change_filter", "chat.delete_filter"
SAMPLE_MAX_LENGTH: Final = 4000  # characters


TURN_OFF = AdminAction(
    name="off",
    label=_("Turn off"),
    explanation=_(
        "New messages are no longer checked against it, starting now. You can preview it and turn"
        " it on again."
    ),
    done=ngettext_lazy("%(count)d filter turned off.", "%(count)d filters turned off.", "count"),
    service=partial(services.switch_filter, on=False),
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=lambda row: "" if row.is_on else _("Already off"),
)
REMOVE = AdminAction(
    name="delete",
    label=_("Delete"),
    explanation=_(
        "It is removed from the list. Flagged messages stay flagged, and masked ones stay masked."
    ),
    done=ngettext_lazy("%(count)d filter deleted.", "%(count)d filters deleted.", "count"),
    service=services.delete_filter,
    permission=DELETE,
    form=OptionalReasonForm,
    is_destructive=True,
)


class FilterForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("Type"),
        choices=FilterKind.choices,
        widget=forms.RadioSelect,
        initial=FilterKind.WORD,
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=MAX_LENGTH,
        strip=False,
        help_text=_(
            "Words match whole words only, and phrases may contain spaces. In a pattern, \\pL"
            " matches a letter, \\b the edge of a word in English letters, and (a|b) either one."
            " Upper and lower case are always equal."
        ),
    )
    action = forms.ChoiceField(
        label=_("Action"),
        choices=[
            (FilterAction.FLAG, _("Flag: post the message and report it to moderators")),
            (
                FilterAction.MASK,
                format_lazy(
                    _("Mask: post the message with {mask} in place of the match"), mask=MASK
                ),
            ),
            (FilterAction.HOLD, _("Hold: post the message only once a moderator accepts it")),
            (FilterAction.BLOCK, _("Block: reject the message and tell its author why")),
            (FilterAction.MUTE, _("Mute: reject the message and mute its author in all rooms")),
        ],
        widget=forms.RadioSelect,
        initial=FilterAction.FLAG,
    )
    room_id = RoomField(
        required=False,
        help_text=_("The last part of the room’s URL, such as general. Leave empty for all rooms."),
    )
    sample = forms.CharField(
        label=_("Sample"),
        required=False,
        strip=False,
        max_length=SAMPLE_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A text to preview the filter on. It is not stored."),
    )

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if "text" in fields and "kind" in fields:
            try:
                fields["text"] = clean_filter(fields["text"], fields["kind"])
            except HoldfastError as error:
                self.add_error("text", error.message.removeprefix("text: "))
        return fields

    @property
    def rule(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("text", "kind", "action", "room_id")}


def _signature(rule: dict[str, Any]) -> str:
    """Return a proof that exactly this rule was previewed."""
    return salted_hmac("chat.admin.filters", repr(sorted(rule.items()))).hexdigest()


class OnFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "is_on"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("On")), ("0", _("Off"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_chosen = self.value() in ("0", "1")
        return queryset.filter(is_on=self.value() == "1") if is_chosen else queryset


@admin.register(Filter)
class FilterAdmin(ActionAdmin):
    moderator_actions = (TURN_OFF, REMOVE)
    row_arguments = {"filter_id": "pk"}
    list_display = ("pattern", "kind", "action", "in_room", "is_on", "creator", "when")
    list_display_links = ("pattern",)
    list_select_related = ("room", "created_by")
    list_filter = (OnFilter,)
    search_help_text = _("Search by @username, #room, or the beginning of the text.")
    person_columns = ("created_by",)
    room_column = "room"

    def matching(self, word: str) -> Q:
        """Return filters by their beginning: as typed, in lower case, or with a capital."""
        if word[0] in "@#" or is_id(word):
            return super().matching(word)
        found = Q(text__startswith=word) | Q(text__startswith=word.lower())
        return found | Q(text__startswith=word.capitalize())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.add_filter")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._form_view(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        rows = Filter.objects.select_related("room")
        row = rows.filter(pk=object_id).first() if is_id(object_id) else None
        if row is None:
            raise Http404
        return self._form_view(request, row)

    def _form_view(self, request: HttpRequest, row: Filter | None) -> HttpResponse:
        """Show the form with a preview; store the filter, turned on only after a preview of it."""
        form = FilterForm(request.POST or None, initial=_initial(row) if row else None)
        found, signature = None, ""
        if request.method == "POST" and form.is_valid():
            found = preview(Rule(**form.rule), form.cleaned_data["sample"])
            signature = _signature(form.rule)
            was_previewed = constant_time_compare(request.POST.get("previewed", ""), signature)
            step = request.POST.get("do", "preview")
            if step == "off" or (step == "on" and was_previewed):
                try:
                    services.save_filter(
                        actor_id=actor_id(request),
                        filter_id=row.pk if row else None,
                        is_on=step == "on",
                        **form.rule,
                    )
                except HoldfastError as error:
                    form.add_error(None, error.message)
                else:
                    saved = _("Filter saved and turned on.") if step == "on" else _("Filter saved.")
                    messages.success(request, saved)
                    return HttpResponseRedirect(reverse("admin:chat_filter_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Edit filter") if row else _("Add filter"),
            "opts": self.opts,
            "form": form,
            "preview": found,
            "signature": signature,
            "row": row,
            "actions": self.action_links(request, row) if row else [],
        }
        return TemplateResponse(request, "admin/chat/filter.html", context)

    def summary(self, row: Filter) -> SafeString:
        return format_html("{}: {}", row.get_action_display(), row.text)

    @admin.display(description=_("text"))
    def pattern(self, row: Filter) -> str:
        return row.text

    @admin.display(description=_("room"))
    def in_room(self, row: Filter) -> SafeString | str:
        return formatting.room(row.room) if row.room_id else gettext("All rooms")

    @admin.display(description=_("created by"))
    def creator(self, row: Filter) -> SafeString | str:
        return formatting.person(row.created_by)


def _initial(row: Filter) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "text": row.text,
        "action": row.action,
        "room_id": row.room.slug if row.room else "",
    }
