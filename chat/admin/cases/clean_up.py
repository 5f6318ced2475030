"""Cleaning up after a person, from a case in one step: messages, mute, ban, warning, decision."""

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin.actions import actor_id
from chat.admin.forms import MUTES, ReasonForm
from chat.models import Case, Report
from chat.queries.moderation.templates import reasons_for
from chat.services.moderation.bulk_selection import Choice, RemovalPreview, preview
from realtime.protocol.errors import HoldfastError

BAN, BULK = "chat.add_siteban", "chat.add_bulk"
SECONDS: Final = 2.0  # of the first request; the page of the bulk action sends the next one
NONE: Final = ""
FOR_EVER: Final = "0"
_DURATIONS: Final = [(str(seconds), label) for seconds, label in MUTES]


class CleanUpForm(ReasonForm):
    """The actions. Everything that is not chosen stays as it is."""

    messages = forms.BooleanField(label=_("Remove all messages"), required=False, initial=True)
    decide = forms.BooleanField(
        label=_("Close this case as a violation"), required=False, initial=True
    )
    warn = forms.BooleanField(label=_("Warn"), required=False)
    mute = forms.ChoiceField(
        label=_("Mute in all rooms"), choices=[(NONE, _("No")), *_DURATIONS], required=False
    )
    ban = forms.ChoiceField(
        label=_("Ban from site"),
        choices=[(NONE, _("No")), (FOR_EVER, _("Permanently")), *_DURATIONS],
        required=False,
    )
    field_order = ["messages", "decide", "warn", "mute", "ban", "reason"]

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if not self.errors and not any(
            fields.get(name) for name in ("messages", "decide", "warn", "mute", "ban")
        ):
            raise forms.ValidationError(_("Choose at least one action."))
        return fields


def view(admin: Any, request: HttpRequest, case_id: int, filters: str) -> HttpResponse:
    """Show what would go and from which rooms; on POST, do what is chosen."""
    if not (request.user.has_perm(BAN) and request.user.has_perm(BULK)):
        raise PermissionDenied
    case = admin.get_queryset(request).select_related("author").filter(pk=case_id).first()
    if case is None or case.kind == Case.Kind.APPEAL:
        raise Http404
    choice = Choice(author_id=case.author_id)
    form = CleanUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        bulk_id = _run(request, case, form)
        if not form.errors and bulk_id is not None:
            services.run_bulk(bulk_id=bulk_id, seconds=SECONDS)
            return HttpResponseRedirect(reverse("admin:chat_bulk_change", args=[bulk_id]))
        if not form.errors:
            response: HttpResponse = admin.after_clean_up(request, case, filters)
            return response
    found: RemovalPreview | None
    try:
        found = preview(choice)
    except HoldfastError as error:
        found = None
        form.fields["messages"].disabled, form.fields["messages"].initial = True, False
        form.fields["messages"].help_text = error.message
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": gettext("Clean up after %(name)s") % {"name": case.author.username},
        "case": case,
        "form": form,
        "found": found,
        "templates": reasons_for(case.author_id),
        "filters": filters,
        "back": admin._open(case.pk, filters).url,
    }
    return TemplateResponse(request, "admin/chat/clean_up.html", context)


def _run(request: HttpRequest, case: Case, form: CleanUpForm) -> int | None:
    """Do what is chosen, one after the other. Returns the bulk that removes messages.

    An error of one does not stop the others, and each says what it has done.
    """
    me, fields = actor_id(request), form.cleaned_data
    who = {"actor_id": me, "reason": fields["reason"]}
    user = {**who, "user_id": case.author_id}
    steps: list[tuple[bool, str, Callable[[], object]]] = [
        (bool(fields["ban"]), gettext("Banned from the site."), lambda: _ban(user, fields["ban"])),
        (
            bool(fields["mute"]),
            gettext("Muted in all rooms."),
            lambda: services.site_mute(seconds=int(fields["mute"]), **user),
        ),
        (fields["warn"], gettext("Warned."), lambda: services.warn(**user)),
        (
            fields["decide"] and case.is_open,
            gettext("The case is closed."),
            lambda: services.close_case(case_id=case.pk, status=Report.Status.RESOLVED, **who),
        ),
    ]
    for is_chosen, done, step in steps:
        if is_chosen:
            _try(request, form, step, done)
    if not fields["messages"] or form.errors:
        return None
    _try(request, form, lambda: services.refuse_all_of(**user), "")
    bulk_id: list[int] = []

    def remove() -> None:
        choice = Choice(author_id=case.author_id)
        expected = preview(choice).number
        if expected:
            bulk_id.append(services.begin_removal(choice=choice, expected=expected, **who).pk)

    _try(request, form, remove, "")
    return bulk_id[0] if bulk_id else None


def _ban(user: dict[str, Any], value: str) -> object:
    return services.site_ban(seconds=None if value == FOR_EVER else int(value), **user)


def _try(request: HttpRequest, form: CleanUpForm, step: Callable[[], object], done: str) -> None:
    try:
        step()
    except HoldfastError as error:
        form.add_error(None, error.message)
    else:
        if done:
            messages.success(request, done)
