"""Tables of moderation that belong to no stream: filters, silences of the whole site. ``chat.models`` names them with the others."""

from django.conf import settings
from django.db import models

from chat.filters import MAX_LENGTH, Action, Kind

REASON_MAX_LENGTH = 500  # of a moderator, shown to the person concerned


class Filter(models.Model):
    """A word or a pattern, and what becomes of messages that have it. ``room`` null: everywhere."""

    text = models.CharField(max_length=MAX_LENGTH)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.WORD)
    action = models.CharField(max_length=10, choices=Action, default=Action.BLOCK)
    room = models.ForeignKey("chat.Room", models.PROTECT, null=True, blank=True, related_name="+")
    is_on = models.BooleanField("on", default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["is_on", "id"], name="filter_on")]

    def __str__(self) -> str:
        return self.text


class FilterVersion(models.Model):
    """The name of the filters as they stand, in one row: who posts compares it with the one that this process has compiled.

    A random name and no number: after a restored backup a number would come a second time.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stamp = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.stamp
