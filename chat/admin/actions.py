"""Actions of moderators: on the selected rows of a list, or on the page of one row.

Django's own actions run at once. These ask for a reason first, so each list action leads to a
confirmation page, which the page of a row links to as well. A service makes the change.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from chat.admin.forms import ReasonForm
from chat.admin.lists import ROWS_PER_PAGE, ReadOnlyAdmin, is_id
from notifications.kinds import Label
from realtime.protocol.errors import HoldfastError

# Rows of one action: a page of the list. Each row is a transaction of its own.
MAX_ROWS: Final = ROWS_PER_PAGE
MAX_ERRORS: Final = 5  # shown one by one


@dataclass(frozen=True, slots=True)
class AdminAction:
    """An action on rows: the service that it calls, and the texts of its pages."""

    name: str  # in the URL
    label: Label
    explanation: Label
    done: Any  # an ngettext_lazy: "%(count)d message deleted."
    # Called with actor_id, the ``row_arguments`` and the fields of the form.
    service: Callable[..., object]
    permission: str
    form: type[forms.Form] = ReasonForm
    # Why the action would not change this row; empty if it would.
    blocker: Callable[[Any], Label] = field(default=lambda row: "")
    initial: Callable[[Any], dict[str, Any]] = field(default=lambda row: {})
    undo: str = ""  # name of the action that reverses this one
    is_single: bool = False  # offered on the page of a row only
    is_destructive: bool = False


class Link(NamedTuple):
    """A button that leads to a page."""

    label: Label
    url: str
    name: str = ""


class ActionAdmin(ReadOnlyAdmin):
    """A list of rows with actions."""

    moderator_actions: tuple[AdminAction, ...] = ()
    # The arguments that name a row to a service, and the row's attributes with their values.
    row_arguments: Mapping[str, str]

    def summary(self, row: Any) -> SafeString:
        """Return one line for the confirmation page."""
        return format_html("{}", row)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {
            action.name: (partial(_confirm, action.name), action.name, action.label)
            for action in self._allowed(request)
            if not action.is_single
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.action_view)
        return [
            path("action/<slug:name>/", view, name=f"{self._url_prefix}_action"),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**super().page_context(request, row), "actions": self.action_links(request, row)}

    def action_links(
        self, request: HttpRequest, row: Model, *, only: Collection[str] = ()
    ) -> list[Link]:
        """Return a button for each action that would change the row."""
        return [
            Link(
                action.label,
                self.action_url(action.name, [row.pk], back=request.get_full_path()),
                action.name,
            )
            for action in self._allowed(request)
            if (not only or action.name in only) and not action.blocker(row)
        ]

    def action_url(self, name: str, ids: Sequence[int], *, back: str) -> str:
        query = urlencode({"ids": ",".join(map(str, ids)), "back": back})
        return f"{reverse(f'admin:{self._url_prefix}_action', args=[name])}?{query}"

    def action_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for confirmation, then call the service for each row."""
        action = next((action for action in self.moderator_actions if action.name == name), None)
        if action is None:
            raise Http404
        if action not in self._allowed(request):
            raise PermissionDenied
        query = request.POST if request.method == "POST" else request.GET
        rows = self._rows(request, query.get("ids", ""), 1 if action.is_single else MAX_ROWS)
        back = self._safe_back(query.get("back", ""))
        if not rows:
            messages.warning(request, gettext("Nothing was selected."))
            return HttpResponseRedirect(back)
        form = action.form(request.POST or None, initial=action.initial(rows[0]))
        if request.method == "POST" and form.is_valid():
            done, errors = self._run(action, rows, actor_id(request), form.cleaned_data)
            if done:
                self._report(request, action, done, errors, back)
                return HttpResponseRedirect(back)
            for _row, error in errors:
                form.add_error(None, error.message)
        lines = [(self.summary(row), action.blocker(row)) for row in rows]
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "opts": self.opts,
            "action": action,
            "lines": lines,
            "changing": sum(not blocker for _summary, blocker in lines),
            "form": form,
            "back": back,
            "ids": ",".join(str(row.pk) for row in rows),
        }
        return TemplateResponse(request, "admin/chat/action.html", context)

    def _run(
        self, action: AdminAction, rows: Iterable[Any], by: int, fields: dict[str, Any]
    ) -> tuple[list[Any], list[tuple[Any, HoldfastError]]]:
        """Call the service for each row. An error of one row does not stop the others."""
        done, errors = [], []
        for row in rows:
            names = {name: getattr(row, column) for name, column in self.row_arguments.items()}
            try:
                action.service(actor_id=by, **names, **fields)
            except HoldfastError as error:
                errors.append((row, error))
            else:
                done.append(row)
        return done, errors

    def _report(
        self,
        request: HttpRequest,
        action: AdminAction,
        done: list[Any],
        errors: list[tuple[Any, HoldfastError]],
        back: str,
    ) -> None:
        text = action.done % {"count": len(done)}
        if action.undo:
            url = self.action_url(action.undo, [row.pk for row in done], back=back)
            text = format_html('{} <a href="{}">{}</a>', text, url, gettext("Undo"))
        messages.success(request, text)
        for row, error in errors[:MAX_ERRORS]:
            messages.warning(request, format_html("{}: {}", self.summary(row), error.message))
        if more := len(errors[MAX_ERRORS:]):
            text = ngettext("%(count)d more failed.", "%(count)d more failed.", more)
            messages.warning(request, text % {"count": more})

    def _rows(self, request: HttpRequest, ids: str, limit: int) -> list[Any]:
        pks = [int(word) for word in ids.split(",") if is_id(word)][:limit]
        rows = self.get_queryset(request).filter(pk__in=pks).order_by("pk")
        related = self.list_select_related
        return list(rows.select_related(*related) if not isinstance(related, bool) else rows)

    def _safe_back(self, url: str) -> str:
        """Return a URL of this site: where the moderator came from, or the list."""
        is_ours = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
        return url if is_ours else reverse(f"admin:{self._url_prefix}_changelist")

    def _allowed(self, request: HttpRequest) -> list[AdminAction]:
        return [row for row in self.moderator_actions if request.user.has_perm(row.permission)]

    @property
    def _url_prefix(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"


def actor_id(request: HttpRequest) -> int:
    """Return the id of the moderator; the admin only lets signed-in users in."""
    pk = request.user.pk
    assert pk is not None
    return pk


def _confirm(
    name: str, model_admin: ActionAdmin, request: HttpRequest, rows: QuerySet[Any]
) -> HttpResponse:
    """Lead from the list to the confirmation page, with the selected rows."""
    ids = sorted(rows.order_by().values_list("pk", flat=True)[:MAX_ROWS])
    return HttpResponseRedirect(model_admin.action_url(name, ids, back=request.get_full_path()))
