"""The moderation log: read, found, and never changed, not even by those who may everything."""

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.admin import cells
from chat.admin.lists import ShownAdmin
from chat.models import ModerationLog


@admin.register(ModerationLog)
class ModerationLogAdmin(ShownAdmin):
    """Who did what to whom, and why."""

    list_display = ("when", "action", "to", "place", "reason", "more", "by")
    list_display_links = ("when",)
    list_select_related = ("actor", "subject", "room")
    list_filter = ("action",)
    search_help_text = "Any of: @name (who did it, or to whom), #room, the id of a message."
    people = ("actor", "subject")
    room = "room"
    narrowed_by = ("room", "actor", "subject", "message")
    fields = ("created_at", "action", "by", "to", "where", "about", "reason", "more")
    readonly_fields = ("by", "to", "where", "about", "more")

    def found_by_id(self, ident: int) -> Q:
        """Return what was done about a message."""
        return Q(message=ident)

    @admin.display(description="moderator")
    def by(self, row: ModerationLog) -> SafeString | str:
        """Return who did it."""
        return cells.person(row.actor)

    @admin.display(description="person")
    def to(self, row: ModerationLog) -> SafeString | str:
        """Return whom it was done to."""
        return cells.person(row.subject)

    @admin.display(description="room")
    def where(self, row: ModerationLog) -> SafeString | str:
        """Return in which room."""
        return cells.room(row.room)

    @admin.display(description="where")
    def place(self, row: ModerationLog) -> SafeString | str:
        """Return the room and the message."""
        return format_html("{} {}", self.where(row), self.about(row)) if row.message_id else self.where(row)

    @admin.display(description="message")
    def about(self, row: ModerationLog) -> SafeString | str:
        """Return the message that it was about."""
        return cells.message(row.message_id)

    @admin.display(description="details")
    def more(self, row: ModerationLog) -> str:
        """Return what else is known of it."""
        return cells.details(row.details)
