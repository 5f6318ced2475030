"""Who is in which room, who may speak there, and who may come back."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from chat import policies, services
from chat.admin import formatting
from chat.admin.actions import Act, ActingAdmin
from chat.admin.forms import BanForm, LiftForm, MuteForm, RoleForm
from chat.admin.lists import without_direct
from chat.models import Membership, State

CHANGE = "chat.change_membership"


def _mute(*, actor_id: int, row: Membership, seconds: int, reason: str) -> None:
    services.mute(
        actor_id=actor_id, room_id=row.room_id, user_id=row.user_id, seconds=seconds, reason=reason
    )


def _unmute(*, actor_id: int, row: Membership, reason: str) -> None:
    services.mute(
        actor_id=actor_id, room_id=row.room_id, user_id=row.user_id, seconds=0, reason=reason
    )


def _remove(*, actor_id: int, row: Membership, reason: str) -> None:
    services.remove(actor_id=actor_id, room_id=row.room_id, user_id=row.user_id, reason=reason)


def _ban(*, actor_id: int, row: Membership, seconds: int | None, reason: str) -> None:
    services.ban(
        actor_id=actor_id, room_id=row.room_id, user_id=row.user_id, seconds=seconds, reason=reason
    )


def _unban(*, actor_id: int, row: Membership, reason: str) -> None:
    services.unban(actor_id=actor_id, room_id=row.room_id, user_id=row.user_id, reason=reason)


def _set_role(*, actor_id: int, row: Membership, role: str, reason: str) -> None:
    services.set_role(
        actor_id=actor_id, room_id=row.room_id, user_id=row.user_id, role=role, reason=reason
    )


def _is_muted(row: Membership) -> bool:
    return row.muted_until is not None and row.muted_until > timezone.now()


def _not_there(row: Membership) -> str:
    if row.room.is_direct:
        return gettext("a direct conversation has no moderators")
    return (
        ""
        if row.state == State.ACTIVE
        else gettext("not in the room (%(state)s)") % {"state": row.get_state_display().lower()}
    )


def _not_bannable(row: Membership) -> str:
    if row.room.is_direct:
        return _not_there(row)
    return gettext("already banned") if policies.is_banned(row) else ""


MUTE = Act(
    name="mute",
    label=gettext_noop("Mute…"),
    says=gettext_noop(
        "They can read, but neither post nor react in the room until the time is over. They are told how long and why."
    ),
    done=gettext_noop("muted"),
    run=_mute,
    permission=CHANGE,
    form=MuteForm,
    idle=_not_there,
    undo="unmute",
    takes_away=True,
)
UNMUTE = Act(
    name="unmute",
    label=gettext_noop("Unmute…"),
    says=gettext_noop("They can post again at once, and are told so."),
    done=gettext_noop("unmuted"),
    run=_unmute,
    permission=CHANGE,
    form=LiftForm,
    idle=lambda row: _not_there(row) or ("" if _is_muted(row) else gettext("not muted")),
)
ROLE = Act(
    name="role",
    label=gettext_noop("Change role…"),
    says=gettext_noop(
        "Owners change and archive a room and give roles; moderators delete, mute, remove and ban. A room keeps at least one owner."
    ),
    done=gettext_noop("changed"),
    run=_set_role,
    permission=CHANGE,
    form=RoleForm,
    idle=_not_there,
    initial=lambda row: {"role": row.role},
)
REMOVE = Act(
    name="remove",
    label=gettext_noop("Remove from room…"),
    says=gettext_noop(
        "They are out of the room within a second. They can come back: into a public room by themselves, else when they are invited."
    ),
    done=gettext_noop("removed"),
    run=_remove,
    permission=CHANGE,
    idle=_not_there,
    takes_away=True,
)
BAN = Act(
    name="ban",
    label=gettext_noop("Ban from room…"),
    says=gettext_noop(
        "They are out of the room within a second and cannot come back until the ban is over. They can no longer read it either."
    ),
    done=gettext_noop("banned"),
    run=_ban,
    permission=CHANGE,
    form=BanForm,
    idle=_not_bannable,
    undo="unban",
    takes_away=True,
)
UNBAN = Act(
    name="unban",
    label=gettext_noop("Lift ban…"),
    says=gettext_noop("They may come back into the room: join it again, or be invited."),
    done=gettext_noop("let back in"),
    run=_unban,
    permission=CHANGE,
    form=LiftForm,
    idle=lambda row: "" if policies.is_banned(row) else gettext("not banned"),
    undo="ban",
)


@admin.register(Membership)
class MembershipAdmin(ActingAdmin):
    """Memberships, also those of people who are gone; direct conversations are not listed."""

    acts = (MUTE, UNMUTE, ROLE, REMOVE, BAN, UNBAN)
    list_display = ("id", "where", "who", "role", "standing", "muted", "joined")
    list_select_related = ("room", "user")
    search_help_text = gettext_lazy("Any of: @name, #room.")
    people = ("user",)
    room = "room"
    narrowed_by = ("room", "user")
    fields = (
        "where",
        "who",
        "role",
        "state",
        "muted_until",
        "banned_until",
        "involvement",
        "read_number",
        "joined_at",
        "last_posted_at",
    )
    readonly_fields = ("where", "who")

    def keyset(self, found: ChangeList) -> str:
        """Return the column in whose order an index has the members of a room, or the rooms of a person."""
        if self.is_narrowed_to_room(found):
            return "user_id"
        return "-inbox_seq" if "user" in found.params else "-pk"

    def listed(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Leave out direct conversations."""
        return without_direct(found, rows)

    def name(self, row: Membership) -> str:
        """Return who, where."""
        where = gettext("a direct conversation") if row.room.is_direct else str(row.room)
        return gettext("%(person)s in %(room)s") % {"person": row.user.username, "room": where}

    def brief(self, row: Membership) -> SafeString:
        """Return who, where, as what."""
        return format_html(
            "{} in {} · {}",
            formatting.person(row.user),
            formatting.room(row.room),
            formatting.inside(row.get_role_display()),
        )

    @admin.display(description=gettext_lazy("room"))
    def where(self, row: Membership) -> SafeString | str:
        """Return the room."""
        return formatting.room(row.room)

    @admin.display(description=gettext_lazy("person"))
    def who(self, row: Membership) -> SafeString | str:
        """Return the member."""
        return formatting.person(row.user)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, row: Membership) -> SafeString | str:
        """Return the state that counts, and when a ban ends."""
        if row.banned_until is None or not policies.is_banned(row):
            return str(State(policies.effective_state(row.state, row.banned_until)).label)
        return format_html(gettext("Banned until {}"), formatting.moment(row.banned_until))

    @admin.display(description=gettext_lazy("muted until"))
    def muted(self, row: Membership) -> SafeString | str:
        """Return until when, while it lasts."""
        return formatting.moment(row.muted_until) if _is_muted(row) else "—"

    @admin.display(description=gettext_lazy("joined"))
    def joined(self, row: Membership) -> SafeString | str:
        """Return since when they are in the room."""
        return formatting.moment(row.joined_at)
