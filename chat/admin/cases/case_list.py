"""The queue of cases: all that waits for moderators, the most urgent first.

Opening a case claims it, so that nobody else gets it as the next one (``case_steps``).
"""

from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting
from chat.admin.actions import ActionAdmin, AdminAction, Link, actor_id
from chat.admin.cases import case_page
from chat.admin.cases.case_steps import CHANGE, CaseSteps
from chat.admin.cases.list_filters import ASSIGNED, MINE, OPEN, StatusFilter
from chat.admin.evidence import evidence_link
from chat.admin.forms import OptionalReasonForm
from chat.admin.lists import person_id
from chat.models import Case, Membership, Person, Report
from chat.queries import queue

VIEW: Final = "chat.view_report"
# The actions on a person that the page of a case offers.
ON_SITE: Final = ("warn", "note", "site-mute", "site-ban", "sign-out", "deactivate")
# The newest cases, in which a text is looked for; takes about 0.1 s.
MAX_SEARCHED: Final = 20_000
MAX_REPORTED: Final = 1000  # the newest reports by a person whose cases a search finds


def _is_of_a_text(word: str) -> bool:
    """Whether a search finds cases by this word of a text instead of a person, a room or an ID."""
    return not (word.startswith(("#", "@")) or word.isdecimal())


def _newest_case() -> int:
    return Case.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _decided(row: Case) -> str | Promise:
    if not row.is_open:
        return _("Already closed")
    return _("Open an appeal to decide it") if row.kind == Case.Kind.APPEAL else ""


def _not_open(row: Case) -> str | Promise:
    return "" if row.is_open else _("Already closed")


def _not_reopenable(row: Case) -> str | Promise:
    if row.is_open:
        return _("Still open")
    return _("Decided once") if queue.is_decided_once(row) else ""


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
    service=partial(services.close_case, status=Report.Status.DISMISSED),
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=_decided,
    undo="reopen",
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
    service=partial(services.close_case, status=Report.Status.RESOLVED),
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=_decided,
    is_destructive=True,
    undo="reopen",
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
    blocker=_not_open,
)
REOPEN = AdminAction(
    name="reopen",
    label=_("Reopen"),
    explanation=_(
        "The decision is taken back: a removed message is visible again. Its author and the people"
        " who reported it are notified, and the case waits for a new decision."
    ),
    done=ngettext_lazy("%(count)d case reopened.", "%(count)d cases reopened.", "count"),
    service=services.reopen,
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=_not_reopenable,
)


@admin.register(Case)
class CaseAdmin(CaseSteps, ActionAdmin):
    """The list of cases, and the page of each."""

    moderator_actions = (ASSIGN, KEEP, REMOVE, REOPEN)
    row_arguments = {"case_id": "pk"}
    change_form_template = "admin/chat/case.html"
    change_list_template = "admin/chat/case/change_list.html"
    list_display = ("category_tag", "text", "person", "in_room", "times", "opened", "state")
    list_display_links = ("category_tag",)
    list_select_related = ("author", "room", "message", "assigned_to", "closed_by")
    list_filter = (StatusFilter, "category", "kind")
    search_help_text = _(
        "Search by @username (author or reporter), #room, message ID, or words of the reported"
        " text or a note."
    )
    person_columns = ("author",)
    room_column = "room"
    url_columns = ("message", "author", "room")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(VIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VIEW)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.adopt_reports()
        held = case_page.waiting(actor_id(request), kind=Case.Kind.HELD)
        return super().changelist_view(request, {**(extra_context or {}), "held": held})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out cases about the moderator."""
        return queue.visible_to(actor_id(request), super().get_queryset(request))

    def keyset(self, found: ChangeList) -> str:
        """Return open cases by urgency, and others newest first."""
        status = found.params.get(StatusFilter.parameter_name, OPEN)
        return "-urgency" if status in (OPEN, ASSIGNED, MINE) and not found.query else "-pk"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        in_texts = any(
            _is_of_a_text(word) and person_id(word) is None for word in search_term.split()
        )
        if in_texts and _newest_case() > MAX_SEARCHED:
            text = gettext("Texts and notes are searched in the newest %(count)d cases.")
            messages.info(request, text % {"count": MAX_SEARCHED})
        return super().get_search_results(request, queryset, search_term)

    def matching(self, word: str) -> Q:
        """Return cases by the concerned or a reporter, or by words of a text or a note."""
        person = None if word.startswith("#") else person_id(word)
        if person is not None:
            # A list of ids and no subquery, so that both sides follow an index.
            rows = Report.objects.filter(reporter=person, case__isnull=False).order_by("-pk")
            return Q(author=person) | Q(
                pk__in=list(rows.values_list("case", flat=True)[:MAX_REPORTED])
            )
        if not _is_of_a_text(word):
            return super().matching(word)
        noted = Report.objects.filter(case=OuterRef("pk"), note__icontains=word)
        oldest = _newest_case() - MAX_SEARCHED
        return Q(pk__gt=oldest) & (Q(body__icontains=word) | Q(Exists(noted)))

    def matching_id(self, number: int) -> Q:
        return Q(message=number)

    def get_urls(self) -> list[URLPattern]:
        return [*self.step_urls(), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Case) -> dict[str, Any]:
        is_direct = row.room is not None and row.room.is_direct
        is_expanded = "further" in request.GET and not is_direct
        found = case_page.of_case(row, is_expanded=is_expanded)
        in_room = self._links_of(Membership, request, found["membership"], ("mute", "ban"))
        on_site = self._links_of(Person, request, found["author"], ON_SITE)
        evidence = [evidence_link(row)] if request.user.has_perm("chat.add_bulk") else []
        return {
            **super().page_context(request, row),
            **found,
            **self.step_context(request, row),
            "is_expanded": is_expanded,
            "author_actions": [*in_room, *on_site, *evidence],
        }

    def page_title(self, row: Case) -> str:
        return case_page.title(row)

    def _links_of(
        self, model: Any, request: HttpRequest, row: Any, names: tuple[str, ...]
    ) -> list[Link]:
        """Return the buttons for actions on the author, in the room or on the site."""
        found = self.admin_site.get_model_admin(model)
        assert isinstance(found, ActionAdmin)
        return found.action_links(request, row, only=names) if row is not None else []

    def summary(self, row: Case) -> SafeString:
        return format_html(
            "{} · {}: {} · {}",
            self.in_room(row),
            formatting.person(row.author),
            self.text(row),
            row.get_category_display(),
        )

    @admin.display(description=_("category"))
    def category_tag(self, row: Case) -> SafeString | str:
        kind = "" if row.kind == Case.Kind.MESSAGE else row.get_kind_display()
        if row.kind in (Case.Kind.APPEAL, Case.Kind.HELD):
            return kind
        return f"{kind}: {row.get_category_display()}" if kind else row.get_category_display()

    @admin.display(description=_("room"))
    def in_room(self, row: Case) -> SafeString | str:
        return formatting.room(row.room)

    @admin.display(description=_("person"))
    def person(self, row: Case) -> SafeString | str:
        return formatting.person(row.author)

    @admin.display(description=_("text"))
    def text(self, row: Case) -> SafeString | str:
        """Return the beginning of what was reported; also of a direct message, which is shared."""
        return formatting.excerpt(row.body) or "—"

    @admin.display(description=_("when"))
    def opened(self, row: Case) -> SafeString | str:
        return formatting.moment(row.opened_at)

    @admin.display(description=_("state"))
    def state(self, row: Case) -> SafeString | str:
        return formatting.case_state(row)
