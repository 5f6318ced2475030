"""Messages, and the texts that moderators have removed."""

import re
from dataclasses import replace
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.admin import formatting
from chat.admin.actions import ActionAdmin, AdminAction
from chat.admin.cases import case_context
from chat.admin.forms import OptionalReasonForm
from chat.admin.lists import MAX_WORDS, NOTHING, is_id, person_id, room_id, without_direct
from chat.models import Message, RemovedText
from chat.queries.search import index

CHANGE = "chat.change_message"
MAX_FOUND: Final = 500  # matches of a search by words
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
    row_arguments = {"message_id": "pk"}
    change_form_template = "admin/chat/record.html"
    list_display = ("id", "in_room", "number", "by", "text", "when", "state")
    list_select_related = ("room", "author", "removed_text", "held_text")
    search_help_text = _("Search by words of the text, @username, #room, message URL or ID.")
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

    def keyset(self, found: ChangeList) -> str:
        """Return the order of an index: the number within one room, or the id."""
        return "-number" if self.is_one_room(found) else "-pk"

    def matching(self, word: str) -> Q:
        permalink = _PERMALINK.search(word)
        if permalink is None:
            return super().matching(word)
        room, number = room_id(permalink[1]), permalink[2]
        return Q(room=room, number=int(number)) if room and is_id(number) else NOTHING

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find words of texts in the search index, and everything else as other lists do."""
        typed = search_term.split()
        if len(typed) > MAX_WORDS:
            text = gettext("Only the first %(count)d words are searched for.")
            messages.warning(request, text % {"count": MAX_WORDS})
        typed = typed[:MAX_WORDS]
        words = [word for word in typed if self._is_text(word)]
        others = [word for word in typed if word not in words]
        rows, _ = super().get_search_results(request, queryset, " ".join(others))
        if not words:
            return rows, False
        ids = index.find_at_desk(
            " ".join(words),
            authors=[pk for word in others if (pk := person_id(word))],
            rooms=[pk for word in others if word.startswith("#") and (pk := room_id(word))],
            limit=MAX_FOUND + 1,
        )
        if len(ids) > MAX_FOUND:
            text = gettext("Only the newest %(count)d matches are listed. Add a word, @ or #.")
            messages.info(request, text % {"count": MAX_FOUND})
        return rows.filter(pk__in=ids[:MAX_FOUND]), False

    def _is_text(self, word: str) -> bool:
        is_name = word.startswith(("@", "#")) or is_id(word) or _PERMALINK.search(word)
        return not is_name and person_id(word) is None

    def visible(self, found: ChangeList, rows: QuerySet[Any]) -> QuerySet[Any]:
        return without_direct(found, rows)

    def page_context(self, request: HttpRequest, row: Message) -> dict[str, Any]:
        found = {**super().page_context(request, row), **case_context.of_message(row.pk)}
        if row.author_id == request.user.pk:
            found["cases"] = []  # about the moderator: another one's matter
        return found

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
    row_arguments = {"message_id": "message_id"}
    list_display = ("message_number", "in_room", "by", "text", "moderator", "when")
    list_select_related = ("message__room", "message__author", "removed_by")
    search_help_text = _("Search by the moderator’s @username, or by message ID.")
    person_columns = ("removed_by",)
    fields = ("in_room", "by", "full_text", "moderator", "removed_at")
    readonly_fields = ("in_room", "by", "full_text", "moderator")

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
