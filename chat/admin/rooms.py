"""Rooms. Direct conversations are not listed: they have no moderators."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, ngettext_lazy, pgettext
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting, log_sentences
from chat.admin.actions import ActionAdmin, AdminAction
from chat.admin.forms import NameForm, OptionalReasonForm, RetentionForm, SlowModeForm
from chat.models import Room
from chat.queries import retention

CHANGE = "chat.change_room"


def _archived(row: Room) -> str | Promise:
    return _("Archived") if row.archived_at else ""


LOCK = AdminAction(
    name="lock",
    label=_("Lock"),
    explanation=_(
        "Only owners and moderators can post. Everyone in the room sees immediately that it is"
        " locked, and can still read and react."
    ),
    done=ngettext_lazy("%(count)d room locked.", "%(count)d rooms locked.", "count"),
    service=partial(services.change_room, read_only=True),
    permission=CHANGE,
    blocker=lambda row: _archived(row) or (_("Already locked") if row.read_only else ""),
    undo="unlock",
    is_destructive=True,
)
UNLOCK = AdminAction(
    name="unlock",
    label=_("Unlock"),
    explanation=_("All members can post again."),
    done=ngettext_lazy("%(count)d room unlocked.", "%(count)d rooms unlocked.", "count"),
    service=partial(services.change_room, read_only=False),
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=lambda row: _archived(row) or ("" if row.read_only else _("Not locked")),
    undo="lock",
)
SLOW_MODE = AdminAction(
    name="slow",
    label=_("Change slow mode"),
    explanation=_(
        "Members have to wait this long between two messages. Owners and moderators do not."
    ),
    done=ngettext_lazy(
        "Slow mode changed in %(count)d room.", "Slow mode changed in %(count)d rooms.", "count"
    ),
    service=services.change_room,
    permission=CHANGE,
    form=SlowModeForm,
    blocker=_archived,
    initial=lambda row: {"slow_mode": row.slow_mode},
)
RENAME = AdminAction(
    name="rename",
    label=_("Rename"),
    explanation=_(
        "Everyone sees the new name and topic immediately. The URL of the room does not change."
    ),
    done=ngettext_lazy("%(count)d room renamed.", "%(count)d rooms renamed.", "count"),
    service=services.change_room,
    permission=CHANGE,
    form=NameForm,
    blocker=_archived,
    initial=lambda row: {"name": row.name, "topic": row.topic},
    is_single=True,
)
RETENTION = AdminAction(
    name="retention",
    label=_("Change retention"),
    explanation=_(
        "Messages that are older are removed for good by the next run of retention, except those"
        " in an open case."
    ),
    done=ngettext_lazy(
        "Retention changed in %(count)d room.", "Retention changed in %(count)d rooms.", "count"
    ),
    service=services.set_retention,
    permission=CHANGE,
    form=RetentionForm,
    initial=lambda row: {
        "retention_days": "" if row.retention_days is None else row.retention_days
    },
    is_destructive=True,
)
ARCHIVE = AdminAction(
    name="archive",
    label=_("Archive"),
    explanation=_(
        "The room is closed: no one can post in it or join it, and it is removed from lists. Its"
        " history stays."
    ),
    done=ngettext_lazy("%(count)d room archived.", "%(count)d rooms archived.", "count"),
    service=partial(services.change_room, archived=True),
    permission=CHANGE,
    blocker=_archived,
    undo="unarchive",
    is_destructive=True,
)
UNARCHIVE = AdminAction(
    name="unarchive",
    label=_("Unarchive"),
    explanation=_("The room reopens with the members and the history that it had."),
    done=ngettext_lazy("%(count)d room unarchived.", "%(count)d rooms unarchived.", "count"),
    service=partial(services.change_room, archived=False),
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=lambda row: "" if row.archived_at else _("Not archived"),
    undo="archive",
)


@admin.register(Room)
class RoomAdmin(ActionAdmin):
    moderator_actions = (LOCK, UNLOCK, SLOW_MODE, RENAME, RETENTION, ARCHIVE, UNARCHIVE)
    row_arguments = {"room_id": "pk"}
    list_display = ("slug", "name", "kind", "members", "messages", "slow", "state")
    search_help_text = _("Search by the beginning of a room’s URL name, or by ID.")
    fields = (
        "slug",
        "name",
        "topic",
        "kind",
        "state",
        "members",
        "messages",
        "slow",
        "kept",
        "archived",
        "when",
        "creator",
        "log",
    )
    readonly_fields = (
        "state",
        "members",
        "messages",
        "slow",
        "kept",
        "archived",
        "when",
        "creator",
        "log",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out direct conversations; the unique index on their key finds the others."""
        return super().get_queryset(request).filter(direct_key=None)

    def matching(self, word: str) -> Q:
        found = Q(slug__startswith=word.removeprefix("#"))
        return found | Q(pk=int(word)) if word.isdecimal() and word.isascii() else found

    def summary(self, row: Room) -> SafeString:
        members = ngettext("%(count)d member", "%(count)d members", row.member_count) % {
            "count": row.member_count
        }
        return format_html("{} {} · {}", formatting.room(row), row.name, members)

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Return the page of a public room; the others open only for members."""
        return obj.get_absolute_url() if obj is not None and obj.kind == Room.Kind.PUBLIC else None

    @admin.display(description=_("state"))
    def state(self, row: Room) -> str:
        if row.archived_at:
            return gettext("Archived")
        return gettext("Locked") if row.read_only else pgettext("state of a room", "Open")

    @admin.display(description=_("slow mode"))
    def slow(self, row: Room) -> str:
        return log_sentences.duration(row.slow_mode)

    @admin.display(description=_("retention"))
    def kept(self, row: Room) -> str:
        days = retention.days_of(row)
        shown = (
            ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
            if days
            else gettext("Forever")
        )
        return f"{shown} ({gettext('As the site')})" if row.retention_days is None else shown

    @admin.display(description=_("members"))
    def members(self, row: Room) -> SafeString:
        return formatting.list_link("membership", row.member_count, room=row.pk)

    @admin.display(description=_("messages"))
    def messages(self, row: Room) -> SafeString:
        return formatting.list_link("message", row.last_number, room=row.pk)

    @admin.display(description=_("archived"))
    def archived(self, row: Room) -> SafeString | str:
        return formatting.moment(row.archived_at)

    @admin.display(description=_("created by"))
    def creator(self, row: Room) -> SafeString | str:
        return formatting.person(row.created_by)

    @admin.display(description=_("moderation log"))
    def log(self, row: Room) -> SafeString:
        return formatting.list_link("moderationlog", gettext("View log"), room=row.pk)
