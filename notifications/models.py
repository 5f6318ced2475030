"""Tables of inboxes, announcements and broadcasts.

Rows that carry ``seq`` belong to a stream (``inbox.<user>``, ``announcements``): only
``notifications.services`` changes them.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

TITLE_MAX_LENGTH = 200  # characters: one line of a banner or of an inbox
URL_MAX_LENGTH = 500
KEY_MAX_LENGTH = 100  # of the sender's key
KIND_MAX_LENGTH = 40
SUBJECT_MAX_LENGTH = 60  # two numbers of 19 digits and the name of a kind of stream


class Level(models.TextChoices):
    """How prominently something is shown."""

    INFO = "info", _("Info")
    SUCCESS = "success", _("Success")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class Broadcast(models.Model):
    """A text that an operator sent to many people.

    It keeps the text after a recall, for accountability.
    """

    # The sender's idempotency key: a repeat continues, and reaches nobody twice.
    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4)
    title = models.CharField(_("title"), max_length=TITLE_MAX_LENGTH, blank=True)
    body = models.TextField(_("text"))
    url = models.CharField(_("link"), max_length=URL_MAX_LENGTH, blank=True)
    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.INFO)
    # As typed: {"all": true} or {"groups": ["staff"], "room": ["general"]}.
    targets = models.JSONField(_("audience"), default=dict)
    # [target, ident of the place, ident of what was posted there], for the recall.
    places = models.JSONField(default=list)
    # Language → {"title", "body"}: for readers of that language, instead of the text above.
    translations = models.JSONField(_("translations"), null=True, blank=True)
    # People, as counted when it was begun.
    recipients = models.PositiveIntegerField(_("recipients"), default=0)
    # People it has reached, counted in the transactions that reach them.
    done = models.PositiveIntegerField(_("reached"), default=0, db_default=0)
    # When to begin; null: at once.
    scheduled_at = models.DateTimeField(_("scheduled"), null=True, blank=True)
    # When its sender began: from then on it goes to these people, and cannot wait any more.
    started_at = models.DateTimeField(null=True, blank=True)
    # Null: it is waiting, being sent, or was interrupted.
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("sent by"),
    )
    created_at = models.DateTimeField(_("sent"), auto_now_add=True)
    recalled_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    # While a new text goes to those who have the old one: the id of the last person who got it.
    edit_after = models.CharField(max_length=40, null=True, blank=True)

    class Meta:
        verbose_name = _("broadcast")
        verbose_name_plural = _("broadcasts")
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(finished_at__isnull=True, recalled_at__isnull=True),
                name="broadcast_unfinished",
            ),
            models.Index(
                fields=["id"], condition=Q(edit_after__isnull=False), name="broadcast_being_edited"
            ),
        ]

    def __str__(self) -> str:
        return gettext("broadcast %(number)s") % {"number": self.pk}


class BroadcastEdit(models.Model):
    """The content of a broadcast before an edit, for accountability."""

    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="edits")
    title = models.CharField(max_length=TITLE_MAX_LENGTH, blank=True)
    body = models.TextField()
    url = models.CharField(max_length=URL_MAX_LENGTH, blank=True)
    level = models.CharField(max_length=10, choices=Level)
    translations = models.JSONField(null=True)
    targets = models.JSONField()
    expires_at = models.DateTimeField(null=True)
    scheduled_at = models.DateTimeField(null=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    edited_at = models.DateTimeField()

    class Meta:
        default_permissions = ()  # shown on the page of the broadcast

    def __str__(self) -> str:
        return f"edit {self.pk} of broadcast {self.broadcast_id}"


class Notification(models.Model):
    """One row of an inbox: a kind and parameters, which become a sentence when it is shown.

    People are stored as ids, and the text of a message is not stored at all, so nothing has to be
    found and emptied when a person is renamed or erased, or a message deleted.

    ``unread`` counts the whole inbox as of ``seq``, so the row with the highest ``seq`` has the
    present count.

    Most rows are about one event. Rows with ``parts`` gather: while such a row is unread, further
    events about its subject join it, and those that are taken back leave it. Without parts the row
    itself is taken back: ``count`` is 0, and no inbox shows it.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="notifications",
        db_index=False,
        verbose_name=_("person"),
    )
    seq = models.BigIntegerField(_("number in its stream"))
    kind = models.CharField(_("kind"), max_length=KIND_MAX_LENGTH)
    # By kind (docs/protocol.md). ``people`` are ids, which become names when the row is read.
    params = models.JSONField(default=dict)
    # Text that a person wrote: of a broadcast, or a moderator's reason.
    title = models.CharField(max_length=TITLE_MAX_LENGTH, blank=True)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=URL_MAX_LENGTH, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("caused by"),
    )
    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.INFO)
    unread = models.PositiveIntegerField(_("unread"))
    created_at = models.DateTimeField(_("when"))
    # Archiving reads as well: unread means `read_at` is null, and nothing else.
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    broadcast = models.ForeignKey(
        Broadcast,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="notifications",
        db_index=False,
        verbose_name=_("broadcast"),
    )
    # Where it happened: "room.42".
    place = models.CharField(max_length=SUBJECT_MAX_LENGTH, blank=True, default="", db_default="")
    # Its subject, for example "room.42.880".
    subject = models.CharField(max_length=SUBJECT_MAX_LENGTH, blank=True, default="", db_default="")
    # The sender's: a repeated call finds the row by it.
    key = models.CharField(max_length=KEY_MAX_LENGTH, null=True, blank=True)
    # Events in the row; 0: taken back.
    count = models.PositiveIntegerField(default=1, db_default=1)
    # [[user id, what they did], …], oldest first.
    parts = models.JSONField(null=True, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True)  # when the last part joined

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(fields=["user", "seq"], name="notification_user_seq"),
            models.UniqueConstraint(
                fields=["broadcast", "user"],
                condition=Q(broadcast__isnull=False),
                name="notification_broadcast_user",
            ),
            models.UniqueConstraint(
                fields=["user", "key"],
                condition=Q(key__isnull=False),
                name="notification_user_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "id"],
                condition=Q(archived_at__isnull=True),
                name="notification_inbox",
            ),
            models.Index(
                fields=["user", "id"], condition=Q(read_at__isnull=True), name="notification_unread"
            ),
            models.Index(
                fields=["user", "id"],
                condition=Q(archived_at__isnull=False),
                name="notification_archived",
            ),
            models.Index(
                fields=["user", "subject"],
                condition=Q(parts__isnull=False),
                name="notification_gathering",
            ),
            # For retention: the notifications of a room. A short index, because PostgreSQL stores
            # an equal key once.
            models.Index(fields=["place"], condition=~Q(place=""), name="notification_place"),
            # The notifications about a message that changes.
            models.Index(fields=["subject"], condition=~Q(subject=""), name="notification_subject"),
        ]

    def __str__(self) -> str:
        return gettext("notification %(number)s") % {"number": self.pk}


class Announcement(models.Model):
    """One row for everyone, however many users there are."""

    seq = models.BigIntegerField(_("number in its stream"), unique=True)
    title = models.CharField(_("title"), max_length=TITLE_MAX_LENGTH, blank=True)
    body = models.TextField(_("text"), blank=True)
    url = models.CharField(_("link"), max_length=URL_MAX_LENGTH, blank=True)
    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.INFO)
    # As of its broadcast.
    translations = models.JSONField(_("translations"), null=True, blank=True)
    created_at = models.DateTimeField(_("sent"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    recalled_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    broadcast = models.OneToOneField(
        Broadcast, models.PROTECT, related_name="announcement", verbose_name=_("broadcast")
    )

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")

    def __str__(self) -> str:
        return gettext("announcement %(number)s") % {"number": self.pk}


class AnnouncementReading(models.Model):
    """That one person has read one announcement: made when it happens, never in advance.

    A row of the reader's inbox stream.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        db_index=False,
        verbose_name=_("person"),
    )
    seq = models.BigIntegerField()
    announcement = models.ForeignKey(
        Announcement, models.CASCADE, related_name="readings", verbose_name=_("announcement")
    )
    read_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("reading of an announcement")
        verbose_name_plural = _("readings of announcements")
        constraints = [
            models.UniqueConstraint(fields=["user", "seq"], name="reading_user_seq"),
            models.UniqueConstraint(
                fields=["user", "announcement"], name="reading_user_announcement"
            ),
        ]

    def __str__(self) -> str:
        return gettext("reading of announcement %(number)s") % {"number": self.announcement_id}


class Preferences(models.Model):
    """A user's choices: which kinds to be notified of, and how.

    Made when they choose something; a row of their inbox stream.

    The server keeps ``inbox_off`` out of the inbox. The rest is for clients: what to show on the
    desktop, and when not to.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_preferences"
    )
    seq = models.BigIntegerField()
    inbox_off = models.JSONField(default=list)  # kinds
    desktop_off = models.JSONField(default=list)
    # Of the clock on the wall where the reader is.
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
