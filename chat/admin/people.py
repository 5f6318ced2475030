"""People, as moderators see them, and accounts, as superusers do."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from chat import services
from chat.admin import case_context, formatting
from chat.admin.actions import Act, ActingAdmin
from chat.admin.evidence import links_to_files
from chat.admin.forms import (
    BanForm,
    BanInRoomForm,
    InRoomForm,
    LiftForm,
    LiftInRoomForm,
    MuteForm,
    MuteInRoomForm,
)
from chat.admin.lists import KeysetAdmin, is_id
from chat.models import Person, SiteBan, SiteMute
from chat.moderation import site_bans
from chat.services.renaming import NAMES

SEE, BAN_FROM_SITE, MODERATE = "chat.view_siteban", "chat.add_siteban", "chat.change_membership"


def _site_ban(*, actor_id: int, row: Person, seconds: int | None, reason: str) -> None:
    services.site_ban(actor_id=actor_id, user_id=row.pk, seconds=seconds, reason=reason)


def _site_mute(*, actor_id: int, row: Person, seconds: int, reason: str) -> None:
    services.site_mute(actor_id=actor_id, user_id=row.pk, seconds=seconds, reason=reason)


def _site_unmute(*, actor_id: int, row: Person, reason: str) -> None:
    services.site_mute(actor_id=actor_id, user_id=row.pk, seconds=0, reason=reason)


def _site_unban(*, actor_id: int, row: Person | SiteBan, reason: str) -> None:
    user_id = row.user_id if isinstance(row, SiteBan) else row.pk
    services.site_unban(actor_id=actor_id, user_id=user_id, reason=reason)


def _sign_out(*, actor_id: int, row: Person, reason: str) -> None:
    services.sign_out_everywhere(actor_id=actor_id, user_id=row.pk, reason=reason)


def _deactivate(*, actor_id: int, row: Person, reason: str) -> None:
    services.deactivate(actor_id=actor_id, user_id=row.pk, reason=reason)


def _activate(*, actor_id: int, row: Person, reason: str) -> None:
    services.activate(actor_id=actor_id, user_id=row.pk, reason=reason)


def _mute(*, actor_id: int, row: Person, room_id: int, seconds: int, reason: str) -> None:
    services.mute(
        actor_id=actor_id, room_id=room_id, user_id=row.pk, seconds=seconds, reason=reason
    )


def _remove(*, actor_id: int, row: Person, room_id: int, reason: str) -> None:
    services.remove(actor_id=actor_id, room_id=room_id, user_id=row.pk, reason=reason)


def _ban(*, actor_id: int, row: Person, room_id: int, seconds: int | None, reason: str) -> None:
    services.ban(actor_id=actor_id, room_id=room_id, user_id=row.pk, seconds=seconds, reason=reason)


def _unban(*, actor_id: int, row: Person, room_id: int, reason: str) -> None:
    services.unban(actor_id=actor_id, room_id=room_id, user_id=row.pk, reason=reason)


SITE_BAN = Act(
    name="site-ban",
    label=gettext_noop("Ban from site…"),
    says=gettext_noop(
        "Their connections close within a second, on all devices, and they are told why. They cannot connect again until the ban is "
        "over. What they wrote stays."
    ),
    done=gettext_noop("banned from the site"),
    run=_site_ban,
    permission=BAN_FROM_SITE,
    form=BanForm,
    idle=lambda row: gettext("already banned") if row.is_banned else "",
    undo="site-unban",
    takes_away=True,
)
SITE_UNBAN = Act(
    name="site-unban",
    label=gettext_noop("Lift site ban…"),
    says=gettext_noop("They can connect again at once. Bans from single rooms stay."),
    done=gettext_noop("let back in"),
    run=_site_unban,
    permission=BAN_FROM_SITE,
    form=LiftForm,
    idle=lambda row: "" if row.is_banned else gettext("not banned"),
    undo="site-ban",
)
SITE_MUTE = Act(
    name="site-mute",
    label=gettext_noop("Mute on the site…"),
    says=gettext_noop(
        "They can read, but neither post nor react in any room, also in direct conversations, until the time is over. They are told how "
        "long and why."
    ),
    done=gettext_noop("muted on the site"),
    run=_site_mute,
    permission=BAN_FROM_SITE,
    form=MuteForm,
    undo="site-unmute",
    takes_away=True,
)
SITE_UNMUTE = Act(
    name="site-unmute",
    label=gettext_noop("Lift site mute…"),
    says=gettext_noop(
        "They can post again at once, and are told so. What single rooms have decided stays."
    ),
    done=gettext_noop("allowed to speak again"),
    run=_site_unmute,
    permission=BAN_FROM_SITE,
    form=LiftForm,
    idle=lambda row: "" if row.site_muted_until else gettext("not muted on the site"),
)
SIGN_OUT = Act(
    name="sign-out",
    label=gettext_noop("Sign out everywhere…"),
    says=gettext_noop(
        "Their connections close within a second, on all devices and in all programs, and their access tokens are deleted. Who knows the "
        "password can sign in again at once."
    ),
    done=gettext_noop("signed out everywhere"),
    run=_sign_out,
    permission=BAN_FROM_SITE,
    idle=lambda row: "" if row.is_active else gettext("the account is deactivated"),
    takes_away=True,
)
DEACTIVATE = Act(
    name="deactivate",
    label=gettext_noop("Deactivate account…"),
    says=gettext_noop(
        "Their connections close within a second, on all devices, and nobody can sign in with the account until it is activated again. "
        "Access tokens are deleted for good. What they wrote stays, and so do their rooms."
    ),
    done=gettext_noop("deactivated"),
    run=_deactivate,
    permission=BAN_FROM_SITE,
    idle=lambda row: "" if row.is_active else gettext("already deactivated"),
    undo="activate",
    takes_away=True,
)
ACTIVATE = Act(
    name="activate",
    label=gettext_noop("Activate account…"),
    says=gettext_noop(
        "They can sign in again with their password. Bans and mutes stay as they are."
    ),
    done=gettext_noop("activated"),
    run=_activate,
    permission=BAN_FROM_SITE,
    form=LiftForm,
    idle=lambda row: gettext("already active") if row.is_active else "",
    undo="deactivate",
)
MUTE = Act(
    name="mute",
    label=gettext_noop("Mute in a room…"),
    says=gettext_noop(
        "They can read, but neither post nor react in the room until the time is over. They are told how long and why."
    ),
    done=gettext_noop("muted"),
    run=_mute,
    permission=MODERATE,
    form=MuteInRoomForm,
    takes_away=True,
)
REMOVE = Act(
    name="remove",
    label=gettext_noop("Remove from a room…"),
    says=gettext_noop(
        "They are out of the room within a second. They can come back: into a public room by themselves, else when they are invited."
    ),
    done=gettext_noop("removed from the room"),
    run=_remove,
    permission=MODERATE,
    form=InRoomForm,
    takes_away=True,
)
BAN = Act(
    name="ban",
    label=gettext_noop("Ban from a room…"),
    says=gettext_noop(
        "They are out of the room within a second, if they are in it, and cannot come in or read it until the ban is over."
    ),
    done=gettext_noop("banned from the room"),
    run=_ban,
    permission=MODERATE,
    form=BanInRoomForm,
    takes_away=True,
)
UNBAN = Act(
    name="unban",
    label=gettext_noop("Lift a room's ban…"),
    says=gettext_noop("They may come back into the room: join it again, or be invited."),
    done=gettext_noop("let back into the room"),
    run=_unban,
    permission=MODERATE,
    form=LiftInRoomForm,
)


@admin.register(Person)
class PersonAdmin(ActingAdmin):
    """Everybody with an account. Addresses, passwords and rights are not shown here: they are a superuser's (``AccountAdmin``)."""

    acts = (
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
    change_form_template = "admin/chat/record.html"
    list_display = ("username", "full_name", "joined", "seen", "active", "banned")
    search_help_text = gettext_lazy("The beginning of a name, or an id.")
    fields = ("full_name", "joined", "seen", "active", "banned")
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether somebody may see bans, and so people."""
        return request.user.has_perm(SEE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell the same for the index."""
        return request.user.has_perm(SEE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add whether they are banned and until when they are muted; the unique indexes answer."""
        bans = SiteBan.objects.filter(site_bans.in_effect(), user=OuterRef("pk"))
        mutes = SiteMute.objects.filter(pk=OuterRef("pk"), until__gt=timezone.now()).values("until")
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(is_banned=Exists(bans), site_muted_until=Subquery(mutes))
        )
        return rows

    def found_by(self, word: str) -> Q:
        """Return people by the beginning of their name; a name may be a number, too."""
        found = Q(username__startswith=word.removeprefix("@"))
        return found | Q(pk=int(word)) if is_id(word) else found

    def beside(self, request: HttpRequest, row: Person) -> dict[str, Any]:
        """Add their rooms, the reports about them, and what moderators did."""
        found = {**super().beside(request, row), **case_context.of_person(row.pk)}
        if request.user.has_perm("chat.add_bulk"):
            found["acts"] += links_to_files(request, row.username)
        return found

    def name(self, row: Person) -> str:
        """Return the username as others mention it."""
        return f"@{row.username}"

    def brief(self, row: Person) -> SafeString:
        """Return who it is."""
        return format_html("{} {}", formatting.person(row), row.get_full_name())

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, row: Person) -> str:
        """Return the name that others see."""
        return row.get_full_name() or "—"

    @admin.display(description=gettext_lazy("joined"))
    def joined(self, row: Person) -> SafeString | str:
        """Return since when the account exists."""
        return formatting.moment(row.date_joined)

    @admin.display(description=gettext_lazy("last signed in"))
    def seen(self, row: Person) -> SafeString | str:
        """Return when they last signed in."""
        return formatting.moment(row.last_login)

    @admin.display(description=gettext_lazy("active"), boolean=True)
    def active(self, row: Person) -> bool:
        """Tell whether the account can be used."""
        return row.is_active

    @admin.display(description=gettext_lazy("banned"))
    def banned(self, row: Any) -> SafeString | str:
        """Tell whether a ban from the site stands, or until when they are muted there."""
        if row.is_banned:
            return gettext("banned from the site")
        return (
            format_html(gettext("muted until {}"), formatting.moment(row.site_muted_until))
            if row.site_muted_until
            else "—"
        )


LIFT = Act(
    name="lift",
    label=SITE_UNBAN.label,
    says=SITE_UNBAN.says,
    done=gettext_noop("lifted"),
    run=_site_unban,
    permission=BAN_FROM_SITE,
    form=LiftForm,
    idle=lambda row: (
        ""
        if row.lifted_at is None and (row.until is None or row.until > timezone.now())
        else gettext("already over")
    ),
)


@admin.register(SiteBan)
class SiteBanAdmin(ActingAdmin):
    """Bans from the site, those that stand and those that were. A new one is made on the page of the person."""

    acts = (LIFT,)
    list_display = ("id", "who", "reason", "by", "when", "ends", "over")
    list_select_related = ("user", "created_by", "lifted_by")
    search_help_text = gettext_lazy("@name: who is banned, or who did it.")
    people = ("user", "created_by")
    fields = ("who", "reason", "by", "created_at", "until", "lifted_at", "lifted")
    readonly_fields = ("who", "by", "lifted")

    def brief(self, row: SiteBan) -> SafeString:
        """Return who is banned, and why."""
        return format_html("{} · {}", formatting.person(row.user), row.reason)

    @admin.display(description=gettext_lazy("person"))
    def who(self, row: SiteBan) -> SafeString | str:
        """Return who is banned."""
        return formatting.person(row.user)

    @admin.display(description=gettext_lazy("banned by"))
    def by(self, row: SiteBan) -> SafeString | str:
        """Return who did it."""
        return formatting.person(row.created_by)

    @admin.display(description=gettext_lazy("until"))
    def ends(self, row: SiteBan) -> SafeString | str:
        """Return when it ends by itself."""
        return formatting.moment(row.until)

    @admin.display(description=gettext_lazy("lifted"))
    def over(self, row: SiteBan) -> SafeString | str:
        """Return when it ended, and by whom if not by itself."""
        ended = formatting.moment(row.lifted_at)
        return (
            format_html("{} · {}", ended, formatting.person(row.lifted_by))
            if row.lifted_by
            else ended
        )

    @admin.display(description=gettext_lazy("lifted by"))
    def lifted(self, row: SiteBan) -> SafeString | str:
        """Return who took it back."""
        return formatting.person(row.lifted_by)


admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(KeysetAdmin, UserAdmin[User]):
    """Django's own page of accounts, for those whom a superuser lets in, over a list that does not count.

    Nobody deletes an account here: its messages are the history of others, and its rows belong to streams. It is deactivated instead.
    """

    list_filter = ("groups",)  # the others scan
    ordering = ("username",)
    search_help_text = gettext_lazy("The beginning of a username.")

    def keyset(self, found: Any) -> str:
        """Return the username."""
        return "username"

    def found_by(self, word: str) -> Q:
        """Return accounts by the beginning of their username."""
        return Q(username__startswith=word.removeprefix("@"))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save everything but the names: they have a door of their own, which opens after this transaction (``services.rename``)."""
        names = {name: getattr(obj, name) for name in NAMES if change and name in form.changed_data}
        for name in names:
            setattr(obj, name, form.initial[name])
        super().save_model(request, obj, form, change)
        if names:
            actor_id = request.user.pk
            transaction.on_commit(
                lambda: services.rename(user_id=obj.pk, actor_id=actor_id, **names)
            )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the one filter."""
        return lookup in ("groups__id__exact", "groups__isnull")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False
