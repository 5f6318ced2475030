"""Rooms. Direct conversations are not listed: nobody moderates them, and who talks to whom is nobody's business."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, gettext_noop, ngettext

from chat import services
from chat.admin import formatting
from chat.admin.actions import Act, ActingAdmin
from chat.admin.forms import LiftForm, NameForm, SlowModeForm
from chat.models import Room

CHANGE = "chat.change_room"


def _change(**change: Any) -> Any:
    """Return an act that changes the room in this way."""

    def run(*, actor_id: int, row: Room, reason: str) -> None:
        services.change_room(actor_id=actor_id, room_id=row.pk, reason=reason, **change)

    return run


def _slow_down(*, actor_id: int, row: Room, seconds: int, reason: str) -> None:
    services.change_room(actor_id=actor_id, room_id=row.pk, slow_mode=seconds, reason=reason)


def _rename(*, actor_id: int, row: Room, name: str, topic: str, reason: str) -> None:
    services.change_room(actor_id=actor_id, room_id=row.pk, name=name, topic=topic, reason=reason)


def _archived(row: Room) -> str:
    return gettext("archived") if row.archived_at else ""


LOCK = Act(
    name="lock",
    label=gettext_noop("Lock…"),
    says=gettext_noop(
        "Only owners and moderators can post. Everybody in the room sees at once that it is locked; reading and reacting stay possible."
    ),
    done=gettext_noop("locked"),
    run=_change(read_only=True),
    permission=CHANGE,
    idle=lambda row: _archived(row) or (gettext("already locked") if row.read_only else ""),
    undo="unlock",
    takes_away=True,
)
UNLOCK = Act(
    name="unlock",
    label=gettext_noop("Unlock…"),
    says=gettext_noop("All members can post again."),
    done=gettext_noop("unlocked"),
    run=_change(read_only=False),
    permission=CHANGE,
    form=LiftForm,
    idle=lambda row: _archived(row) or ("" if row.read_only else gettext("not locked")),
    undo="lock",
)
SLOW_MODE = Act(
    name="slow",
    label=gettext_noop("Slow mode…"),
    says=gettext_noop("Members wait so long between two messages; owners and moderators do not."),
    done=gettext_noop("changed"),
    run=_slow_down,
    permission=CHANGE,
    form=SlowModeForm,
    idle=_archived,
    initial=lambda row: {"seconds": row.slow_mode},
)
RENAME = Act(
    name="rename",
    label=gettext_noop("Rename…"),
    says=gettext_noop(
        "Everybody sees the new name and topic at once. The address of the room stays."
    ),
    done=gettext_noop("renamed"),
    run=_rename,
    permission=CHANGE,
    form=NameForm,
    idle=_archived,
    initial=lambda row: {"name": row.name, "topic": row.topic},
    is_single=True,
)
ARCHIVE = Act(
    name="archive",
    label=gettext_noop("Archive…"),
    says=gettext_noop(
        "The room is closed: nobody posts in it or joins it, and it leaves the lists. Its history stays."
    ),
    done=gettext_noop("archived"),
    run=_change(archived=True),
    permission=CHANGE,
    idle=_archived,
    undo="unarchive",
    takes_away=True,
)
UNARCHIVE = Act(
    name="unarchive",
    label=gettext_noop("Open again…"),
    says=gettext_noop(
        "The room is as it was before it was archived, with its members and its history."
    ),
    done=gettext_noop("opened again"),
    run=_change(archived=False),
    permission=CHANGE,
    form=LiftForm,
    idle=lambda row: "" if row.archived_at else gettext("not archived"),
    undo="archive",
)


@admin.register(Room)
class RoomAdmin(ActingAdmin):
    """Rooms, and what moderators do to them."""

    acts = (LOCK, UNLOCK, SLOW_MODE, RENAME, ARCHIVE, UNARCHIVE)
    list_display = ("slug", "name", "kind", "members", "messages", "slow", "state")
    search_help_text = gettext_lazy("The beginning of a room's address, or its id.")
    fields = (
        *("slug", "name", "topic", "kind", "state", "members", "messages", "slow"),
        *("archived", "when", "by", "log"),
    )
    readonly_fields = ("state", "members", "messages", "slow", "archived", "when", "by", "log")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out direct conversations; the unique index on their key finds the others."""
        return super().get_queryset(request).filter(direct_key=None)

    def found_by(self, word: str) -> Q:
        """Return rooms by the beginning of their address."""
        found = Q(slug__startswith=word.removeprefix("#"))
        return found | Q(pk=int(word)) if word.isdecimal() and word.isascii() else found

    def brief(self, row: Room) -> SafeString:
        """Return the room with what it is called."""
        members = ngettext("%(count)d member", "%(count)d members", row.member_count) % {
            "count": row.member_count
        }
        return format_html("{} {} · {}", formatting.room(row), row.name, members)

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Return the page of a public room; the others open only for members."""
        return obj.get_absolute_url() if obj is not None and obj.kind == Room.Kind.PUBLIC else None

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Room) -> str:
        """Return who can post."""
        return (
            gettext("archived")
            if row.archived_at
            else gettext("locked")
            if row.read_only
            else gettext("open")
        )

    @admin.display(description=gettext_lazy("slow mode"))
    def slow(self, row: Room) -> str:
        """Return the seconds between two messages."""
        return f"{row.slow_mode} s" if row.slow_mode else gettext("off")

    @admin.display(description=gettext_lazy("members"))
    def members(self, row: Room) -> SafeString:
        """Return how many there are, with a link to them."""
        return format_html(
            '<a href="{}?room={}">{}</a>',
            reverse("admin:chat_membership_changelist"),
            row.pk,
            row.member_count,
        )

    @admin.display(description=gettext_lazy("messages"))
    def messages(self, row: Room) -> SafeString:
        """Return how many were posted, with a link to them."""
        return format_html(
            '<a href="{}?room={}">{}</a>',
            reverse("admin:chat_message_changelist"),
            row.pk,
            row.last_number,
        )

    @admin.display(description=gettext_lazy("archived"))
    def archived(self, row: Room) -> SafeString | str:
        """Return when it was archived."""
        return formatting.moment(row.archived_at)

    @admin.display(description=gettext_lazy("made by"))
    def by(self, row: Room) -> SafeString | str:
        """Return who made it."""
        return formatting.person(row.created_by)

    @admin.display(description=gettext_lazy("moderation"))
    def log(self, row: Room) -> SafeString:
        """Return a link to what moderators did here."""
        return format_html(
            '<a href="{}?room={}">{}</a>',
            reverse("admin:chat_moderationlog_changelist"),
            row.pk,
            gettext("what moderators did here"),
        )
