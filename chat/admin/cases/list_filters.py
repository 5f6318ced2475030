"""The filters of the list of cases, and the open cases of a list that a moderator came from."""

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from chat.admin.lists import KeysetList
from chat.models import Case, Report
from chat.queries import queue
from realtime.core.generics import ModelAdmin

# The states of the list, beside kept and removed.
OPEN, ASSIGNED, MINE, ALL = str(Report.Status.OPEN), "assigned", "mine", "all"


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
                return queryset.filter(status=OPEN).exclude(queue.unclaimed(0))
            case "mine":
                return queryset.filter(status=OPEN, assigned_to=self.me)
        return queryset.filter(status=self.value())


class UnreadList(KeysetList):
    """The filters of a list without its rows."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_list = []


def open_in_list(case_admin: ModelAdmin[Any], request: HttpRequest, filters: str) -> QuerySet[Case]:
    """Return the open cases of the list with these filters, the most urgent first."""
    query = QueryDict(filters, mutable=True)
    if query.get(StatusFilter.parameter_name, OPEN) not in (OPEN, ASSIGNED, MINE):
        query.pop(StatusFilter.parameter_name)
    narrowed = copy(request)
    narrowed.GET = QueryDict(query.urlencode())
    rows = case_admin.get_queryset(request)
    # Not if the address was changed by hand.
    with suppress(IncorrectLookupParameters, SuspiciousOperation):
        rows = _filtered(case_admin, narrowed).queryset
    return rows.filter(status=OPEN).order_by("-urgency")


def _filtered(case_admin: ModelAdmin[Any], request: HttpRequest) -> ChangeList:
    return UnreadList(
        request,
        case_admin.model,
        case_admin.list_display,
        case_admin.list_display_links or (),
        case_admin.list_filter,
        case_admin.date_hierarchy,
        case_admin.search_fields,
        case_admin.list_select_related,
        case_admin.list_per_page,
        case_admin.list_max_show_all,
        case_admin.list_editable,
        case_admin,
        case_admin.sortable_by,
        str(case_admin.search_help_text),
    )
