"""Messages, the mentions in them, and where the text of hidden and removed messages is kept."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.room import Room
from chat.text.search_words import is_of, stored_words

EMOJI_MAX_LENGTH = 40  # a family of four with skin tones has 11 code points


if TYPE_CHECKING:
    _NullableTextField = models.TextField[str | None, str | None]
else:
    _NullableTextField = models.TextField


class SearchTextField(_NullableTextField):
    """The words of a message for the search index, where they are not those of its text.

    They are made of the text each time that a row is saved or inserted. If something else changes
    the text, the database empties them (a trigger of the migration).
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        row: Any = model_instance
        if row.search_text is None or not is_of(row.search_text, row.body):
            row.search_text = stored_words(row.body, row.html)
        value: str | None = row.search_text
        return value

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class Message(models.Model):
    """``number`` is the position in the room: 1, 2, 3 … without gaps.

    ``seq`` is the position in the room's stream and moves with every change. A deleted message
    keeps its number, but none of its text (see ``RemovedText``).
    """

    room = models.ForeignKey(Room, models.PROTECT, related_name="messages", db_index=False)
    number = models.BigIntegerField(_("number"))
    seq = models.BigIntegerField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="messages", db_index=False
    )
    # Chosen by the sender: a post that is repeated finds the first one by it.
    key = models.UUIDField()
    body = models.TextField(blank=True)
    # Empty if the body is plain text.
    html = models.TextField(blank=True)
    search_text = SearchTextField(null=True, editable=False)
    created_at = models.DateTimeField(_("sent"))
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    # Set while moderators review the message; ``HeldText`` has the text meanwhile.
    hidden_at = models.DateTimeField(null=True, blank=True)
    # Not checked by the database, so that a retention run can remove the message that is answered:
    # the reply keeps the id of a message that is gone, and its payload does not change.
    reply_to = models.ForeignKey(
        "self",
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    reactions = models.JSONField(default=dict)  # {emoji: [user ids]}
    mentions = models.JSONField(default=list)  # [user ids]
    # [user ids] notified of a mention, so that an edit does not notify them again.
    notified = models.JSONField(default=list)
    # Whether the room is public, which never changes. The search index has it beside the words.
    is_public = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["room", "number"], name="message_room_number"),
            models.UniqueConstraint(fields=["room", "seq"], name="message_room_seq"),
            models.UniqueConstraint(fields=["author", "key"], name="message_author_key"),
        ]
        indexes = [
            # A user's messages, newest first, for moderators.
            models.Index(fields=["author", "id"], name="message_author"),
            # Messages that do not count as unread (chat.queries.messages.uncounted): those of the
            # reader and of people that the reader has blocked, and those that show nothing.
            models.Index(fields=["author", "room", "number"], name="message_own"),
            models.Index(
                fields=["room", "number"],
                condition=Q(deleted_at__isnull=False) | Q(hidden_at__isnull=False),
                name="message_gone",
            ),
        ]

    def __str__(self) -> str:
        return gettext("message %(ident)s") % {"ident": self.pk}

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def is_hidden(self) -> bool:
        return self.hidden_at is not None


class Mention(models.Model):
    """A visible message mentions a member, by name or as part of the whole room.

    Unread mentions are counted from these rows, without reading the messages.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    room = models.ForeignKey(Room, models.CASCADE, related_name="+", db_index=False)
    number = models.BigIntegerField()  # of the message

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "room", "number"], name="mention_user_room_number"
            )
        ]
        # Edits and deletions delete the mentions of a message.
        indexes = [models.Index(fields=["room", "number"], name="mention_message")]

    def __str__(self) -> str:
        return f"mention of {self.user_id} in {self.room_id}"


class HeldText(models.Model):
    """The content of a message that is hidden while moderators review it. Only the admin reads it.

    All of it returns to the message when the message is shown again.
    """

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="held_text"
    )
    body = models.TextField()
    html = models.TextField(blank=True)
    reactions = models.JSONField(default=dict)
    mentions = models.JSONField(default=list)
    hidden_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"held text of message {self.pk}"


class RemovedText(models.Model):
    """The text of a message that a moderator removed, so that a moderator can restore it.

    No replay and no chat page reads this table. A text that its author deletes is kept nowhere.
    """

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="removed_text"
    )
    body = models.TextField()
    reactions = models.JSONField(default=dict)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(_("removed"))
    bulk = models.ForeignKey(
        "chat.Bulk", models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("removed text")
        verbose_name_plural = _("removed texts")
        indexes = [
            models.Index(
                fields=["bulk", "message"],
                condition=Q(bulk__isnull=False),
                name="removed_text_bulk",
            )
        ]

    def __str__(self) -> str:
        return gettext("removed text of message %(number)s") % {"number": self.pk}
