"""Members of rooms: roles, mutes, removals and bans."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat import policies, services
from chat.admin import formatting
from chat.admin.actions import ActionAdmin, AdminAction
from chat.admin.forms import BanForm, MuteForm, OptionalReasonForm, RoleForm
from chat.admin.lists import without_direct
from chat.models import Membership, State

CHANGE = "chat.change_membership"


def _is_muted(row: Membership) -> bool:
    return row.muted_until is not None and row.muted_until > timezone.now()


def _not_active(row: Membership) -> str | Promise:
    if row.room.is_direct:
        return _("Direct conversations have no moderators")
    return "" if row.state == State.ACTIVE else _("Not in this room")


def _not_bannable(row: Membership) -> str | Promise:
    if row.room.is_direct:
        return _not_active(row)
    return _("Already banned") if policies.is_banned(row) else ""


MUTE = AdminAction(
    name="mute",
    label=_("Mute"),
    explanation=_(
        "They can read but not post or react in this room until the mute ends. They are notified"
        " of the duration and the reason."
    ),
    done=ngettext_lazy("%(count)d person muted.", "%(count)d people muted.", "count"),
    service=services.mute,
    permission=CHANGE,
    form=MuteForm,
    blocker=_not_active,
    undo="unmute",
    is_destructive=True,
)
UNMUTE = AdminAction(
    name="unmute",
    label=_("Unmute"),
    explanation=_("They can post again immediately, and are notified."),
    done=ngettext_lazy("%(count)d person unmuted.", "%(count)d people unmuted.", "count"),
    service=partial(services.mute, seconds=0),
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=lambda row: _not_active(row) or ("" if _is_muted(row) else _("Not muted")),
)
ROLE = AdminAction(
    name="role",
    label=_("Change role"),
    explanation=_(
        "Owners can edit and archive the room and assign roles. Moderators can delete messages,"
        " and mute, remove and ban members. A room always has at least one owner."
    ),
    done=ngettext_lazy("%(count)d role changed.", "%(count)d roles changed.", "count"),
    service=services.set_role,
    permission=CHANGE,
    form=RoleForm,
    blocker=_not_active,
    initial=lambda row: {"role": row.role},
)
REMOVE = AdminAction(
    name="remove",
    label=_("Remove from room"),
    explanation=_(
        "They lose access to the room within a second. They can rejoin a public room; they can"
        " return to a private room when they are invited."
    ),
    done=ngettext_lazy(
        "%(count)d person removed from the room.",
        "%(count)d people removed from the room.",
        "count",
    ),
    service=services.remove,
    permission=CHANGE,
    blocker=_not_active,
    is_destructive=True,
)
BAN = AdminAction(
    name="ban",
    label=_("Ban from room"),
    explanation=_(
        "They lose access to the room within a second, and cannot read or rejoin it until the ban"
        " ends."
    ),
    done=ngettext_lazy(
        "%(count)d person banned from the room.", "%(count)d people banned from the room.", "count"
    ),
    service=services.ban,
    permission=CHANGE,
    form=BanForm,
    blocker=_not_bannable,
    undo="unban",
    is_destructive=True,
)
UNBAN = AdminAction(
    name="unban",
    label=_("Unban from room"),
    explanation=_("They can rejoin the room, or be invited to it."),
    done=ngettext_lazy(
        "%(count)d person unbanned from the room.",
        "%(count)d people unbanned from the room.",
        "count",
    ),
    service=services.unban,
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=lambda row: "" if policies.is_banned(row) else _("Not banned"),
    undo="ban",
)


@admin.register(Membership)
class MembershipAdmin(ActionAdmin):
    """Memberships, also former ones, except those of direct conversations."""

    moderator_actions = (MUTE, UNMUTE, ROLE, REMOVE, BAN, UNBAN)
    row_arguments = {"room_id": "room_id", "user_id": "user_id"}
    list_display = ("id", "in_room", "member", "role", "current_state", "muted", "joined")
    list_select_related = ("room", "user")
    search_help_text = _("Search by @username or #room.")
    person_columns = ("user",)
    room_column = "room"
    url_columns = ("room", "user")
    fields = (
        "in_room",
        "member",
        "role",
        "state",
        "muted_until",
        "banned_until",
        "involvement",
        "read_number",
        "joined_at",
        "last_posted_at",
    )
    readonly_fields = ("in_room", "member")

    def keyset(self, found: ChangeList) -> str:
        """Return the order of an index: members of a room, or rooms of a person."""
        if self.is_one_room(found):
            return "user_id"
        return "-inbox_seq" if "user" in found.params else "-pk"

    def visible(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        return without_direct(found, rows)

    def page_title(self, row: Membership) -> str:
        if row.room.is_direct:
            return gettext("%(person)s in a direct conversation") % {"person": row.user.username}
        return gettext("%(person)s in %(room)s") % {
            "person": row.user.username,
            "room": str(row.room),
        }

    def summary(self, row: Membership) -> SafeString:
        return format_html(
            "{} · {} · {}",
            formatting.person(row.user),
            formatting.room(row.room),
            row.get_role_display(),
        )

    @admin.display(description=_("room"))
    def in_room(self, row: Membership) -> SafeString | str:
        return formatting.room(row.room)

    @admin.display(description=_("person"))
    def member(self, row: Membership) -> SafeString | str:
        return formatting.person(row.user)

    @admin.display(description=_("state"))
    def current_state(self, row: Membership) -> SafeString | str:
        if row.banned_until is None or not policies.is_banned(row):
            return str(State(policies.effective_state(row.state, row.banned_until)).label)
        return format_html(gettext("Banned until {}"), formatting.moment(row.banned_until))

    @admin.display(description=_("muted until"))
    def muted(self, row: Membership) -> SafeString | str:
        return formatting.moment(row.muted_until if _is_muted(row) else None)

    @admin.display(description=_("joined"))
    def joined(self, row: Membership) -> SafeString | str:
        return formatting.moment(row.joined_at)
