"""What moderators do, from a list or from the page of one row: choose, read what will happen, give a reason, done.

An act is described once (``Act``); ``ActingAdmin`` makes of it a button over the list, a button on the page of a row, and the page between
the two and the service. No act writes anything itself.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
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
from django.utils.translation import gettext

from chat.admin.forms import ReasonForm
from chat.admin.lists import ROWS_PER_PAGE, ShownAdmin, is_id
from realtime.protocol.errors import HoldfastError

# Of one act: a page of the list; each row is a transaction of its own.
MAX_ROWS: Final = ROWS_PER_PAGE
MAX_ERRORS: Final = 5  # shown one by one


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done to rows.

    ``run(actor_id=…, row=…, **fields of the form)`` calls a service. ``idle(row)`` says why the act would change nothing on this row.
    """

    name: str  # in the address
    label: str  # on the button
    says: str  # on the page: what will happen, and to whom it is told
    done: str  # afterwards, after the number: "3 messages deleted"
    run: Callable[..., object]
    permission: str  # with its app: chat.change_message
    form: type[forms.Form] = ReasonForm
    idle: Callable[[Any], str] = field(default=lambda row: "")
    # What the form shows first, from the first row.
    initial: Callable[[Any], dict[str, Any]] = field(default=lambda row: {})
    undo: str = ""  # the act that takes it back
    is_single: bool = False  # done to one row, from its own page
    takes_away: bool = False  # shown in red


class Outcome(NamedTuple):
    """What became of the rows of an act."""

    done: list[Any]
    errors: list[tuple[Any, HoldfastError]]


class Link(NamedTuple):
    """A button that leads to the page of an act."""

    label: str
    url: str
    name: str = ""


def perform(act: Act, rows: Iterable[Any], *, actor_id: int, fields: dict[str, Any]) -> Outcome:
    """Do it to each row; one that the service refuses keeps none of the others from it."""
    outcome = Outcome([], [])
    for row in rows:
        try:
            act.run(actor_id=actor_id, row=row, **fields)
        except HoldfastError as error:
            outcome.errors.append((row, error))
        else:
            outcome.done.append(row)
    return outcome


def actor(request: HttpRequest) -> int:
    """Return who acts; the admin has let in nobody without an account."""
    pk = request.user.pk
    assert pk is not None
    return pk


class ActingAdmin(ShownAdmin):
    """A list of rows to which something can be done."""

    acts: tuple[Act, ...] = ()

    def brief(self, row: Any) -> SafeString:
        """Return how a row is shown on the page of an act."""
        return format_html("{}", row)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return a button for each act that this person may do."""
        return {
            act.name: (_choose, act.name, gettext(act.label))
            for act in self._allowed(request)
            if not act.is_single
        }

    def get_action_choices(
        self, request: HttpRequest, default_choices: Any = ()
    ) -> list[tuple[str, str]]:
        """Return the same as names and labels; a row of buttons needs no empty choice."""
        return [
            (act.name, gettext(act.label)) for act in self._allowed(request) if not act.is_single
        ]

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the acts."""
        page = path(
            "act/<slug:name>/",
            self.admin_site.admin_view(self.act_view),
            name=f"{self._prefix}_act",
        )
        return [page, *super().get_urls()]

    def beside(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Add a button for each act that would change the row."""
        return {**super().beside(request, row), "acts": self.act_links(request, row)}

    def act_links(
        self, request: HttpRequest, row: Model, *, only: Collection[str] = ()
    ) -> list[Link]:
        """Return the buttons of one row, for those acts that would change it."""
        back = request.get_full_path()
        acts = [act for act in self._allowed(request) if not only or act.name in only]
        return [
            Link(gettext(act.label), self.act_url(act.name, [row.pk], back=back), act.name)
            for act in acts
            if not act.idle(row)
        ]

    def act_url(self, name: str, ids: Sequence[int], *, back: str = "") -> str:
        """Return the address of the page of an act."""
        asked = {"ids": ",".join(map(str, ids)), **({"back": back} if back else {})}
        return f"{reverse(f'admin:{self._prefix}_act', args=[name])}?{urlencode(asked)}"

    def act_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for the reason, then do it."""
        act = next((act for act in self.acts if act.name == name), None)
        if act is None:
            raise Http404
        if act not in self._allowed(request):
            raise PermissionDenied
        rows = self._chosen(request, 1 if act.is_single else MAX_ROWS)
        back = self._back(request)
        if not rows:
            messages.warning(request, gettext("Nothing was chosen."))
            return HttpResponseRedirect(back)
        form = act.form(request.POST or None, initial=act.initial(rows[0]))
        if request.method == "POST" and form.is_valid():
            outcome = perform(act, rows, actor_id=actor(request), fields=form.cleaned_data)
            if outcome.done:
                self._tell(request, act, outcome)
                return HttpResponseRedirect(back)
            for _, error in outcome.errors:
                form.add_error(None, error.message)
        return TemplateResponse(
            request, "admin/chat/act.html", self._context(request, act, rows, form, back)
        )

    def _context(
        self, request: HttpRequest, act: Act, rows: list[Any], form: forms.Form, back: str
    ) -> dict[str, Any]:
        lines = [(self.brief(row), act.idle(row)) for row in rows]
        return {
            **self.admin_site.each_context(request),
            "title": gettext(act.label).removesuffix("…"),
            "says": gettext(act.says),
            "opts": self.opts,
            "act": act,
            "lines": lines,
            "changing": sum(not idle for _, idle in lines),
            "form": form,
            "back": back,
            "ids": ",".join(str(row.pk) for row in rows),
        }

    def _tell(self, request: HttpRequest, act: Act, outcome: Outcome) -> None:
        count = len(outcome.done)
        names = self.opts.verbose_name if count == 1 else self.opts.verbose_name_plural
        told = f"{count} {names} {gettext(act.done)}."
        if act.undo:
            url = self.act_url(act.undo, [row.pk for row in outcome.done], back=self._back(request))
            told = format_html('{} <a href="{}">{}</a>', told, url, gettext("Take it back…"))
        messages.success(request, told)
        for row, error in outcome.errors[:MAX_ERRORS]:
            messages.warning(request, format_html("{}: {}", self.brief(row), error.message))
        if len(outcome.errors) > MAX_ERRORS:
            messages.warning(
                request,
                gettext("%(count)s more were refused.")
                % {"count": len(outcome.errors) - MAX_ERRORS},
            )

    def _chosen(self, request: HttpRequest, limit: int) -> list[Any]:
        given = (request.POST if request.method == "POST" else request.GET).get("ids", "")
        ids = [int(word) for word in given.split(",") if is_id(word)][:limit]
        return list(
            self._with_related(self.get_queryset(request).filter(pk__in=ids)).order_by("pk")
        )

    def _with_related(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        related = self.list_select_related
        return (
            rows.select_related(*related) if isinstance(related, list | tuple) and related else rows
        )

    def _back(self, request: HttpRequest) -> str:
        """Return where the person came from: an address of this site, or the list."""
        wanted = (request.POST if request.method == "POST" else request.GET).get("back", "")
        is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
            wanted, allowed_hosts=None
        )
        return wanted if is_ours else reverse(f"admin:{self._prefix}_changelist")

    def _allowed(self, request: HttpRequest) -> list[Act]:
        return [act for act in self.acts if request.user.has_perm(act.permission)]

    @property
    def _prefix(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"


def _choose(model_admin: ActingAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
    """Lead from the list to the page of the act, with the rows that were ticked."""
    ids = list(rows.order_by().values_list("pk", flat=True)[:MAX_ROWS])
    name = request.POST.getlist("action")[int(request.POST.get("index", 0))]
    return HttpResponseRedirect(
        model_admin.act_url(name, sorted(ids), back=request.get_full_path())
    )
