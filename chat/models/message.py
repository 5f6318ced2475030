"""Messages, and where their text is while they do not show it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.moderation import Bulk
from chat.models.room import Room

EMOJI_MAX_LENGTH = 40  # a family of four with skin tones has 11 code points


class Message(models.Model):
    """A message. ``number`` is its place in the room, 1, 2, 3 … without holes; ``seq`` moves with every change.

    A deleted message keeps its number and nothing of its text (see ``RemovedText``).
    """

    room = models.ForeignKey(Room, models.PROTECT, related_name="messages", db_index=False)
    number = models.BigIntegerField(_("number"))
    seq = models.BigIntegerField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="messages", db_index=False
    )
    key = models.UUIDField()  # chosen by the sender: a repeated post finds the first one by it
    body = models.TextField(blank=True)
    html = models.TextField(blank=True)  # empty: the body is plain text
    created_at = models.DateTimeField(_("sent"))
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    # While moderators look at it; the text is in ``HeldText`` meanwhile.
    hidden_at = models.DateTimeField(null=True, blank=True)
    reply_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    reactions = models.JSONField(default=dict)  # {emoji: [user ids]}
    mentions = models.JSONField(default=list)  # [user ids]
    # [user ids]: all who were notified of being mentioned, so that no edit does it again.
    notified = models.JSONField(default=list)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["room", "number"], name="message_room_number"),
            models.UniqueConstraint(fields=["room", "seq"], name="message_room_seq"),
            models.UniqueConstraint(fields=["author", "key"], name="message_author_key"),
        ]
        # What somebody wrote, newest first, for moderators.
        indexes = [models.Index(fields=["author", "id"], name="message_author")]

    def __str__(self) -> str:
        return gettext("message %(ident)s") % {"ident": self.pk}

    @property
    def is_deleted(self) -> bool:
        """Only a tombstone is left."""
        return self.deleted_at is not None

    @property
    def is_hidden(self) -> bool:
        """Moderators are looking at it, and nobody else can."""
        return self.hidden_at is not None


class HeldText(models.Model):
    """What a message says that is hidden while moderators look at it. Only the desk reads it; the message gets it all back."""

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


class Mention(models.Model):
    """That a message which stands mentions a member, by name or as everybody; so the unread ones are counted without reading messages."""

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
        # An edit or a deletion takes them away.
        indexes = [models.Index(fields=["room", "number"], name="mention_message")]

    def __str__(self) -> str:
        return f"mention of {self.user_id} in {self.room_id}"


class RemovedText(models.Model):
    """What a moderator deleted, so that moderators can restore it. No replay and no page of the chat reads this table.

    What its author deletes is in no table any more.
    """

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="removed_text"
    )
    body = models.TextField()
    reactions = models.JSONField(default=dict)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(_("removed"))
    bulk = models.ForeignKey(Bulk, models.PROTECT, null=True, related_name="+", db_index=False)

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
