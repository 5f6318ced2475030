"""How a user wants to see the site, on all their devices."""

from typing import NamedTuple, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Theme(models.TextChoices):
    DEVICE = "device", pgettext_lazy("a theme", "Same as this device")
    LIGHT = "light", pgettext_lazy("a theme", "Light")
    DARK = "dark", pgettext_lazy("a theme", "Dark")


class Density(models.TextChoices):
    COMFORTABLE = "comfortable", _("Comfortable")
    COMPACT = "compact", _("Compact")


class ClockFace(models.TextChoices):
    DEVICE = "device", pgettext_lazy("a clock", "Same as this device")
    TWELVE = "12", _("12 hours, such as 3:04 PM")
    TWENTY_FOUR = "24", _("24 hours, such as 15:04")


class SidebarSection(models.TextChoices):
    """The sections of the sidebar that can be folded."""

    FAVOURITES = "favourites"
    ROOMS = "rooms"
    DIRECTS = "directs"


class DisplaySettings(models.Model):
    """A user's choices; absent until they choose something. A row of their inbox stream.

    Their language belongs to it, and is in ``realtime.ReaderLanguage``.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="display_settings"
    )
    seq = models.BigIntegerField()
    theme = models.CharField(max_length=6, choices=Theme, default=Theme.DEVICE)
    density = models.CharField(max_length=11, choices=Density, default=Density.COMFORTABLE)
    clock = models.CharField(max_length=6, choices=ClockFace, default=ClockFace.DEVICE)
    folded = models.JSONField(default=list)  # sections of the sidebar
    # In each section of the sidebar, rooms with unread messages come before the others.
    unread_first = models.BooleanField(default=False, db_default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"display settings of {self.user_id}"


class Display(NamedTuple):
    """All choices of a user; without any, the defaults and ``seq`` 0."""

    seq: int
    theme: str
    density: str
    clock: str
    folded: list[str]
    unread_first: bool
    language: str  # "": as the browser asks

    @classmethod
    def of(cls, row: DisplaySettings, language: str) -> Self:
        return cls(
            row.seq,
            str(row.theme),
            str(row.density),
            str(row.clock),
            [*row.folded],
            row.unread_first,
            language,
        )
