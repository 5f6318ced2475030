"""The steps of a case: next, previous, the decision, and taking it back.

The list that the moderator came from travels with every step, in the parameter that Django's own
lists use for it. A moderator who opens a case has it for a while. The next case is never one that
another moderator has.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting
from chat.admin.actions import ActionAdmin, actor_id
from chat.admin.cases import case_page, clean_up
from chat.admin.cases.list_filters import open_in_list
from chat.admin.lists import is_id
from chat.models import REASON_MAX_LENGTH, Case, Report
from chat.queries import queue
from chat.services.retention import holds
from realtime.protocol.errors import HoldfastError

CHANGE: Final = "chat.change_report"
FILTERS: Final = "_changelist_filters"  # Django's name for the list that one came from
LAST: Final = "last_decision"  # in the session: the case that can be taken back
# Of the next cases: tried in turn, if other moderators take them at the same moment.
CANDIDATES: Final = 10
Status = Report.Status
DECISIONS: Final = ("keep", "remove", "abusive", "accept", "reject")


class DecisionForm(forms.Form):
    """One step of a case, with a reason for the log."""

    decision = forms.ChoiceField(
        choices=[(name, name) for name in (*DECISIONS, "hide", "show", "assign", "release")]
    )
    note = forms.CharField(
        max_length=REASON_MAX_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "data-key": "e"}),
    )
    # The moderator who had the case when the page was loaded, for taking it over.
    seen = forms.IntegerField(required=False)
    # The moderator whose case it is, once the actor was asked and goes on; or the actor, who was
    # asked about a report of their own.
    instead_of = forms.IntegerField(required=False)


class CaseSteps(ActionAdmin):
    """The views of the steps. The list itself is in ``cases``."""

    def adopt_reports(self) -> None:
        """Give a case to reports that a node of the version before has made meanwhile."""
        if Report.objects.filter(case=None).exists():
            holds.adopt_batch(timezone.now())

    def step_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        return [
            path("next/", site(self.next_view), name="chat_case_next"),
            path("previous/", site(self.previous_view), name="chat_case_previous"),
            path("queue/", site(self.queue_view), name="chat_case_queue"),
            path("<int:case_id>/decide/", site(self.decide_view), name="chat_case_decide"),
            path("<int:case_id>/clean-up/", site(self.clean_up_view), name="chat_case_clean_up"),
            path("<int:case_id>/take-back/", site(self.take_back_view), name="chat_case_take_back"),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Open a case, which claims it unless another moderator has it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        case = Case.objects.filter(pk=object_id).first() if is_id(object_id) else None
        if case is not None and queue.is_concerned(case, actor_id(request)):
            messages.error(
                request, gettext("This case is about you. Another moderator must decide it.")
            )
            return HttpResponseRedirect(self._list(request.GET.get(FILTERS, "")))
        if case is not None and case.is_open and request.user.has_perm(CHANGE):
            self._claim(request, case.pk)
        return super().change_view(request, object_id, form_url, extra_context)

    def step_context(self, request: HttpRequest, row: Case) -> dict[str, Any]:
        """Return who has the case, and what the buttons of the page need."""
        filters = request.GET.get(FILTERS, "")
        me, holder = actor_id(request), row.holder_id
        may_change = request.user.has_perm(CHANGE)
        return {
            "waiting": case_page.waiting(me),
            "filters": filters,
            "list_query": urlencode({FILTERS: filters}) if filters else "",
            "may_decide": may_change and row.is_open,
            "may_reopen": may_change and not row.is_open and not queue.is_decided_once(row),
            "holder": row.assigned_to if holder not in (None, me) else None,
            "is_mine": holder == me,
            "is_assigned": holder == me and row.claimed_until is None,
            "form": DecisionForm(),
        }

    # -- next, previous, queue ---------------------------------------------------------------------

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Open the most urgent case, or the one after ``after``, that nobody else has."""
        case = self._leave(request, "after")
        self.adopt_reports()
        rows = open_in_list(self, request, request.GET.get(FILTERS, ""))
        further = rows.filter(urgency__lt=case.urgency) if case else rows
        return self._open_one(request, [further, rows.exclude(pk=case.pk)] if case else [rows])

    def previous_view(self, request: HttpRequest) -> HttpResponse:
        """Open the case before ``before`` that nobody else has."""
        case = self._leave(request, "before")
        rows = open_in_list(self, request, request.GET.get(FILTERS, ""))
        if case is not None:
            rows = rows.filter(urgency__gt=case.urgency).order_by("urgency")
        return self._open_one(request, [rows])

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """Leave a case, and return to the list that the moderator came from."""
        self._leave(request, "after")
        return HttpResponseRedirect(self._list(request.GET.get(FILTERS, "")))

    def _leave(self, request: HttpRequest, name: str) -> Case | None:
        """End the claim of the case that the moderator comes from, and return it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        number = request.GET.get(name, "")
        case = Case.objects.filter(pk=number).first() if is_id(number) else None
        if case is not None:
            services.let_go(actor_id=actor_id(request), case_id=case.pk)
        return case

    def _open_one(self, request: HttpRequest, lists: list[QuerySet[Case]]) -> HttpResponse:
        """Open the first case of the lists that the moderator can have."""
        filters = request.GET.get(FILTERS, "") or request.POST.get(FILTERS, "")
        may_claim = request.user.has_perm(CHANGE)
        for rows in lists:
            free = rows.filter(queue.unclaimed(actor_id(request)))
            for case_id in list(free.values_list("pk", flat=True)[:CANDIDATES]):
                if not may_claim or self._claim(request, case_id):
                    return self._open(case_id, filters)
        return HttpResponseRedirect(self._list(filters))

    def _claim(self, request: HttpRequest, case_id: int) -> bool:
        try:
            return services.claim(actor_id=actor_id(request), case_id=case_id)
        except HoldfastError:
            return False  # someone who may change reports, but is no moderator of the site

    def _list(self, filters: str) -> str:
        return reverse("admin:chat_case_changelist") + (f"?{filters}" if filters else "")

    def _open(self, case_id: int, filters: str) -> HttpResponseRedirect:
        query = f"?{urlencode({FILTERS: filters})}" if filters else ""
        return HttpResponseRedirect(reverse("admin:chat_case_change", args=[case_id]) + query)

    # -- decisions ---------------------------------------------------------------------------------

    def decide_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Take one step of a case. A decision opens the next case; other steps stay here."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        case = Case.objects.select_related("assigned_to").filter(pk=case_id).first()
        form = DecisionForm(request.POST or None)
        if case is None or request.method != "POST" or not form.is_valid():
            raise Http404
        filters = request.POST.get(FILTERS, "")
        decision = form.cleaned_data["decision"]
        if decision in DECISIONS and (question := self._question(request, case, form)):
            return self._confirm_page(request, case, form, question)
        try:
            _STEPS[decision](case, actor_id(request), form.cleaned_data)
        except HoldfastError as error:
            messages.error(request, error.message)
            return self._open(case_id, filters)
        if decision == "release":
            return HttpResponseRedirect(self._list(filters))  # opening it would claim it again
        if decision not in DECISIONS:
            return self._open(case_id, filters)
        self._decided(request, case, decision)
        rows = open_in_list(self, request, filters)
        further = rows.filter(urgency__lt=case.urgency)
        return self._open_one(request, [further, rows])

    def take_back_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Open a decided case again."""
        if request.method != "POST":
            raise Http404
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        reason = request.POST.get("note", "")
        try:
            services.reopen(actor_id=actor_id(request), case_id=case_id, reason=reason)
        except HoldfastError as error:
            messages.error(request, error.message)
        else:
            request.session.pop(LAST, None)
            messages.success(request, gettext("Taken back. The case is open again."))
        return self._open(case_id, request.POST.get(FILTERS, ""))

    def clean_up_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Do everything about a person in one step."""
        query = request.POST if request.method == "POST" else request.GET
        return clean_up.view(self, request, case_id, query.get(FILTERS, ""))

    def after_clean_up(self, request: HttpRequest, case: Case, filters: str) -> HttpResponse:
        rows = open_in_list(self, request, filters)
        return self._open_one(request, [rows.filter(urgency__lt=case.urgency), rows])

    def _question(self, request: HttpRequest, case: Case, form: DecisionForm) -> str:
        """Return what to ask before a decision: about another's case, or a report by the actor."""
        me, holder = actor_id(request), case.holder_id
        known = form.cleaned_data["instead_of"]
        if holder not in (None, me, known) and case.assigned_to is not None and case.is_open:
            return gettext(
                "%(name)s is reviewing this case. If you decide it now, %(name)s is not asked."
            ) % {"name": formatting.isolated(case.assigned_to.username)}
        reported = Report.objects.filter(case=case, reporter=me, status=Status.OPEN).exists()
        if reported and known != me:
            return gettext("You reported this yourself. A second pair of eyes is better.")
        return ""

    def _confirm_page(
        self, request: HttpRequest, case: Case, form: DecisionForm, question: str
    ) -> HttpResponse:
        holder, me = case.holder_id, actor_id(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": case_page.title(case),
            "question": question,
            "decision": form.cleaned_data["decision"],
            "note": form.cleaned_data["note"],
            "instead_of": me if holder in (None, me) else holder,
            "case": case,
            "filters": request.POST.get(FILTERS, ""),
            "back": self._open(case.pk, request.POST.get(FILTERS, "")).url,
            "labels": LABELS,
            "button": LABELS[form.cleaned_data["decision"]],
            "is_destructive": form.cleaned_data["decision"] == "remove",
        }
        return TemplateResponse(request, "admin/chat/case_confirm.html", context)

    def _decided(self, request: HttpRequest, case: Case, decision: str) -> None:
        request.session[LAST] = case.pk
        link = formatting.link("case", case.pk, gettext("Case %(id)s") % {"id": case.pk})
        messages.success(request, format_html(_done(case, decision), report=link))


LABELS: Final[Mapping[str, Any]] = {
    "keep": _("Keep anyway"),
    "remove": _("Remove anyway"),
    "abusive": _("Keep anyway"),
    "accept": _("Accept anyway"),
    "reject": _("Reject anyway"),
}


def _done(case: Case, decision: str) -> str:
    if case.kind == Case.Kind.APPEAL:
        return (
            gettext("Appeal accepted. {report} is closed.")
            if decision == "accept"
            else gettext("Appeal rejected. {report} is closed.")
        )
    if case.kind == Case.Kind.HELD:
        return (
            gettext("Message refused. {report} is closed.")
            if decision == "remove"
            else gettext("Message accepted and posted. {report} is closed.")
        )
    if case.kind != Case.Kind.MESSAGE:
        return gettext("{report} is closed.")
    if decision == "remove":
        return gettext("Message removed. {report} is closed.")
    return gettext("Message kept. {report} is closed.")


def last_decision(request: HttpRequest) -> dict[str, Any]:
    """Return the moderator's last decision, while the admin offers to take it back."""
    case_id = getattr(request, "session", {}).get(LAST)
    since = timezone.now() - timedelta(seconds=settings.HOLDFAST_UNDO_SECONDS)
    rows = Case.objects.filter(
        pk=case_id or 0, closed_by=request.user.pk, closed_at__gt=since
    ).exclude(queue.decided_once())
    case = rows.first() if case_id else None
    if case is None or case.closed_at is None:
        return {"decided": None}
    left = case.closed_at - since
    return {"decided": case, "milliseconds": max(0, int(left.total_seconds() * 1000))}


def _closing(status: Status, **more: Any) -> Callable[[Case, int, dict[str, Any]], object]:
    def step(case: Case, actor: int, form: dict[str, Any]) -> None:
        services.close_case(
            actor_id=actor,
            case_id=case.pk,
            status=status,
            reason=form["note"],
            instead_of=form["instead_of"],
            **more,
        )

    return step


def _appeal(*, accepted: bool) -> Callable[[Case, int, dict[str, Any]], object]:
    def step(case: Case, actor: int, form: dict[str, Any]) -> None:
        services.decide_appeal(
            actor_id=actor,
            case_id=case.pk,
            is_accepted=accepted,
            answer=form["note"],
            instead_of=form["instead_of"],
        )

    return step


def _on_message(service: Callable[..., object]) -> Callable[[Case, int, dict[str, Any]], object]:
    def step(case: Case, actor: int, form: dict[str, Any]) -> object:
        return service(actor_id=actor, message_id=case.message_id or 0, reason=form["note"])

    return step


_STEPS: Final[dict[str, Callable[[Case, int, dict[str, Any]], object]]] = {
    "keep": _closing(Status.DISMISSED),
    "remove": _closing(Status.RESOLVED),
    "abusive": _closing(Status.DISMISSED, is_abusive=True),
    "accept": _appeal(accepted=True),
    "reject": _appeal(accepted=False),
    "hide": _on_message(services.hide_message),
    "show": _on_message(services.show_message),
    "assign": lambda case, actor, form: services.assign(
        actor_id=actor, case_id=case.pk, instead_of=form["seen"]
    ),
    "release": lambda case, actor, form: services.release(actor_id=actor, case_id=case.pk),
}
