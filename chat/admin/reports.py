"""The queue of reports. A case is all reports of one message; each case takes one key press.

A decision opens the next case. The case that has waited longest comes first.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import case_context, formatting
from chat.admin.actions import ActionAdmin, AdminAction, Link, actor_id
from chat.admin.forms import OptionalReasonForm
from chat.admin.lists import KeysetList
from chat.models import REASON_MAX_LENGTH, Membership, Person, Report
from realtime.protocol.errors import HoldfastError

CHANGE = "chat.change_report"
# The states of the list, beside kept and removed.
OPEN, ASSIGNED, MINE, ALL = str(Report.Status.OPEN), "assigned", "mine", "all"
MAX_REPORTS: Final = 5000  # counted for a page of cases
MAX_SURROUNDINGS: Final = 25  # messages on each side of the reported one


_keep = partial(services.decide, status=Report.Status.DISMISSED)
_remove = partial(services.decide, status=Report.Status.RESOLVED)


def _decided(row: Report) -> str | Promise:
    return "" if row.status == Report.Status.OPEN else _("Already closed")


def _not_assignable(row: Report) -> str | Promise:
    if row.assigned_to is None or row.status != Report.Status.OPEN:
        return _decided(row)
    return gettext("%(name)s is already reviewing this case") % {"name": row.assigned_to.username}


KEEP = AdminAction(
    name="keep",
    label=_("Keep"),
    explanation=_(
        "The messages stay; hidden ones are unhidden. The people who reported them are thanked"
        " and notified."
    ),
    done=ngettext_lazy(
        "%(count)d report closed: message kept.",
        "%(count)d reports closed: messages kept.",
        "count",
    ),
    service=_keep,
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=_decided,
)
REMOVE = AdminAction(
    name="delete",
    label=_("Remove"),
    explanation=_(
        "The texts disappear for everyone within a second; moderators can restore them. Authors"
        " are notified of your reason, or of the category of the report. The people who reported"
        " them are thanked and notified."
    ),
    done=ngettext_lazy(
        "%(count)d report closed: message removed.",
        "%(count)d reports closed: messages removed.",
        "count",
    ),
    service=_remove,
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=_decided,
    is_destructive=True,
)
ASSIGN = AdminAction(
    name="assign",
    label=_("Assign to me"),
    explanation=_("Other moderators see that you are reviewing these cases."),
    done=ngettext_lazy(
        "%(count)d report assigned to you.", "%(count)d reports assigned to you.", "count"
    ),
    service=services.assign,
    permission=CHANGE,
    form=forms.Form,
    blocker=_not_assignable,
)


class DecisionForm(forms.Form):
    """One step of a case, with a reason for the log."""

    decision = forms.ChoiceField(
        choices=[(name, name) for name in ("keep", "remove", "hide", "show", "assign", "release")]
    )
    note = forms.CharField(
        max_length=REASON_MAX_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "data-key": "e"}),
    )
    # The assigned moderator when the page was loaded.
    assigned_to = forms.IntegerField(required=False)


class StatusFilter(admin.SimpleListFilter):
    """Open cases, unless the moderator filters or searches for others."""

    title = _("state")
    parameter_name = "status"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.fallback = ALL if request.GET.get(SEARCH_VAR) else OPEN
        self.me = request.user.pk
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (OPEN, _("Open")),
            (ASSIGNED, _("Assigned")),
            (MINE, _("Assigned to me")),
            (str(Report.Status.DISMISSED), _("Kept")),
            (str(Report.Status.RESOLVED), _("Removed")),
            (ALL, _("All")),
        ]

    def value(self) -> str:
        return super().value() or self.fallback

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Return the states alone, without Django's own first choice."""
        for value, label in self.lookup_choices:
            chosen = {self.parameter_name: value}
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string(chosen),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "all":
                return queryset
            case "assigned":
                return queryset.filter(status=OPEN, assigned_to__isnull=False)
            case "mine":
                return queryset.filter(status=OPEN, assigned_to=self.me)
        return queryset.filter(status=self.value())


class CaseList(KeysetList):
    """A page of cases. One query counts the reports of all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = Report.objects.filter(message__in=[row.message_id for row in self.result_list])
        counts = Counter(rows.values_list("message_id", "status")[:MAX_REPORTS])
        for row in self.result_list:
            row.times = counts[row.message_id, row.status]


@admin.register(Report)
class ReportAdmin(ActionAdmin):
    """Cases. Any report of a case leads to its page; the list shows the first one."""

    moderator_actions = (ASSIGN, KEEP, REMOVE)
    change_form_template = "admin/chat/report.html"
    list_display = ("category", "text", "author", "in_room", "times", "when", "state")
    list_select_related = (
        "message__room",
        "message__author",
        "message__held_text",
        "reporter",
        "assigned_to",
        "closed_by",
    )
    list_filter = (StatusFilter, "category")
    search_help_text = _("Search by the reporter’s @username, or by message ID.")
    person_columns = ("reporter",)
    url_columns = ("message", "reporter")

    def ids(self, row: Report) -> dict[str, int]:
        return {"message_id": row.message_id}

    def keyset(self, found: ChangeList) -> str:
        """Return open cases by waiting time, and closed ones newest first."""
        status = found.params.get(StatusFilter.parameter_name, OPEN)
        return "pk" if status in (OPEN, ASSIGNED, MINE) and not found.query else "-pk"

    def visible(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return one row for each case: its first report that matches the filters."""
        earlier = Report.objects.filter(
            message=OuterRef("message"), status=OuterRef("status"), pk__lt=OuterRef("pk")
        )
        if "category__exact" in found.params:
            earlier = earlier.filter(category=OuterRef("category"))
        return rows if found.query else rows.filter(~Exists(earlier))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CaseList

    def matching_id(self, number: int) -> Q:
        return Q(message=number)

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        decide = path("<int:report_id>/decide/", site(self.decide_view), name="chat_report_decide")
        first = path("next/", site(self.next_view), name="chat_report_next")
        return [first, decide, *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Report) -> dict[str, Any]:
        is_expanded = "further" in request.GET and not row.message.room.is_direct
        surroundings = MAX_SURROUNDINGS if is_expanded else case_context.SURROUNDINGS
        found = case_context.of_report(row, surroundings=surroundings)
        in_room = self._links_of(Membership, request, found["membership"], ("mute", "ban"))
        on_site = self._links_of(
            Person, request, found["author"], ("site-ban", "sign-out", "deactivate")
        )
        return {
            **super().page_context(request, row),
            **found,
            "is_expanded": is_expanded,
            "author_actions": [*in_room, *on_site],
            "may_decide": request.user.has_perm(CHANGE) and row.status == Report.Status.OPEN,
            "is_mine": row.assigned_to_id == request.user.pk,
            "form": DecisionForm(),
        }

    def page_title(self, row: Report) -> str:
        return gettext("Report: %(category)s") % {"category": row.get_category_display()}

    def _links_of(
        self, model: Any, request: HttpRequest, row: Any, names: tuple[str, ...]
    ) -> list[Link]:
        """Return the buttons for actions on the author, in the room or on the site."""
        found = self.admin_site.get_model_admin(model)
        assert isinstance(found, ActionAdmin)
        return found.action_links(request, row, only=names) if row is not None else []

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Open the case that has waited longest, or the empty queue."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._open(case_context.next_case(0, 0))

    def decide_view(self, request: HttpRequest, report_id: int) -> HttpResponse:
        """Take one step of a case. A decision opens the next case; other steps stay here."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        report = Report.objects.select_related("message").filter(pk=report_id).first()
        form = DecisionForm(request.POST or None)
        if report is None or request.method != "POST" or not form.is_valid():
            raise Http404
        decision = form.cleaned_data["decision"]
        try:
            _STEPS[decision](
                actor_id=actor_id(request), message_id=report.message_id, form=form.cleaned_data
            )
        except HoldfastError as error:
            messages.error(request, error.message)
            return self._open(report)
        if decision not in ("keep", "remove"):
            return self._open(report)
        kept = gettext("Message kept. {report} is closed.")
        removed = gettext("Message removed. {report} is closed.")
        link = formatting.link("report", report.pk, gettext("Report %(id)s") % {"id": report.pk})
        messages.success(request, format_html(kept if decision == "keep" else removed, report=link))
        return self._open(case_context.next_case(report_id, report.message_id))

    def _open(self, report: Report | None) -> HttpResponseRedirect:
        if report is None:
            return HttpResponseRedirect(reverse("admin:chat_report_changelist"))
        return HttpResponseRedirect(reverse("admin:chat_report_change", args=[report.pk]))

    def summary(self, row: Report) -> SafeString:
        return format_html(
            "{} · {}: {} · {}",
            formatting.room(row.message.room),
            formatting.person(row.message.author),
            self.text(row),
            row.get_category_display(),
        )

    @admin.display(description=_("room"))
    def in_room(self, row: Report) -> SafeString | str:
        return formatting.room(row.message.room)

    @admin.display(description=_("author"))
    def author(self, row: Report) -> SafeString | str:
        return formatting.person(row.message.author)

    @admin.display(description=_("text"))
    def text(self, row: Report) -> SafeString | str:
        """Return the beginning of the message; a reporter has shared a direct message, too."""
        return formatting.excerpt(case_context.body_of(row.message)) or gettext("(deleted)")

    @admin.display(description=_("reports"))
    def times(self, row: Report) -> int:
        return getattr(row, "times", 1)

    @admin.display(description=_("state"))
    def state(self, row: Report) -> SafeString | str:
        return formatting.case_state(row)


def _with_note(service: Callable[..., object]) -> Callable[..., object]:
    return lambda form, **who: service(reason=form["note"], **who)


_STEPS: Final[dict[str, Callable[..., object]]] = {
    "keep": _with_note(_keep),
    "remove": _with_note(_remove),
    "hide": _with_note(services.hide_message),
    "show": _with_note(services.show_message),
    "assign": lambda form, **who: services.assign(instead_of=form["assigned_to"], **who),
    "release": lambda form, **who: services.release(**who),
}
