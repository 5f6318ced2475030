"""Reports of messages, the moderation log, and bans from the site."""

from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.message import Message
from chat.models.moderation import REASON_MAX_LENGTH
from chat.models.room import Room

NOTE_MAX_LENGTH = 1000  # of somebody who reports
WORD_MAX_LENGTH = 80


class Report(models.Model):
    """Somebody's request that a moderator look at a message. All open ones of a message are one case."""

    class Category(models.TextChoices):
        SPAM = "spam", _("Spam")
        ABUSE = "abuse", _("Abuse")
        ILLEGAL = "illegal", _("Illegal")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        RESOLVED = "resolved", _("removed")
        DISMISSED = "dismissed", _("kept")

    message = models.ForeignKey(Message, models.PROTECT, related_name="reports", db_index=False)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    category = models.CharField(_("category"), max_length=10, choices=Category)
    note = models.CharField(_("note"), max_length=NOTE_MAX_LENGTH, blank=True)
    created_at = models.DateTimeField(_("when"))
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.OPEN)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Who looks at the case.
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
            models.UniqueConstraint(fields=["message", "reporter"], name="report_message_reporter")
        ]
        indexes = [
            models.Index(fields=["status", "id"], name="report_status"),
            models.Index(fields=["status", "category", "id"], name="report_category"),
            models.Index(
                fields=["assigned_to", "id"], condition=Q(status="open"), name="report_assigned"
            ),
            models.Index(fields=["reporter", "id"], name="report_reporter"),
        ]

    def __str__(self) -> str:
        return gettext("report %(number)s") % {"number": self.pk}


class ModerationLog(models.Model):
    """What moderators did, to whom, and why. Append-only: here, and by a trigger of the database.

    It never holds the text of a message. When a person is erased, their names leave the entries of renamings; nothing else changes.
    """

    class Action(models.TextChoices):
        DELETE = "delete", _("Message removed")
        RESTORE = "restore", _("Message restored")
        HIDE = "hide", _("Message hidden")
        SHOW = "show", _("Message shown again")
        RESOLVE = "resolve", _("Report decided: removed")
        DISMISS = "dismiss", _("Report decided: kept")
        BULK = "bulk", _("Many messages at once")
        MUTE = "mute", _("Muted in a room")
        UNMUTE = "unmute", _("Mute in a room lifted")
        SITE_MUTE = "site_mute", _("Muted in all rooms")
        SITE_UNMUTE = "site_unmute", _("Mute in all rooms lifted")
        REMOVE = "remove", _("Removed from a room")
        BAN = "ban", _("Banned from a room")
        UNBAN = "unban", _("Ban from a room lifted")
        SITE_BAN = "site_ban", _("Banned from the site")
        SITE_UNBAN = "site_unban", _("Ban from the site lifted")
        SIGN_OUT = "sign_out", _("Signed out everywhere")
        DEACTIVATE = "deactivate", _("Account deactivated")
        ACTIVATE = "activate", _("Account activated")
        ROLE = "role", _("Role changed")
        RENAME = "rename", _("Renamed")
        TOPIC = "topic", _("Topic changed")
        SLOW_MODE = "slow_mode", _("Slow mode changed")
        LOCK = "lock", _("Room locked")
        UNLOCK = "unlock", _("Room unlocked")
        ARCHIVE = "archive", _("Room archived")
        UNARCHIVE = "unarchive", _("Room opened again")
        LINK = "link", _("Link made")
        REVOKE_LINK = "revoke_link", _("Link taken back")
        FILTER = "filter", _("Filters changed")
        EXPORT = "export", _("Data taken out")
        ERASE = "erase", _("Person erased")

    action = models.CharField(max_length=12, choices=Action)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    message = models.ForeignKey(Message, models.PROTECT, null=True, related_name="+")
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
        """Insert; an entry is never changed."""
        if not self._state.adding:
            raise TypeError("the moderation log is append-only")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("the moderation log is append-only")


class SiteBan(models.Model):
    """Somebody who may not connect at all while ``lifted_at`` is null and ``until``, if there is one, has not come."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="site_bans")
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("when"), auto_now_add=True)
    until = models.DateTimeField(_("until"), null=True, blank=True)  # null: until it is lifted
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("site ban")
        verbose_name_plural = _("site bans")
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(lifted_at__isnull=True), name="site_ban_standing"
            )
        ]

    def __str__(self) -> str:
        return gettext("site ban %(number)s") % {"number": self.pk}


class BlockedWord(models.Model):
    """A word that no message may contain: what filters were before there were any. Those that were not taken over yet hold as well.

    An older version that runs beside this one still reads and adds them.
    """

    word = models.CharField(max_length=WORD_MAX_LENGTH, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # There is a filter of it since then.
    taken_over_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(taken_over_at__isnull=True), name="blocked_word_left"
            )
        ]

    def __str__(self) -> str:
        return self.word


class Person(User):
    """An account as moderators see it: who somebody is and what was done about them, without their address or their rights."""

    class Meta:
        proxy = True
        default_permissions = ()  # whoever may see bans may see people
        verbose_name = _("person")
        verbose_name_plural = _("people")
