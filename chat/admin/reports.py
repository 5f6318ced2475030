"""The queue of reports: one row for each case, what waits longest first; each is decided with one key, and the next one opens."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, gettext_noop
from django.utils.translation import gettext as _

from chat import services
from chat.admin import case_context, formatting
from chat.admin.actions import Act, ActingAdmin, Link, actor
from chat.admin.forms import LiftForm
from chat.admin.lists import KeysetList
from chat.models import REASON_MAX_LENGTH, Membership, Person, Report
from realtime.protocol.errors import HoldfastError

CHANGE = "chat.change_report"
# What the list can show, beside kept and removed.
OPEN, ASSIGNED, MINE, ALL = (str(Report.Status.OPEN), "assigned", "mine", "all")
MAX_REPORTS: Final = 5000  # counted for a page of cases
MAX_FURTHER: Final = 25  # messages on each side of a reported one, unfolded


def keep(*, actor_id: int, row: Report, reason: str) -> None:
    """Let the message stand, and show it again where it was hidden."""
    services.decide(
        actor_id=actor_id, message_id=row.message_id, status=Report.Status.DISMISSED, reason=reason
    )


def remove(*, actor_id: int, row: Report, reason: str) -> None:
    """Remove the message. Who sees no reason is told the category."""
    services.decide(
        actor_id=actor_id, message_id=row.message_id, status=Report.Status.RESOLVED, reason=reason
    )


def _assign(*, actor_id: int, row: Report, reason: str) -> None:
    services.assign(actor_id=actor_id, message_id=row.message_id)


def _decided(row: Report) -> str:
    return (
        ""
        if row.status == Report.Status.OPEN
        else gettext("already %(state)s") % {"state": row.get_status_display()}
    )


def _not_assignable(row: Report) -> str:
    if row.assigned_to is not None and row.status == Report.Status.OPEN:
        return gettext("%(name)s looks at it") % {"name": row.assigned_to}
    return _decided(row)


KEEP = Act(
    name="keep",
    label=gettext_noop("Keep…"),
    says=gettext_noop(
        "The messages stay; hidden ones are shown again. Who reported them is thanked and told."
    ),
    done=gettext_noop("decided: the message stays"),
    run=keep,
    permission=CHANGE,
    form=LiftForm,
    idle=_decided,
)
REMOVE = Act(
    name="delete",
    label=gettext_noop("Remove…"),
    says=gettext_noop(
        "The texts disappear for everybody within a second; moderators can restore them. Authors are told, with your reason or the "
        "category of the report; who reported them is thanked and told."
    ),
    done=gettext_noop("decided: the message is removed"),
    run=remove,
    permission=CHANGE,
    form=LiftForm,
    idle=_decided,
    takes_away=True,
)
ASSIGN = Act(
    name="assign",
    label=gettext_noop("Assign to me…"),
    says=gettext_noop("Other moderators see that you look at these."),
    done=gettext_noop("assigned to you"),
    run=_assign,
    permission=CHANGE,
    form=LiftForm,
    idle=_not_assignable,
)


class DecisionForm(forms.Form):
    """What is done about a case, and a word about it for those who read the log."""

    decision = forms.ChoiceField(
        choices=[(name, name) for name in ("keep", "remove", "hide", "show", "assign", "release")]
    )
    note = forms.CharField(
        max_length=REASON_MAX_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "data-key": "e"}),
    )
    holder = forms.IntegerField(required=False)  # whose case it was when the page was made


class StatusFilter(admin.SimpleListFilter):
    """Undecided cases, unless somebody asks or searches for others."""

    title = gettext_lazy("state")
    parameter_name = "status"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.fallback = ALL if request.GET.get(SEARCH_VAR) else OPEN
        self.me = request.user.pk
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states, the undecided ones first."""
        kept, removed = Report.Status.DISMISSED, Report.Status.RESOLVED
        waiting = [(OPEN, _("open")), (ASSIGNED, _("assigned")), (MINE, _("assigned to me"))]
        return [*waiting, (str(kept), kept.label), (str(removed), removed.label), (ALL, _("all"))]

    def value(self) -> str:
        """Return the chosen state."""
        return super().value() or self.fallback

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Return the states alone: Django's own first choice, everything, comes last here."""
        for value, label in self.lookup_choices:
            chosen = {self.parameter_name: value}
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string(chosen),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the reports of that state, along its index."""
        match self.value():
            case "all":
                return queryset
            case "assigned":
                return queryset.filter(status=OPEN, assigned_to__isnull=False)
            case "mine":
                return queryset.filter(status=OPEN, assigned_to=self.me)
        return queryset.filter(status=self.value())


class CaseList(KeysetList):
    """A page of cases with the number of their reports: one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then the reports of its messages."""
        super().get_results(request)
        rows = Report.objects.filter(message__in=[row.message_id for row in self.result_list])
        times = Counter(rows.values_list("message_id", "status")[:MAX_REPORTS])
        for row in self.result_list:
            row.times = times[row.message_id, row.status]


@admin.register(Report)
class ReportAdmin(ActingAdmin):
    """Cases, and the decision about each. A case has the address of any of its reports; the list shows it at the first one."""

    acts = (ASSIGN, KEEP, REMOVE)
    change_form_template = "admin/chat/report.html"
    list_display = ("category", "text", "who", "where", "times", "when", "state")
    list_select_related = (
        "message__room",
        "message__author",
        "message__held_text",
        "reporter",
        "assigned_to",
        "closed_by",
    )
    list_filter = (StatusFilter, "category")
    search_help_text = gettext_lazy("@name of who reported, or the id of a message.")
    people = ("reporter",)
    narrowed_by = ("message", "reporter")

    def keyset(self, found: ChangeList) -> str:
        """Return the longest waiting first, and of the decided ones the newest."""
        is_queue = (
            found.params.get(StatusFilter.parameter_name, OPEN) in (OPEN, ASSIGNED, MINE)
            and not found.query
        )
        return "pk" if is_queue else "-pk"

    def listed(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return one row for each case: its first report of those that the list is about."""
        earlier = Report.objects.filter(
            message=OuterRef("message"), status=OuterRef("status"), pk__lt=OuterRef("pk")
        )
        if "category__exact" in found.params:
            earlier = earlier.filter(category=OuterRef("category"))
        return rows if found.query else rows.filter(~Exists(earlier))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows how often each message was reported."""
        return CaseList

    def found_by_id(self, ident: int) -> Q:
        """Return the reports of a message."""
        return Q(message=ident)

    def get_urls(self) -> list[URLPattern]:
        """Add the decision, and the way to the first case."""
        site = self.admin_site.admin_view
        decide = path("<int:report_id>/decide/", site(self.decide_view), name="chat_report_decide")
        return [
            path("next/", site(self.next_view), name="chat_report_next"),
            decide,
            *super().get_urls(),
        ]

    def beside(self, request: HttpRequest, row: Report) -> dict[str, Any]:
        """Add the message among its neighbours, the author's record, and what can be done."""
        is_far = "further" in request.GET and not row.message.room.is_direct
        found = case_context.of_report(
            row, surroundings=MAX_FURTHER if is_far else case_context.SURROUNDINGS
        )
        return {
            **super().beside(request, row),
            **found,
            "further": is_far,
            "room_acts": self._acts_of(Membership, request, found["membership"], ("mute", "ban")),
            "site_acts": self._acts_of(
                Person, request, found["author"], ("site-ban", "sign-out", "deactivate")
            ),
            "may_decide": request.user.has_perm(CHANGE) and row.status == Report.Status.OPEN,
            "is_mine": row.assigned_to_id == request.user.pk,
            "form": DecisionForm(),
        }

    def name(self, row: Report) -> str:
        """Return what the case is about."""
        return _("Reported as %(category)s") % {
            "category": formatting.inside(row.get_category_display())
        }

    def _acts_of(
        self, model: Any, request: HttpRequest, row: Any, names: tuple[str, ...]
    ) -> list[Link]:
        """Return the buttons for what can be done to the author: in the room, or on the site."""
        found = self.admin_site.get_model_admin(model)
        assert isinstance(found, ActingAdmin)
        return found.act_links(request, row, only=names) if row is not None else []

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Open the case that has waited longest, or the queue where none does."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._on_to(case_context.next_case(0, 0))

    def decide_view(self, request: HttpRequest, report_id: int) -> HttpResponse:
        """Do one thing about a case. A decision leads to the next case, anything else back to this one."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        report = Report.objects.select_related("message").filter(pk=report_id).first()
        form = DecisionForm(request.POST or None)
        if report is None or request.method != "POST" or not form.is_valid():
            raise Http404
        decision = form.cleaned_data["decision"]
        try:
            _ACTS[decision](actor(request), report, form)
        except HoldfastError as error:
            messages.error(request, error.message)
            return self._on_to(report)
        if decision not in ("keep", "remove"):
            return self._on_to(report)
        told = (
            _("The message stays, and {} is closed.")
            if decision == "keep"
            else _("The message is removed, and {} is closed.")
        )
        messages.success(request, format_html(told, formatting.link(report, str(report))))
        return self._on_to(case_context.next_case(report_id, report.message_id))

    def _on_to(self, report: Report | None) -> HttpResponseRedirect:
        if report is None:
            return HttpResponseRedirect(reverse("admin:chat_report_changelist"))
        return HttpResponseRedirect(reverse("admin:chat_report_change", args=[report.pk]))

    def brief(self, row: Report) -> SafeString:
        """Return who said what, where, and what it is reported as."""
        return format_html(
            gettext("{} · {}: {} · reported as {}"),
            *(
                formatting.room(row.message.room),
                formatting.person(row.message.author),
                self.text(row),
                formatting.inside(row.get_category_display()),
            ),
        )

    @admin.display(description=gettext_lazy("room"))
    def where(self, row: Report) -> SafeString | str:
        """Return the room of the message."""
        return formatting.room(row.message.room)

    @admin.display(description=gettext_lazy("author"))
    def who(self, row: Report) -> SafeString | str:
        """Return the author of the message."""
        return formatting.person(row.message.author)

    @admin.display(description=gettext_lazy("text"))
    def text(self, row: Report) -> SafeString | str:
        """Return the beginning of the message; of direct ones too, because one of the two has shown it."""
        return formatting.excerpt(case_context.body_of(row.message)) or _("(deleted)")

    @admin.display(description=gettext_lazy("reports"))
    def times(self, row: Report) -> int:
        """Return how many people reported it."""
        return getattr(row, "times", 1)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Report) -> SafeString | str:
        """Return where the case stands, and with whom."""
        return formatting.case_state(row)


Doing = Callable[[int, Report, DecisionForm], object]
_ACTS: Final[dict[str, Doing]] = {
    "keep": lambda actor_id, row, form: keep(
        actor_id=actor_id, row=row, reason=form.cleaned_data["note"]
    ),
    "remove": lambda actor_id, row, form: remove(
        actor_id=actor_id, row=row, reason=form.cleaned_data["note"]
    ),
    "hide": lambda actor_id, row, form: services.hide_message(
        actor_id=actor_id, message_id=row.message_id, reason=form.cleaned_data["note"]
    ),
    "show": lambda actor_id, row, form: services.show_message(
        actor_id=actor_id, message_id=row.message_id, reason=form.cleaned_data["note"]
    ),
    "assign": lambda actor_id, row, form: services.assign(
        actor_id=actor_id, message_id=row.message_id, instead_of=form.cleaned_data["holder"]
    ),
    "release": lambda actor_id, row, form: services.release(
        actor_id=actor_id, message_id=row.message_id
    ),
}
