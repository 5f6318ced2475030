"""Filters: words and patterns that flag, mask or block messages, tried before they are switched on."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy, gettext_noop
from django.utils.translation import gettext as _

from chat import services
from chat.admin import formatting
from chat.admin.actions import Act, ActingAdmin, actor
from chat.admin.filter_preview import trial
from chat.admin.forms import LiftForm, RoomField
from chat.admin.lists import is_id
from chat.models import SLUG_MAX_LENGTH, Filter
from chat.services.filters import clean_filter
from chat.text.filters import MASK, MAX_LENGTH, FilterAction, FilterKind, Rule
from realtime.protocol.errors import HoldfastError

CHANGE, DELETE = "chat.change_filter", "chat.delete_filter"
SAMPLE_MAX_LENGTH: Final = 4000  # characters


def _switch_off(*, actor_id: int, row: Filter, reason: str) -> None:
    services.switch_filter(actor_id=actor_id, filter_id=row.pk, on=False, reason=reason)


def _delete(*, actor_id: int, row: Filter, reason: str) -> None:
    services.delete_filter(actor_id=actor_id, filter_id=row.pk, reason=reason)


SWITCH_OFF = Act(
    name="off",
    label=gettext_noop("Switch off…"),
    says=gettext_noop(
        "New messages are not held against it any more, from the next moment on and on every node. It can be tried and switched on again."
    ),
    done=gettext_noop("switched off"),
    run=_switch_off,
    permission=CHANGE,
    form=LiftForm,
    idle=lambda row: "" if row.is_on else gettext("already off"),
)
REMOVE = Act(
    name="delete",
    label=gettext_noop("Delete…"),
    says=gettext_noop(
        "It is gone from the list. What it flagged stays flagged, and what it masked stays masked."
    ),
    done=gettext_noop("deleted"),
    run=_delete,
    permission=DELETE,
    form=LiftForm,
    takes_away=True,
)


class OptionalRoomField(RoomField):
    """A room, or none."""

    def clean(self, value: Any) -> Any:
        """Return the id of the room, or None."""
        return super().clean(value) if str(value or "").strip() else None


class FilterForm(forms.Form):
    """What is looked for, and what becomes of it."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Look for"),
        choices=FilterKind.choices,
        widget=forms.RadioSelect,
        initial=FilterKind.WORD,
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=MAX_LENGTH,
        strip=False,
        help_text=gettext_lazy(
            "A word is compared as a whole word, a phrase may have spaces. In a pattern, \\pL is a letter, \\b the edge of a word in "
            "English letters, (a|b) a choice. The case of letters never matters."
        ),
    )
    action = forms.ChoiceField(
        label=gettext_lazy("Then"),
        choices=[
            (
                FilterAction.FLAG,
                gettext_lazy("flag: it is posted, and a report opens in the queue"),
            ),
            (
                FilterAction.MASK,
                format_lazy(
                    gettext_lazy("mask: it is posted with {mask} in that place"), mask=MASK
                ),
            ),
            (
                FilterAction.BLOCK,
                gettext_lazy(
                    "block: it is refused, and its author is told that it has a word that is not allowed"
                ),
            ),
        ],
        widget=forms.RadioSelect,
        initial=FilterAction.FLAG,
    )
    room_id = OptionalRoomField(
        label=gettext_lazy("Only in room"),
        max_length=SLUG_MAX_LENGTH + 1,
        required=False,
        help_text=gettext_lazy("The last part of its address: general. Empty: everywhere."),
    )
    sample = forms.CharField(
        label=gettext_lazy("Sample"),
        required=False,
        strip=False,
        max_length=SAMPLE_MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("A text to try it on. It is kept nowhere."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot be compiled, with what is wrong with it."""
        fields = super().clean() or {}
        if "text" in fields and "kind" in fields:
            try:
                fields["text"] = clean_filter(fields["text"], fields["kind"])
            except HoldfastError as error:
                self.add_error("text", error.message.removeprefix("text: "))
        return fields

    @property
    def rule(self) -> dict[str, Any]:
        """What a filter is made of."""
        return {name: self.cleaned_data[name] for name in ("text", "kind", "action", "room_id")}


def _seal(rule: dict[str, Any]) -> str:
    """Return what proves that exactly this was tried."""
    return salted_hmac("chat.admin.filters", repr(sorted(rule.items()))).hexdigest()


class OnFilter(admin.SimpleListFilter):
    """On, off, or both."""

    title = gettext_lazy("state")
    parameter_name = "is_on"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices."""
        return [("1", gettext_lazy("On")), ("0", gettext_lazy("Off"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the filters of that state."""
        return (
            queryset.filter(is_on=self.value() == "1") if self.value() in ("0", "1") else queryset
        )


@admin.register(Filter)
class FilterAdmin(ActingAdmin):
    """The filters, newest first."""

    acts = (SWITCH_OFF, REMOVE)
    list_display = ("what", "kind", "action", "where", "is_on", "by", "when")
    list_display_links = ("what",)
    list_select_related = ("room", "created_by")
    list_filter = (OnFilter,)
    search_help_text = gettext_lazy(
        "Any of: @name of who made it, #room, the beginning of its text."
    )
    people = ("created_by",)
    room = "room"

    def found_by(self, word: str) -> Q:
        """Return filters by how they begin: as it was typed, in lower case, or with a capital."""
        if word[0] in "@#" or is_id(word):
            return super().found_by(word)
        return (
            Q(text__startswith=word)
            | Q(text__startswith=word.lower())
            | Q(text__startswith=word.capitalize())
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell who may make one."""
        return request.user.has_perm("chat.add_filter")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Make one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._form_view(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Change one."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        row = (
            Filter.objects.select_related("room").filter(pk=object_id).first()
            if is_id(object_id)
            else None
        )
        if row is None:
            raise Http404
        return self._form_view(request, row)

    def _form_view(self, request: HttpRequest, row: Filter | None) -> HttpResponse:
        """Show the form, with what a trial gave; store it, switched on only after a trial of exactly this."""
        form = FilterForm(request.POST or None, initial=_initial(row) if row else None)
        found, seal = None, ""
        if request.method == "POST" and form.is_valid():
            found, seal = trial(Rule(**form.rule), form.cleaned_data["sample"]), _seal(form.rule)
            was_tried = constant_time_compare(request.POST.get("tried", ""), seal)
            wanted = request.POST.get("do", "try")
            if wanted == "off" or (wanted == "on" and was_tried):
                try:
                    services.save_filter(
                        actor_id=actor(request),
                        filter_id=row.pk if row else None,
                        is_on=wanted == "on",
                        **form.rule,
                    )
                except HoldfastError as error:
                    form.add_error(None, error.message)
                else:
                    messages.success(
                        request,
                        _("The filter is on.")
                        if wanted == "on"
                        else _("The filter is stored, and off."),
                    )
                    return HttpResponseRedirect(reverse("admin:chat_filter_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change filter") if row else _("New filter"),
            "opts": self.opts,
            "form": form,
            "trial": found,
            "seal": seal,
            "row": row,
            "acts": self.act_links(request, row) if row else [],
        }
        return TemplateResponse(request, "admin/chat/filter.html", context)

    def name(self, row: Filter) -> str:
        """Return its text."""
        return row.text

    def brief(self, row: Filter) -> SafeString | str:  # type: ignore[override]
        """Return what it does to what."""
        return f"{row.get_action_display()}: {row.text}"

    @admin.display(description=gettext_lazy("text"))
    def what(self, row: Filter) -> str:
        """Return its text."""
        return row.text

    @admin.display(description=gettext_lazy("where"))
    def where(self, row: Filter) -> SafeString | str:
        """Return the room, or that it holds everywhere."""
        return formatting.room(row.room) if row.room_id else gettext("everywhere")

    @admin.display(description=gettext_lazy("made by"))
    def by(self, row: Filter) -> SafeString | str:
        """Return who made it."""
        return formatting.person(row.created_by)


def _initial(row: Filter) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "text": row.text,
        "action": row.action,
        "room_id": row.room.slug if row.room else "",
    }
