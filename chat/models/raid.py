"""Raid mode: what holds on the whole site while many accounts attack it."""

from typing import Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# The choices of raid mode, beside slow mode: the fields and their labels.
RAID_CHOICES: Final = {
    "approve_sign_ups": _("new accounts wait for approval"),
    "refuse_links": _("new accounts cannot post links"),
    # They write only to people who have written to them.
    "refuse_contacts": _("new accounts cannot write to strangers, invite people or create rooms"),
    "refuse_room_mentions": _("nobody can mention everyone"),
}


class RaidMode(models.Model):
    """One row. It is on until ``until``; the choices stay for the next time."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    approve_sign_ups = models.BooleanField(RAID_CHOICES["approve_sign_ups"], default=True)
    refuse_links = models.BooleanField(RAID_CHOICES["refuse_links"], default=True)
    refuse_contacts = models.BooleanField(RAID_CHOICES["refuse_contacts"], default=True)
    refuse_room_mentions = models.BooleanField(RAID_CHOICES["refuse_room_mentions"], default=True)
    # Seconds between two messages of a member in a room; 0: as the room says.
    slow_mode = models.PositiveIntegerField(_("slow mode in all rooms"), default=10)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("changed by"),
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        default_permissions = ()  # who may ban from the site may change it
        verbose_name = _("raid mode")
        verbose_name_plural = _("raid mode")

    def __str__(self) -> str:
        return gettext("raid mode")
