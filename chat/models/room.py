"""Rooms, and the links that invite people into them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

NAME_MAX_LENGTH = 80  # characters: one line of a sidebar
TOPIC_MAX_LENGTH = 250
SLUG_MAX_LENGTH = 80
DIGEST_LENGTH = 64  # SHA-256, hex
DIRECT_KEY_MAX_LENGTH = 200  # nine ids of at most 19 digits, and the colons

# The author of system messages. A migration creates the account; nobody can sign in to it.
SYSTEM_USERNAME = "holdfast"


def direct_key(*user_ids: int) -> str:
    """Return the key of the direct conversation of these people."""
    return ":".join(map(str, sorted(user_ids)))


class Room(models.Model):
    """``seq`` is the head of the room's stream at the last change of this row.

    Posting changes only ``last_number``, not ``seq``.
    """

    class Kind(models.TextChoices):
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")
        DIRECT = "direct", _("Direct")

    slug = models.SlugField(_("address"), max_length=SLUG_MAX_LENGTH, unique=True)
    # Empty in a direct room, which shows the names of the other people.
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH, blank=True)
    # The look of the name (chat.text.confusables), to find public rooms that imitate another.
    # Null in direct rooms, and so that no database has to make the table anew for the column.
    look = models.CharField(max_length=255, null=True, editable=False)
    topic = models.CharField(_("topic"), max_length=TOPIC_MAX_LENGTH, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PUBLIC)
    seq = models.BigIntegerField(default=0)
    # The number of the newest message.
    last_number = models.BigIntegerField(default=0)
    # ``last_number`` as of ``seq``: the stream shows this one, because a payload may change only
    # together with its ``seq``.
    shown_last_number = models.BigIntegerField(default=0)
    # The number of the oldest message that is kept. Earlier ones were removed by a retention run
    # (chat.services.retention), or are being removed, and no reader is shown them any more.
    first_number = models.BigIntegerField(default=1, db_default=1)
    # Messages from before this time were removed; null: none ever was.
    kept_since = models.DateTimeField(null=True, blank=True)
    # Days for which messages are kept; 0: for ever; null: as the site (HOLDFAST_RETENTION_DAYS).
    retention_days = models.PositiveIntegerField(_("retention"), null=True, blank=True)
    # Seconds that a member waits between two messages; 0 is off.
    slow_mode = models.PositiveIntegerField(default=0)
    # Members see how far others have read. Null: off, so that no database makes the table anew.
    read_receipts = models.BooleanField(null=True)
    # Locked: only owners and moderators can post.
    read_only = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    # The user ids of a direct room, such as "7:12", so that the same people have only one.
    direct_key = models.CharField(
        max_length=DIRECT_KEY_MAX_LENGTH, unique=True, null=True, editable=False
    )
    # The number of active memberships, kept here because no page may count rows.
    member_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        indexes = [
            models.Index(
                fields=["name", "id"],
                condition=Q(kind="public", archived_at__isnull=True),
                name="room_directory",
            ),
            models.Index(fields=["look"], condition=Q(kind="public"), name="room_look"),
        ]

    def __str__(self) -> str:
        return self.name or self.slug

    def get_absolute_url(self) -> str:
        return f"/rooms/{self.slug}/"

    @property
    def is_direct(self) -> bool:
        """A conversation of two people or a group, without owners or moderators."""
        return self.kind == self.Kind.DIRECT

    @property
    def has_receipts(self) -> bool:
        """Members see how far others have read, while the room is small enough."""
        return self.is_direct or bool(self.read_receipts)

    @property
    def is_group(self) -> bool:
        """A direct conversation of more than two people."""
        return self.direct_key is not None and self.direct_key.count(":") > 1


class InviteLink(models.Model):
    """A link with which a limited number of people can join a room until it expires.

    The token itself is not stored.
    """

    room = models.ForeignKey(Room, models.PROTECT, related_name="invite_links", db_index=False)
    # SHA-256 of the token, which has 192 random bits and so needs no salt.
    digest = models.CharField(max_length=DIGEST_LENGTH, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField()
    uses = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["room", "id"], name="invite_link_room")]

    def __str__(self) -> str:
        return f"link {self.pk} into room {self.room_id}"
