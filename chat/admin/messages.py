"""Messages, and what moderators have removed of them."""

import re
from dataclasses import replace
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from chat import services
from chat.admin import case_context, formatting
from chat.admin.actions import Act, ActingAdmin
from chat.admin.forms import LiftForm
from chat.admin.lists import NOTHING, is_id, room_id, without_direct
from chat.models import Message, RemovedText

CHANGE = "chat.change_message"
_PERMALINK: Final = re.compile(r"/rooms/([-\w]+)/(\d+)/?$")


def _delete(*, actor_id: int, row: Message, reason: str) -> None:
    services.delete_message(actor_id=actor_id, message_id=row.pk, reason=reason)


def _restore(*, actor_id: int, row: Message | RemovedText, reason: str) -> None:
    services.restore_message(actor_id=actor_id, message_id=row.pk, reason=reason)


def _not_restorable(row: Message) -> str:
    if not row.is_deleted:
        return gettext("not deleted")
    return (
        "" if hasattr(row, "removed_text") else gettext("its author deleted it: the text is gone")
    )


def _show(*, actor_id: int, row: Message, reason: str) -> None:
    services.show_message(actor_id=actor_id, message_id=row.pk, reason=reason)


DELETE = Act(
    name="delete",
    label=gettext_noop("Delete…"),
    says=gettext_noop(
        "The text disappears for everybody within a second; a note that it was deleted stays. Authors are told, with your reason."
    ),
    done=gettext_noop("deleted"),
    run=_delete,
    permission=CHANGE,
    idle=lambda row: gettext("already deleted") if row.is_deleted else "",
    undo="restore",
    takes_away=True,
)
RESTORE = Act(
    name="restore",
    label=gettext_noop("Restore…"),
    says=gettext_noop(
        "The text and its reactions come back for everybody, in the old place. Authors are told."
    ),
    done=gettext_noop("restored"),
    run=_restore,
    permission=CHANGE,
    form=LiftForm,
    idle=_not_restorable,
    undo="delete",
)
SHOW = Act(
    name="show",
    label=gettext_noop("Show again…"),
    says=gettext_noop("Everybody reads the message again, as it was before it was hidden."),
    done=gettext_noop("shown again"),
    run=_show,
    permission=CHANGE,
    form=LiftForm,
    idle=lambda row: "" if row.is_hidden else gettext("not hidden"),
)
# The rows are the removed texts themselves.
RESTORE_TEXT = replace(RESTORE, idle=lambda row: "", undo="")


@admin.register(Message)
class MessageAdmin(ActingAdmin):
    """Messages; those of direct conversations are not listed, and their pages do not show the text."""

    acts = (DELETE, RESTORE, SHOW)
    change_form_template = "admin/chat/record.html"
    list_display = ("id", "where", "number", "who", "text", "when", "state")
    list_select_related = ("room", "author", "removed_text", "held_text")
    search_help_text = gettext_lazy("Any of: @name, #room, the address of a message, an id.")
    people = ("author",)
    room = "room"
    narrowed_by = ("room", "author")
    fields = (
        "where",
        "number",
        "who",
        "text_whole",
        "removed",
        "created_at",
        "edited_at",
        "deleted_at",
        "answers",
        "reacted",
    )
    readonly_fields = ("where", "who", "text_whole", "removed", "answers", "reacted")

    def keyset(self, found: ChangeList) -> str:
        """Return the column in whose order an index has the messages: of one room by their number, of all by their id."""
        return "-number" if self.is_narrowed_to_room(found) else "-pk"

    def found_by(self, word: str) -> Q:
        """Return what a word or an address means."""
        address = _PERMALINK.search(word)
        if address is None:
            return super().found_by(word)
        room, number = room_id(address[1]), address[2]
        return Q(room=room, number=int(number)) if room and is_id(number) else NOTHING

    def listed(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Leave out direct conversations."""
        return without_direct(found, rows)

    def beside(self, request: HttpRequest, row: Message) -> dict[str, Any]:
        """Add its reports and what moderators did about it."""
        return {**super().beside(request, row), **case_context.of_message(row.pk)}

    def brief(self, row: Message) -> SafeString:
        """Return who said what, where."""
        return format_html(
            "{} {} · {}: {}",
            formatting.room(row.room),
            formatting.numbered(row),
            formatting.person(row.author),
            formatting.text(row),
        )

    @admin.display(description=gettext_lazy("room"))
    def where(self, row: Message) -> SafeString | str:
        """Return the room."""
        return formatting.room(row.room)

    @admin.display(description=gettext_lazy("author"))
    def who(self, row: Message) -> SafeString | str:
        """Return the author."""
        return formatting.person(row.author)

    @admin.display(description=gettext_lazy("text"))
    def text(self, row: Message) -> str:
        """Return the beginning of the text."""
        return formatting.text(row)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Message) -> str:
        """Tell what became of it, and who did it."""
        if row.is_deleted:
            return (
                gettext("deleted by a moderator")
                if hasattr(row, "removed_text")
                else gettext("deleted by its author")
            )
        if row.is_hidden:
            return gettext("hidden while moderators look at it")
        return gettext("edited") if row.edited_at else "—"

    @admin.display(description=gettext_lazy("text"))
    def text_whole(self, row: Message) -> SafeString | str:
        """Return the text as it was written."""
        if row.is_deleted or row.room.is_direct:
            return formatting.text(row)
        return formatting.whole(row.held_text.body if row.is_hidden else row.body)

    @admin.display(description=gettext_lazy("removed text"))
    def removed(self, row: Message) -> SafeString | str:
        """Return what a moderator has removed, while it can be restored."""
        found = RemovedText.objects.filter(pk=row.pk).select_related("removed_by").first()
        if found is None:
            return "—"
        text = gettext(formatting.HIDDEN) if row.room.is_direct else formatting.whole(found.body)
        return format_html(gettext("{} removed by {}"), text, formatting.person(found.removed_by))

    @admin.display(description=gettext_lazy("answers"))
    def answers(self, row: Message) -> SafeString | str:
        """Return the message that it answers."""
        return formatting.message(row.reply_to_id)

    @admin.display(description=gettext_lazy("reactions"))
    def reacted(self, row: Message) -> str:
        """Return the reactions with their numbers."""
        return "  ".join(f"{emoji} {len(people)}" for emoji, people in row.reactions.items()) or "—"


@admin.register(RemovedText)
class RemovedTextAdmin(ActingAdmin):
    """What moderators removed and can restore: the list of deleted messages."""

    acts = (RESTORE_TEXT,)
    list_display = ("ident", "where", "who", "text", "by", "when")
    list_select_related = ("message__room", "message__author", "removed_by")
    search_help_text = gettext_lazy("The name of the moderator, or the id of the message.")
    people = ("removed_by",)
    fields = ("where", "who", "text_whole", "by", "removed_at")
    readonly_fields = ("where", "who", "text_whole", "by")

    @admin.display(description=gettext_lazy("message"))
    def ident(self, row: RemovedText) -> int:
        """Return the id of the message."""
        return row.message_id

    def brief(self, row: RemovedText) -> SafeString:
        """Return who said what, where."""
        return format_html(
            "{} · {}: {}",
            formatting.room(row.message.room),
            formatting.person(row.message.author),
            self.text(row),
        )

    @admin.display(description=gettext_lazy("room"))
    def where(self, row: RemovedText) -> SafeString | str:
        """Return the room, and the message in it."""
        return format_html(
            "{} {}", formatting.room(row.message.room), formatting.numbered(row.message)
        )

    @admin.display(description=gettext_lazy("author"))
    def who(self, row: RemovedText) -> SafeString | str:
        """Return the author."""
        return formatting.person(row.message.author)

    @admin.display(description=gettext_lazy("text"))
    def text(self, row: RemovedText) -> str:
        """Return the beginning of the text."""
        return (
            gettext(formatting.HIDDEN)
            if row.message.room.is_direct
            else formatting.excerpt(row.body)
        )

    @admin.display(description=gettext_lazy("text"))
    def text_whole(self, row: RemovedText) -> SafeString | str:
        """Return the text as it was written."""
        return (
            gettext(formatting.HIDDEN) if row.message.room.is_direct else formatting.whole(row.body)
        )

    @admin.display(description=gettext_lazy("when"))
    def when(self, row: RemovedText) -> SafeString | str:
        """Return when it was removed."""
        return formatting.moment(row.removed_at)

    @admin.display(description=gettext_lazy("removed by"))
    def by(self, row: RemovedText) -> SafeString | str:
        """Return the moderator."""
        return formatting.person(row.removed_by)
