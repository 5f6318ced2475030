"""Rooms."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

NAME_MAX_LENGTH = 80  # characters: one line of a sidebar
TOPIC_MAX_LENGTH = 250
SLUG_MAX_LENGTH = 80

# The author of what the system posts; made by a migration, cannot sign in.
SYSTEM_USERNAME = "holdfast"


class Room(models.Model):
    """A room. ``seq`` is the head of its stream at the last change of this row; posting changes only ``last_number``."""

    class Kind(models.TextChoices):
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")
        DIRECT = "direct", _("Direct")

    slug = models.SlugField(_("address"), max_length=SLUG_MAX_LENGTH, unique=True)
    # Empty: a direct room is called by the other person's name.
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH, blank=True)
    topic = models.CharField(_("topic"), max_length=TOPIC_MAX_LENGTH, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PUBLIC)
    seq = models.BigIntegerField(default=0)
    # Of the newest message; lives without a change of seq.
    last_number = models.BigIntegerField(default=0)
    # The same as of seq: what the stream shows (a payload changes only with its seq).
    shown_last_number = models.BigIntegerField(default=0)
    # Seconds between two messages of a member; 0: off.
    slow_mode = models.PositiveIntegerField(default=0)
    read_only = models.BooleanField(default=False)  # locked: only owners and moderators post
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    # "7:12" in a direct room: one room for each pair.
    direct_key = models.CharField(max_length=41, unique=True, null=True, editable=False)
    # Active memberships, so that no page has to count them.
    member_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        indexes = [
            models.Index(
                fields=["name", "id"],
                condition=Q(kind="public", archived_at__isnull=True),
                name="room_directory",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.slug

    def get_absolute_url(self) -> str:
        """Return the address of the room's page."""
        return f"/rooms/{self.slug}/"

    @property
    def is_direct(self) -> bool:
        """A conversation of two: nobody owns it, nobody moderates it."""
        return self.kind == self.Kind.DIRECT
