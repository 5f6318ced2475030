"""Tables of moderation beside the rooms: filters, silences of the whole site, bulk acts. ``chat.models`` names them with the others."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.text.filters import MAX_LENGTH, Action, Kind

REASON_MAX_LENGTH = 500  # of a moderator, shown to the person concerned


class Filter(models.Model):
    """A word or a pattern, and what becomes of messages that have it. ``room`` null: everywhere."""

    text = models.CharField(max_length=MAX_LENGTH)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.WORD)
    action = models.CharField(_("action"), max_length=10, choices=Action, default=Action.BLOCK)
    room = models.ForeignKey("chat.Room", models.PROTECT, null=True, blank=True, related_name="+")
    is_on = models.BooleanField(_("on"), default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("filter")
        verbose_name_plural = _("filters")
        indexes = [models.Index(fields=["is_on", "id"], name="filter_on")]

    def __str__(self) -> str:
        return self.text


class SiteMute(models.Model):
    """How long somebody may write in no room: a row of their inbox. One a person, of the last time; it ends by itself, or is lifted."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    # 0: from before it was a row of the inbox, which then has nothing to tell.
    seq = models.BigIntegerField(default=0, db_default=0)
    until = models.DateTimeField(null=True)  # null: lifted
    reason = models.CharField(max_length=REASON_MAX_LENGTH, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"site mute of {self.user_id}"


class Bulk(models.Model):
    """Many messages that are deleted, restored or erased, in batches: what was asked for, and how far it is.

    It goes on from ``cursor``, whoever runs it and however often; what is done is not done again.
    """

    class Act(models.TextChoices):
        DELETE = "delete", _("Remove messages")  # restorable
        RESTORE = "restore", _("Restore messages")  # what the bulk ``source`` deleted
        ERASE = "erase", _("Erase a person")  # for ever: the person leaves

    act = models.CharField(max_length=10, choices=Act)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    room = models.ForeignKey("chat.Room", models.PROTECT, null=True, related_name="+")
    # That the text has, in any case.
    words = models.CharField(_("words"), max_length=MAX_LENGTH, blank=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    source = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    last_id = models.BigIntegerField(default=0)  # what is posted later is not concerned
    cursor = models.BigIntegerField(default=0)  # the last row that was looked at
    expected = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("bulk act")
        verbose_name_plural = _("bulk acts")
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(finished_at=None), name="bulk_unfinished"
            )
        ]

    def __str__(self) -> str:
        return gettext("bulk act %(number)s") % {"number": self.pk}


class FilterVersion(models.Model):
    """The name of the filters as they stand, in one row: who posts compares it with the one that this process has compiled.

    A random name and no number: after a restored backup a number would come a second time.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stamp = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.stamp
