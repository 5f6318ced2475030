"""The queue of reports: what waits longest comes first, is seen among its neighbours, and is decided with one click."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat import services
from chat.admin import cells, records
from chat.admin.acts import Act, ActingAdmin, Link, actor
from chat.admin.forms import LiftForm
from chat.models import REASON_MAX_LENGTH, Membership, Person, Report
from realtime.protocol.errors import HoldfastError

CHANGE = "chat.change_report"
ALL = "all"
REMARK = 50  # characters of a note in the list


def keep(*, actor_id: int, row: Report, reason: str) -> None:
    """Let the message stand, and close all open reports of it."""
    _close(actor_id, row, Report.Status.DISMISSED, reason)


def delete(*, actor_id: int, row: Report, reason: str) -> None:
    """Delete the message, and close all open reports of it. Who sees no reason is told the category."""
    services.delete_message(actor_id=actor_id, message_id=row.message_id, reason=reason or row.get_category_display())
    _close(actor_id, row, Report.Status.RESOLVED, reason)


def _close(actor_id: int, row: Report, status: str, reason: str) -> None:
    open_reports = Report.objects.filter(message_id=row.message_id, status=Report.Status.OPEN).values_list("pk", flat=True)
    for report_id in {row.pk, *open_reports}:
        services.close_report(actor_id=actor_id, report_id=report_id, status=status, reason=reason)


def _decided(row: Report) -> str:
    return "" if row.status == Report.Status.OPEN else f"already {row.get_status_display().lower()}"


KEEP = Act(
    name="keep",
    label="Keep messages…",
    says="The messages stand. All open reports of them are closed as dismissed.",
    done="dismissed",
    run=keep,
    permission=CHANGE,
    form=LiftForm,
    idle=_decided,
)
DELETE = Act(
    name="delete",
    label="Delete messages…",
    says="The texts disappear for everybody within a second; moderators can restore them. All open reports of them are closed as resolved. "
    "Authors are told, with your reason or the category of the report.",
    done="resolved",
    run=delete,
    permission=CHANGE,
    form=LiftForm,
    idle=_decided,
    takes_away=True,
)


class DecisionForm(forms.Form):
    """One of two buttons, and a note for the log."""

    decision = forms.ChoiceField(choices=[("keep", "Keep message"), ("delete", "Delete message")])
    note = forms.CharField(max_length=REASON_MAX_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class StatusFilter(admin.SimpleListFilter):
    """Open reports, unless somebody asks or searches for others."""

    title = "status"
    parameter_name = "status"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.fallback = ALL if request.GET.get(SEARCH_VAR) else str(Report.Status.OPEN)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states, the open ones first."""
        return [*((value, str(label)) for value, label in Report.Status.choices), (ALL, "All")]

    def value(self) -> str:
        """Return the chosen state."""
        return super().value() or self.fallback

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Return the states alone: Django's own first choice, everything, comes last here."""
        for value, label in self.lookup_choices:
            chosen = {self.parameter_name: value}
            yield {"selected": self.value() == value, "query_string": changelist.get_query_string(chosen), "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the reports of that state, along its index."""
        return queryset if self.value() == ALL else queryset.filter(status=self.value())


@admin.register(Report)
class ReportAdmin(ActingAdmin):
    """Reports, and the decision about each."""

    acts = (KEEP, DELETE)
    change_form_template = "admin/chat/report.html"
    list_display = ("category", "text", "who", "where", "by", "remark", "when", "status")
    list_select_related = ("message__room", "message__author", "reporter")
    list_filter = (StatusFilter,)
    search_help_text = "@name of who reported, or the id of a message."
    people = ("reporter",)
    narrowed_by = ("message", "reporter")

    def keyset(self, found: ChangeList) -> str:
        """Return the longest waiting first, and of the decided ones the newest."""
        is_queue = found.params.get(StatusFilter.parameter_name, Report.Status.OPEN) == Report.Status.OPEN and not found.query
        return "pk" if is_queue else "-pk"

    def found_by_id(self, ident: int) -> Q:
        """Return the reports of a message."""
        return Q(message=ident)

    def get_urls(self) -> list[URLPattern]:
        """Add the decision."""
        decide = path("<int:report_id>/decide/", self.admin_site.admin_view(self.decide_view), name="chat_report_decide")
        return [decide, *super().get_urls()]

    def beside(self, request: HttpRequest, row: Report) -> dict[str, Any]:
        """Add the message among its neighbours, the author's record, and the two buttons."""
        found = records.of_report(row)
        return {
            **super().beside(request, row),
            **found,
            "author_acts": self._author_acts(request, row.message.author_id, found["membership"]),
            "may_decide": request.user.has_perm(CHANGE),
            "form": DecisionForm(),
        }

    def _author_acts(self, request: HttpRequest, author_id: int, membership: Membership | None) -> list[Link]:
        """Return the buttons for what can be done to the author: in the room, and on the site."""
        people = self.admin_site.get_model_admin(Person)
        members = self.admin_site.get_model_admin(Membership)
        assert isinstance(people, ActingAdmin)
        assert isinstance(members, ActingAdmin)
        in_room = members.act_links(request, membership, only=("mute", "remove", "ban")) if membership else []
        return in_room + people.act_links(request, people.get_queryset(request).get(pk=author_id), only=("site-ban",))

    def decide_view(self, request: HttpRequest, report_id: int) -> HttpResponse:
        """Decide about one report, and go on to the next."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        report = Report.objects.select_related("message").filter(pk=report_id).first()
        form = DecisionForm(request.POST or None)
        if report is None or request.method != "POST" or not form.is_valid():
            raise Http404
        act = {"keep": keep, "delete": delete}[form.cleaned_data["decision"]]
        try:
            act(actor_id=actor(request), row=report, reason=form.cleaned_data["note"])
        except HoldfastError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:chat_report_change", args=[report_id]))
        told = "The message stands" if act is keep else "The message is deleted"
        messages.success(request, format_html("{}, and {} is closed.", told, cells.link(report, f"report {report_id}")))
        following = records.next_report(report_id)
        return HttpResponseRedirect(
            reverse("admin:chat_report_change", args=[following.pk]) if following else reverse("admin:chat_report_changelist")
        )

    def brief(self, row: Report) -> SafeString:
        """Return who said what, where, and what it is reported as."""
        return format_html(
            "{} · {}: {} · reported as {}",
            *(cells.room(row.message.room), cells.person(row.message.author), self.text(row), row.get_category_display().lower()),
        )

    @admin.display(description="room")
    def where(self, row: Report) -> SafeString | str:
        """Return the room of the message."""
        return cells.room(row.message.room)

    @admin.display(description="author")
    def who(self, row: Report) -> SafeString | str:
        """Return the author of the message."""
        return cells.person(row.message.author)

    @admin.display(description="text")
    def text(self, row: Report) -> str:
        """Return the beginning of the message; of direct ones too, because one of the two has shown it."""
        return cells.excerpt(row.message.body) or "(deleted)"

    @admin.display(description="note")
    def remark(self, row: Report) -> str:
        """Return the beginning of what the reporter says."""
        return cells.excerpt(row.note, REMARK)

    @admin.display(description="reported by")
    def by(self, row: Report) -> SafeString | str:
        """Return who reported it."""
        return cells.person(row.reporter)
