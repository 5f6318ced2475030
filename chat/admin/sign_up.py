"""Sign-up in the admin: the mode, and the queue of accounts that wait for approval."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat.admin import formatting
from chat.admin.actions import ActionAdmin, AdminAction
from chat.admin.forms import OptionalReasonForm
from chat.admin.people import BAN_FROM_SITE, VIEW
from chat.models import SignUpRequest, SignUpSettings
from chat.queries import names
from chat.queries.sign_up import sign_up_settings
from chat.services.people import sign_up

ACCEPT = AdminAction(
    name="accept",
    label=_("Approve"),
    explanation=_("They can sign in with the password that they chose."),
    done=ngettext_lazy("%(count)d account approved.", "%(count)d accounts approved.", "count"),
    service=sign_up.accept_sign_up,
    permission=BAN_FROM_SITE,
    form=OptionalReasonForm,
    blocker=lambda row: _("Already approved") if row.is_accepted else "",
)
DECLINE = AdminAction(
    name="decline",
    label=_("Decline"),
    explanation=_("They cannot sign in. When they try to, they are shown the reason."),
    done=ngettext_lazy("%(count)d account declined.", "%(count)d accounts declined.", "count"),
    service=sign_up.decline_sign_up,
    permission=BAN_FROM_SITE,
    blocker=lambda row: _("Already decided") if row.decided_at else "",
    is_destructive=True,
)


class OpenToModerators(ActionAdmin):
    """For everyone who may see bans from the site; the actions need the right to ban."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(VIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VIEW)


class OneRow(OpenToModerators):
    """A single row: its page takes the place of a list."""

    row_arguments: Mapping[str, str] = {}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", 1)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        self.model._default_manager.get_or_create(pk=1)
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows


@admin.register(SignUpRequest)
class SignUpRequestAdmin(OpenToModerators):
    """Accounts that wait, and those that were decided about. The newest is first."""

    moderator_actions = (ACCEPT, DECLINE)
    row_arguments = {"user_id": "pk"}
    list_display = ("person", "name", "when", "state")
    list_select_related = ("user",)
    search_help_text = _("Search by the beginning of a username.")
    fields = ("person", "name", "when", "state")
    readonly_fields = fields

    def matching(self, word: str) -> Q:
        return names.begins(word.removeprefix("@"), user="user__")

    def summary(self, row: SignUpRequest) -> SafeString:
        return format_html("{} {}", formatting.person(row.user), row.user.get_full_name())

    @admin.display(description=_("person"))
    def person(self, row: SignUpRequest) -> SafeString | str:
        return formatting.person(row.user)

    @admin.display(description=_("name"))
    def name(self, row: SignUpRequest) -> str:
        return row.user.get_full_name() or "—"

    @admin.display(description=_("when"))
    def when(self, row: SignUpRequest) -> SafeString | str:
        return formatting.moment(row.created_at)

    @admin.display(description=_("state"))
    def state(self, row: SignUpRequest) -> str:
        if row.decided_at is None:
            return gettext("Waiting")
        return gettext("Approved") if row.is_accepted else gettext("Declined")


class SignUpModeForm(OptionalReasonForm):
    mode = forms.ChoiceField(label=_("Sign-up"), choices=SignUpSettings.Mode.choices)
    per_hour = forms.IntegerField(
        label=_("Accounts per address and hour"), min_value=1, max_value=sign_up.MAX_PER_HOUR
    )


CHANGE = AdminAction(
    name="change",
    label=_("Change"),
    explanation=_("The change is in effect at once, on all nodes. Existing accounts stay."),
    done=ngettext_lazy("Sign-up changed.", "Sign-up changed.", "count"),
    service=sign_up.change_sign_up,
    permission=BAN_FROM_SITE,
    form=SignUpModeForm,
    initial=lambda row: {"mode": sign_up_settings().mode, "per_hour": row.per_hour},
    is_single=True,
)


@admin.register(SignUpSettings)
class SignUpSettingsAdmin(OneRow):
    """The mode of sign-up, and its limit."""

    moderator_actions = (CHANGE,)
    fields = ("current", "per_hour")
    readonly_fields = fields

    def summary(self, row: SignUpSettings) -> SafeString:
        return format_html("{}", self.current(row))

    @admin.display(description=_("sign-up"))
    def current(self, row: SignUpSettings) -> str:
        return str(SignUpSettings.Mode(sign_up_settings().mode).label)
