"""Filters: the words and patterns that every message is checked against."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.room import Room
from chat.text.filters import MAX_LENGTH, FilterAction, FilterKind


class Filter(models.Model):
    """A word or a pattern, and the action on messages that contain it.

    It applies to one room, or to all rooms if ``room`` is null.
    """

    text = models.CharField(max_length=MAX_LENGTH)
    kind = models.CharField(_("kind"), max_length=10, choices=FilterKind, default=FilterKind.WORD)
    action = models.CharField(
        _("action"), max_length=10, choices=FilterAction, default=FilterAction.BLOCK
    )
    room = models.ForeignKey(Room, models.PROTECT, null=True, blank=True, related_name="+")
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


class FilterVersion(models.Model):
    """The current version of all filters, in one row (see ``chat.queries.filter_cache``).

    A random stamp instead of a number: after a backup is restored, a number would repeat.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stamp = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.stamp
