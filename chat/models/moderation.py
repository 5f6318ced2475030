"""Moderation: reports, bans and mutes of the whole site, bulk actions, and the log."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.message import Message
from chat.models.room import Room
from chat.text.filters import MAX_LENGTH

REASON_MAX_LENGTH = 500  # given by a moderator, shown to the user concerned
NOTE_MAX_LENGTH = 1000  # written by the user who reports a message


class Report(models.Model):
    """A user's request that moderators review a message, a person or a room.

    All open reports of one of them belong to one case, and are decided together.
    """

    class Category(models.TextChoices):
        SPAM = "spam", _("Spam")
        ABUSE = "abuse", _("Abuse")
        ILLEGAL = "illegal", _("Illegal")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        RESOLVED = "resolved", _("removed")
        DISMISSED = "dismissed", _("kept")

    # Null if a person or a room is reported: the case names it.
    message = models.ForeignKey(
        Message, models.PROTECT, null=True, related_name="reports", db_index=False
    )
    # Null only in rows of nodes of the version before; the next retention run completes them.
    case = models.ForeignKey(
        "chat.Case", models.PROTECT, null=True, related_name="reports", db_index=False
    )
    # Of the message, so that an index finds all reports about a person.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    category = models.CharField(_("category"), max_length=10, choices=Category)
    note = models.CharField(_("note"), max_length=NOTE_MAX_LENGTH, blank=True)
    created_at = models.DateTimeField(_("when"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # A moderator has decided that the report itself was abusive.
    is_abusive = models.BooleanField(default=False, db_default=False)
    # Used by the version before; the case has it now.
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            # A message that was changed after the decision can be reported again.
            models.UniqueConstraint(
                fields=["message", "reporter"],
                condition=Q(status="open"),
                name="report_open_message_reporter",
            )
        ]
        indexes = [
            models.Index(fields=["message", "id"], name="report_message"),
            models.Index(fields=["case", "id"], name="report_case"),
            models.Index(fields=["author", "id"], name="report_author"),
            models.Index(fields=["status", "id"], name="report_status"),
            models.Index(fields=["status", "category", "id"], name="report_category"),
            models.Index(
                fields=["assigned_to", "id"], condition=Q(status="open"), name="report_assigned"
            ),
            models.Index(fields=["reporter", "id"], name="report_reporter"),
            models.Index(
                fields=["reporter", "closed_at"],
                condition=Q(is_abusive=True),
                name="report_abusive",
            ),
        ]

    def __str__(self) -> str:
        return gettext("report %(number)s") % {"number": self.pk}


class SiteBan(models.Model):
    """Keeps a user from connecting at all.

    It is in effect while ``lifted_at`` is null and ``until``, if set, is in the future.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="site_bans")
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("when"), auto_now_add=True)
    # Null: until a moderator lifts it.
    until = models.DateTimeField(_("until"), null=True, blank=True)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("site ban")
        verbose_name_plural = _("site bans")
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(lifted_at__isnull=True), name="site_ban_current"
            )
        ]

    def __str__(self) -> str:
        return gettext("site ban %(number)s") % {"number": self.pk}


class SiteMute(models.Model):
    """Keeps a user from posting in any room until it ends or is lifted.

    A user has one row, of the most recent mute. It belongs to the stream of their inbox.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    seq = models.BigIntegerField()
    until = models.DateTimeField(null=True)  # null: lifted
    reason = models.CharField(max_length=REASON_MAX_LENGTH, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"site mute of {self.user_id}"


class Bulk(models.Model):
    """An action on many messages, done in batches: what was requested, and the progress.

    Any process can continue it from ``cursor``; no message is processed twice.
    """

    class Act(models.TextChoices):
        DELETE = "delete", _("Remove messages")  # can be restored
        RESTORE = "restore", _("Restore messages")  # those that the bulk ``source`` removed
        ERASE = "erase", _("Erase a person")  # for good

    act = models.CharField(max_length=10, choices=Act)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    # Only messages whose text contains these words, in any case.
    words = models.CharField(_("words"), max_length=MAX_LENGTH, blank=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    source = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    # Messages posted after this one are not affected.
    last_id = models.BigIntegerField(default=0)
    # The last row that was processed.
    cursor = models.BigIntegerField(default=0)
    expected = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")
        indexes = [
            models.Index(fields=["id"], condition=Q(finished_at=None), name="bulk_unfinished")
        ]

    def __str__(self) -> str:
        return gettext("bulk action %(number)s") % {"number": self.pk}


class BulkAuthor(models.Model):
    """How many messages of one author a bulk action has changed.

    At its end every author is notified once, and gets an entry in the log.
    """

    bulk = models.ForeignKey(Bulk, models.CASCADE, related_name="authors", db_index=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    messages = models.PositiveIntegerField(default=0)
    noted_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["bulk", "author"], name="bulk_author_bulk_author")
        ]

    def __str__(self) -> str:
        return f"{self.messages} messages of {self.author_id} in bulk {self.bulk_id}"


class ModerationLog(models.Model):
    """An action of a moderator: who was affected, and why. Append-only, also by a database trigger.

    No entry holds the text of a message. The one exception to append-only: when a person is erased,
    their names are deleted from the entries of renamings.
    """

    class Action(models.TextChoices):
        DELETE = "delete", _("Message removed")
        RESTORE = "restore", _("Message restored")
        HIDE = "hide", _("Message hidden")
        SHOW = "show", _("Message shown again")
        RESOLVE = "resolve", _("Report resolved: message removed")
        DISMISS = "dismiss", _("Report dismissed: message kept")
        REOPEN = "reopen", _("Case reopened")
        RELEASE = "release", _("Held message accepted")
        REFUSE = "refuse", _("Held message refused")
        APPEAL = "appeal", _("Appeal decided")
        WARN = "warn", _("Warned")
        NOTE = "note", _("Note written")
        TEMPLATE = "template", _("Templates of reasons changed")
        BULK = "bulk", _("Bulk action")
        MUTE = "mute", _("Muted in a room")
        UNMUTE = "unmute", _("Unmuted in a room")
        SITE_MUTE = "site_mute", _("Muted in all rooms")
        SITE_UNMUTE = "site_unmute", _("Unmuted in all rooms")
        REMOVE = "remove", _("Removed from a room")
        BAN = "ban", _("Banned from a room")
        UNBAN = "unban", _("Unbanned from a room")
        SITE_BAN = "site_ban", _("Banned from the site")
        SITE_UNBAN = "site_unban", _("Unbanned from the site")
        SIGN_OUT = "sign_out", _("Signed out everywhere")
        DEACTIVATE = "deactivate", _("Account deactivated")
        ACTIVATE = "activate", _("Account activated")
        ROLE = "role", _("Role changed")
        RENAME = "rename", _("Renamed")
        TOPIC = "topic", _("Topic changed")
        SLOW_MODE = "slow_mode", _("Slow mode changed")
        RECEIPTS = "receipts", _("Read receipts turned on or off")
        LOCK = "lock", _("Room locked")
        UNLOCK = "unlock", _("Room unlocked")
        RETENTION = "retention", _("Retention changed")
        ARCHIVE = "archive", _("Room archived")
        UNARCHIVE = "unarchive", _("Room unarchived")
        LINK = "link", _("Invitation link created")
        REVOKE_LINK = "revoke_link", _("Invitation link revoked")
        FILTER = "filter", _("Filters changed")
        EXPORT = "export", _("Data exported")
        ERASE = "erase", _("Person erased")
        SIGNUP_MODE = "signup_mode", _("Sign-up changed")
        APPROVE = "approve", _("Sign-up approved")
        DECLINE = "decline", _("Sign-up declined")
        RAID_MODE = "raid_mode", _("Raid mode changed")
        RAID_SIGNS = "raid_signs", _("Signs of a raid")

    action = models.CharField(max_length=12, choices=Action)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    # The entry outlives the message, which a retention run may remove.
    message = models.ForeignKey(
        Message, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH, blank=True)
    details = models.JSONField(default=dict)  # {"until": …}, {"from": "member", "to": "owner"}
    created_at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("moderation log")
        indexes = [
            models.Index(fields=["action", "id"], name="log_action"),
            models.Index(fields=["created_at"], name="log_created"),
        ]

    def __str__(self) -> str:
        return gettext("log entry %(number)s") % {"number": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("the moderation log is append-only")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("the moderation log is append-only")
