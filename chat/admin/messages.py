"""Messages, and the texts that moderators have removed."""

import re
from dataclasses import replace
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import case_context, formatting
from chat.admin.actions import ActionAdmin, AdminAction
from chat.admin.forms import OptionalReasonForm
from chat.admin.lists import NOTHING, is_id, room_id, without_direct
from chat.models import Message, RemovedText

CHANGE = "chat.change_message"
_PERMALINK: Final = re.compile(r"/rooms/([-\w]+)/(\d+)/?$")


def _not_restorable(row: Message) -> str | Promise:
    if not row.is_deleted:
        return _("Not deleted")
    return "" if hasattr(row, "removed_text") else _("Deleted by its author: the text is gone")


DELETE = AdminAction(
    name="delete",
    label=_("Delete"),
    explanation=_(
        "The text disappears for everyone within a second; a note that it was deleted stays."
        " Authors are notified of the reason."
    ),
    done=ngettext_lazy("%(count)d message deleted.", "%(count)d messages deleted.", "count"),
    service=services.delete_message,
    permission=CHANGE,
    blocker=lambda row: _("Already deleted") if row.is_deleted else "",
    undo="restore",
    is_destructive=True,
)
RESTORE = AdminAction(
    name="restore",
    label=_("Restore"),
    explanation=_(
        "The text and its reactions reappear for everyone in the same place. Authors are notified."
    ),
    done=ngettext_lazy("%(count)d message restored.", "%(count)d messages restored.", "count"),
    service=services.restore_message,
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=_not_restorable,
    undo="delete",
)
UNHIDE = AdminAction(
    name="show",
    label=_("Unhide"),
    explanation=_("Everyone can read the message again."),
    done=ngettext_lazy("%(count)d message unhidden.", "%(count)d messages unhidden.", "count"),
    service=services.show_message,
    permission=CHANGE,
    form=OptionalReasonForm,
    blocker=lambda row: "" if row.is_hidden else _("Not hidden"),
)
# For rows that are the removed texts themselves.
RESTORE_TEXT = replace(RESTORE, blocker=lambda row: "", undo="")


@admin.register(Message)
class MessageAdmin(ActionAdmin):
    """Messages. Those of direct conversations are not listed, and their pages hide the text."""

    moderator_actions = (DELETE, RESTORE, UNHIDE)
    change_form_template = "admin/chat/record.html"
    list_display = ("id", "in_room", "number", "by", "text", "when", "state")
    list_select_related = ("room", "author", "removed_text", "held_text")
    search_help_text = _("Search by @username, #room, message URL or ID.")
    person_columns = ("author",)
    room_column = "room"
    url_columns = ("room", "author")
    fields = (
        "in_room",
        "number",
        "by",
        "full_text",
        "removed",
        "created_at",
        "edited_at",
        "deleted_at",
        "reply_to_message",
        "reaction_counts",
    )
    readonly_fields = (
        "in_room",
        "by",
        "full_text",
        "removed",
        "reply_to_message",
        "reaction_counts",
    )

    def ids(self, row: Message) -> dict[str, int]:
        return {"message_id": row.pk}

    def keyset(self, found: ChangeList) -> str:
        """Return the order of an index: the number within one room, or the id."""
        return "-number" if self.is_one_room(found) else "-pk"

    def matching(self, word: str) -> Q:
        permalink = _PERMALINK.search(word)
        if permalink is None:
            return super().matching(word)
        room, number = room_id(permalink[1]), permalink[2]
        return Q(room=room, number=int(number)) if room and is_id(number) else NOTHING

    def visible(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        return without_direct(found, rows)

    def page_context(self, request: HttpRequest, row: Message) -> dict[str, Any]:
        return {**super().page_context(request, row), **case_context.of_message(row.pk)}

    def summary(self, row: Message) -> SafeString:
        return format_html(
            "{} {} · {}: {}",
            formatting.room(row.room),
            formatting.numbered(row),
            formatting.person(row.author),
            formatting.text(row),
        )

    @admin.display(description=_("room"))
    def in_room(self, row: Message) -> SafeString | str:
        return formatting.room(row.room)

    @admin.display(description=_("author"))
    def by(self, row: Message) -> SafeString | str:
        return formatting.person(row.author)

    @admin.display(description=_("text"))
    def text(self, row: Message) -> str:
        return formatting.text(row)

    @admin.display(description=_("state"))
    def state(self, row: Message) -> str:
        if row.is_deleted and hasattr(row, "removed_text"):
            return gettext("Deleted by a moderator")
        if row.is_deleted:
            return gettext("Deleted by its author")
        if row.is_hidden:
            return gettext("Hidden during review")
        return gettext("Edited") if row.edited_at else "—"

    @admin.display(description=_("text"))
    def full_text(self, row: Message) -> SafeString | str:
        if row.is_deleted or row.room.is_direct:
            return formatting.text(row)
        return formatting.full_text(case_context.body_of(row))

    @admin.display(description=_("removed text"))
    def removed(self, row: Message) -> SafeString | str:
        """Return the text that a moderator has removed, while it can be restored."""
        found = RemovedText.objects.filter(pk=row.pk).select_related("removed_by").first()
        if found is None:
            return "—"
        text = formatting.HIDDEN if row.room.is_direct else formatting.full_text(found.body)
        return format_html(
            gettext("{text} (removed by {moderator})"),
            text=text,
            moderator=formatting.person(found.removed_by),
        )

    @admin.display(description=_("in reply to"))
    def reply_to_message(self, row: Message) -> SafeString | str:
        return formatting.message(row.reply_to_id)

    @admin.display(description=_("reactions"))
    def reaction_counts(self, row: Message) -> str:
        return "  ".join(f"{emoji} {len(people)}" for emoji, people in row.reactions.items()) or "—"


@admin.register(RemovedText)
class RemovedTextAdmin(ActionAdmin):
    """Texts that moderators have removed and can restore."""

    moderator_actions = (RESTORE_TEXT,)
    list_display = ("message_number", "in_room", "by", "text", "moderator", "when")
    list_select_related = ("message__room", "message__author", "removed_by")
    search_help_text = _("Search by the moderator’s @username, or by message ID.")
    person_columns = ("removed_by",)
    fields = ("in_room", "by", "full_text", "moderator", "removed_at")
    readonly_fields = ("in_room", "by", "full_text", "moderator")

    def ids(self, row: RemovedText) -> dict[str, int]:
        return {"message_id": row.message_id}

    def summary(self, row: RemovedText) -> SafeString:
        return format_html(
            "{} · {}: {}",
            formatting.room(row.message.room),
            formatting.person(row.message.author),
            self.text(row),
        )

    @admin.display(description=_("message"))
    def message_number(self, row: RemovedText) -> int:
        return row.message_id

    @admin.display(description=_("room"))
    def in_room(self, row: RemovedText) -> SafeString | str:
        room, number = formatting.room(row.message.room), formatting.numbered(row.message)
        return format_html("{} {}", room, number)

    @admin.display(description=_("author"))
    def by(self, row: RemovedText) -> SafeString | str:
        return formatting.person(row.message.author)

    @admin.display(description=_("text"))
    def text(self, row: RemovedText) -> str:
        is_direct = row.message.room.is_direct
        return str(formatting.HIDDEN) if is_direct else formatting.excerpt(row.body)

    @admin.display(description=_("text"))
    def full_text(self, row: RemovedText) -> SafeString | str:
        is_direct = row.message.room.is_direct
        return str(formatting.HIDDEN) if is_direct else formatting.full_text(row.body)

    @admin.display(description=_("when"))
    def when(self, row: RemovedText) -> SafeString | str:
        return formatting.moment(row.removed_at)

    @admin.display(description=_("removed by"))
    def moderator(self, row: RemovedText) -> SafeString | str:
        return formatting.person(row.removed_by)
