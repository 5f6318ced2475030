"""People as moderators see them, and accounts as superusers see them."""

from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting, memberships
from chat.admin.actions import ActionAdmin, AdminAction
from chat.admin.cases import case_context, case_page
from chat.admin.evidence import export_links
from chat.admin.forms import (
    BanForm,
    BanInRoomForm,
    InRoomForm,
    MuteForm,
    MuteInRoomForm,
    NoteForm,
    OptionalReasonForm,
    UnbanInRoomForm,
)
from chat.admin.lists import KeysetAdmin, is_id
from chat.models import Person, SiteBan, SiteMute
from chat.moderation import site_bans, traces
from chat.pages.name_fields import NAMES, NameRules
from chat.queries import names
from realtime.auth.confirmation import confirmed
from realtime.core.generics import AdminUserCreationForm, UserAdmin, UserChangeForm
from realtime.core.users import User

VIEW, BAN_FROM_SITE = "chat.view_siteban", "chat.add_siteban"

SITE_BAN = AdminAction(
    name="site-ban",
    label=_("Ban from site"),
    explanation=_(
        "They are disconnected on all devices within a second, are shown the reason, and cannot"
        " connect until the ban ends. Their messages stay."
    ),
    done=ngettext_lazy(
        "%(count)d person banned from the site.", "%(count)d people banned from the site.", "count"
    ),
    service=services.site_ban,
    permission=BAN_FROM_SITE,
    form=BanForm,
    blocker=lambda row: _("Already banned") if row.is_banned else "",
    undo="site-unban",
    is_destructive=True,
)
SITE_UNBAN = AdminAction(
    name="site-unban",
    label=_("Unban from site"),
    explanation=_("They can connect again immediately. Bans from rooms stay in place."),
    done=ngettext_lazy(
        "%(count)d person unbanned from the site.",
        "%(count)d people unbanned from the site.",
        "count",
    ),
    service=services.site_unban,
    permission=BAN_FROM_SITE,
    form=OptionalReasonForm,
    blocker=lambda row: "" if row.is_banned else _("Not banned"),
    undo="site-ban",
)
SITE_MUTE = AdminAction(
    name="site-mute",
    label=_("Mute in all rooms"),
    explanation=_(
        "They can read but not post or react in any room or direct conversation until the mute"
        " ends. They are notified of the duration and the reason."
    ),
    done=ngettext_lazy(
        "%(count)d person muted in all rooms.", "%(count)d people muted in all rooms.", "count"
    ),
    service=services.site_mute,
    permission=BAN_FROM_SITE,
    form=MuteForm,
    undo="site-unmute",
    is_destructive=True,
)
SITE_UNMUTE = AdminAction(
    name="site-unmute",
    label=_("Unmute in all rooms"),
    explanation=_(
        "They can post again immediately, and are notified. Mutes in single rooms stay in place."
    ),
    done=ngettext_lazy(
        "%(count)d person unmuted in all rooms.", "%(count)d people unmuted in all rooms.", "count"
    ),
    service=partial(services.site_mute, seconds=0),
    permission=BAN_FROM_SITE,
    form=OptionalReasonForm,
    blocker=lambda row: "" if row.site_muted_until else _("Not muted in all rooms"),
)
SIGN_OUT = AdminAction(
    name="sign-out",
    label=_("Sign out everywhere"),
    explanation=_(
        "They are disconnected on all devices and apps within a second, and their access tokens"
        " are deleted. Anyone who knows the password can sign in again."
    ),
    done=ngettext_lazy(
        "%(count)d person signed out everywhere.",
        "%(count)d people signed out everywhere.",
        "count",
    ),
    service=services.sign_out_everywhere,
    permission=BAN_FROM_SITE,
    blocker=lambda row: "" if row.is_active else _("Account deactivated"),
    is_destructive=True,
)
DEACTIVATE = AdminAction(
    name="deactivate",
    label=_("Deactivate account"),
    explanation=_(
        "They are disconnected on all devices within a second, and no one can sign in to the"
        " account until it is reactivated. Access tokens are deleted permanently. Their messages"
        " and rooms stay."
    ),
    done=ngettext_lazy(
        "%(count)d account deactivated.", "%(count)d accounts deactivated.", "count"
    ),
    service=services.deactivate,
    permission=BAN_FROM_SITE,
    blocker=lambda row: "" if row.is_active else _("Already deactivated"),
    undo="activate",
    is_destructive=True,
)
ACTIVATE = AdminAction(
    name="activate",
    label=_("Reactivate account"),
    explanation=_("They can sign in with their password again. Bans and mutes stay in place."),
    done=ngettext_lazy(
        "%(count)d account reactivated.", "%(count)d accounts reactivated.", "count"
    ),
    service=services.activate,
    permission=BAN_FROM_SITE,
    form=OptionalReasonForm,
    blocker=lambda row: _("Already active") if row.is_active else "",
    undo="deactivate",
)
WARN = AdminAction(
    name="warn",
    label=_("Warn"),
    explanation=_(
        "They are notified of the reason, and the warning stays in their record. Nothing else"
        " changes."
    ),
    done=ngettext_lazy("%(count)d person warned.", "%(count)d people warned.", "count"),
    service=services.warn,
    permission=BAN_FROM_SITE,
)
NOTE = AdminAction(
    name="note",
    label=_("Write a note"),
    explanation=_("Only moderators see notes, on this person’s record and cases."),
    done=ngettext_lazy("Note saved.", "%(count)d notes saved.", "count"),
    service=services.write_note,
    permission=BAN_FROM_SITE,
    form=NoteForm,
)
# In a room that the form asks for: whether they are in it is known only then.
_IN_ROOM: dict[str, Any] = {"blocker": lambda row: "", "undo": ""}
MUTE = replace(memberships.MUTE, label=_("Mute in a room"), form=MuteInRoomForm, **_IN_ROOM)
REMOVE = replace(memberships.REMOVE, label=_("Remove from a room"), form=InRoomForm, **_IN_ROOM)
BAN = replace(memberships.BAN, label=_("Ban from a room"), form=BanInRoomForm, **_IN_ROOM)
UNBAN = replace(memberships.UNBAN, label=_("Unban from a room"), form=UnbanInRoomForm, **_IN_ROOM)


@admin.register(Person)
class PersonAdmin(ActionAdmin):
    """Everyone with an account. Email, password and permissions are in ``AccountAdmin``."""

    moderator_actions = (
        WARN,
        NOTE,
        SITE_MUTE,
        SITE_UNMUTE,
        SITE_BAN,
        SITE_UNBAN,
        SIGN_OUT,
        DEACTIVATE,
        ACTIVATE,
        MUTE,
        REMOVE,
        BAN,
        UNBAN,
    )
    row_arguments = {"user_id": "pk"}
    change_form_template = "admin/chat/record.html"
    list_display = ("username", "full_name", "joined", "last_sign_in", "active", "status")
    search_help_text = _("Search by the beginning of a username, or by ID.")
    fields = ("full_name", "joined", "last_sign_in", "active", "status")
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(VIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VIEW)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add site bans and site mutes, which unique indexes find."""
        bans = SiteBan.objects.filter(site_bans.in_effect(), user=OuterRef("pk"))
        mutes = SiteMute.objects.filter(pk=OuterRef("pk"), until__gt=timezone.now()).values("until")
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(is_banned=Exists(bans), site_muted_until=Subquery(mutes))
        )
        return rows

    def matching(self, word: str) -> Q:
        """Return people by the beginning of their username; a username may be a number."""
        found = names.begins(word.removeprefix("@"))
        return found | Q(pk=int(word)) if is_id(word) else found

    def page_context(self, request: HttpRequest, row: Person) -> dict[str, Any]:
        found = {**super().page_context(request, row), **case_context.of_person(row.pk)}
        found["person_notes"] = case_page.person_notes(row.pk)
        found["totals"] = case_context.totals(row.pk)
        found["hints"] = traces.hints(row.pk)
        if row.pk == request.user.pk:
            found |= {"cases": [], "person_notes": [], "hints": []}  # another moderator's matter
        if request.user.has_perm("chat.add_bulk"):
            found["actions"] += export_links(request, row.username)
        return found

    def page_title(self, row: Person) -> str:
        return f"@{row.username}"

    def summary(self, row: Person) -> SafeString:
        return format_html("{} {}", formatting.person(row), row.get_full_name())

    @admin.display(description=_("name"))
    def full_name(self, row: Person) -> str:
        return row.get_full_name() or "—"

    @admin.display(description=_("joined"))
    def joined(self, row: Person) -> SafeString | str:
        return formatting.moment(row.date_joined)

    @admin.display(description=_("last sign-in"))
    def last_sign_in(self, row: Person) -> SafeString | str:
        return formatting.moment(row.last_login)

    @admin.display(description=_("active"), boolean=True)
    def active(self, row: Person) -> bool:
        return row.is_active

    @admin.display(description=_("status"))
    def status(self, row: Any) -> SafeString | str:
        if row.is_banned:
            return gettext("Banned from the site")
        if row.site_muted_until:
            return format_html(gettext("Muted until {}"), formatting.moment(row.site_muted_until))
        return "—"


LIFT = replace(
    SITE_UNBAN,
    name="lift",
    blocker=lambda row: (
        ""
        if row.lifted_at is None and (row.until is None or row.until > timezone.now())
        else _("Already ended")
    ),
    undo="",
)


@admin.register(SiteBan)
class SiteBanAdmin(ActionAdmin):
    """Current and past bans from the site. The page of a person has the button for a new one."""

    moderator_actions = (LIFT,)
    row_arguments = {"user_id": "user_id"}
    list_display = ("id", "person", "reason", "moderator", "when", "ends", "ended")
    list_select_related = ("user", "created_by", "lifted_by")
    search_help_text = _("Search by @username: the banned person, or the moderator.")
    person_columns = ("user", "created_by")
    fields = ("person", "reason", "moderator", "created_at", "until", "lifted_at", "unbanned_by")
    readonly_fields = ("person", "moderator", "unbanned_by")

    def summary(self, row: SiteBan) -> SafeString:
        return format_html("{} · {}", formatting.person(row.user), row.reason)

    @admin.display(description=_("person"))
    def person(self, row: SiteBan) -> SafeString | str:
        return formatting.person(row.user)

    @admin.display(description=_("moderator"))
    def moderator(self, row: SiteBan) -> SafeString | str:
        return formatting.person(row.created_by)

    @admin.display(description=_("until"))
    def ends(self, row: SiteBan) -> SafeString | str:
        return formatting.moment(row.until)

    @admin.display(description=_("unbanned"))
    def ended(self, row: SiteBan) -> SafeString | str:
        """Return when the ban ended, and who unbanned them if it did not end by itself."""
        ended = formatting.moment(row.lifted_at)
        if row.lifted_by is None:
            return ended
        return format_html("{} · {}", ended, formatting.person(row.lifted_by))

    @admin.display(description=_("unbanned by"))
    def unbanned_by(self, row: SiteBan) -> SafeString | str:
        return formatting.person(row.lifted_by)


admin.site.unregister([model for model in (User, Group) if admin.site.is_registered(model)])

# Before the form is shown, where a password is typed into it.
_BEFORE_THE_FORM = partial(confirmed, also_get=True)


class AccountForm(NameRules, UserChangeForm[User]):
    pass


class NewAccountForm(NameRules, AdminUserCreationForm[User]):
    pass


@admin.register(User)
class AccountAdmin(KeysetAdmin, UserAdmin[User]):
    """Django's own pages of accounts for superusers, with a list that does not count.

    Accounts are deactivated, never deleted: their messages are part of other people's history,
    and their rows belong to streams.
    """

    form = AccountForm
    add_form = NewAccountForm
    list_filter = ("groups",)  # other filters would scan the table
    ordering = ("username",)
    search_help_text = _("Search by the beginning of a username.")

    @method_decorator(confirmed)
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    @method_decorator(_BEFORE_THE_FORM)
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().add_view(request, *args, **kwargs)

    @method_decorator(_BEFORE_THE_FORM)
    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().user_change_password(request, *args, **kwargs)

    def keyset(self, found: Any) -> str:
        return "username"

    def matching(self, word: str) -> Q:
        return names.begins(word.removeprefix("@"))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save everything but the names; ``services.rename`` changes those.

        It opens its own transaction, so it runs after this one.
        """
        names = {name: getattr(obj, name) for name in NAMES if change and name in form.changed_data}
        for name in names:
            setattr(obj, name, form.initial[name])
        super().save_model(request, obj, form, change)
        if names:
            by = request.user.pk
            transaction.on_commit(lambda: services.rename(user_id=obj.pk, actor_id=by, **names))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in ("groups__id__exact", "groups__isnull")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Group)
class RightsAdmin(GroupAdmin):
    """Django's own pages of groups: who may do what."""

    @method_decorator(confirmed)
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    @method_decorator(confirmed)
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().delete_view(request, *args, **kwargs)
