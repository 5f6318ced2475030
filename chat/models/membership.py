"""Memberships: who is in which room, with which role."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.room import Room


class Role(models.TextChoices):
    """What a member may do in a room."""

    OWNER = "owner", _("Owner")
    MODERATOR = "moderator", _("Moderator")
    MEMBER = "member", _("Member")


class State(models.TextChoices):
    """Whether somebody is in a room, and why not."""

    ACTIVE = "active", _("Active")
    LEFT = "left", _("Left")
    REMOVED = "removed", _("Removed")
    BANNED = "banned", _("Banned")


class Involvement(models.TextChoices):
    """What of a room reaches a member's inbox."""

    EVERYTHING = "everything", _("Everything")
    MENTIONS = "mentions", _("Mentions")
    NOTHING = "nothing", _("Nothing")


class Membership(models.Model):
    """Somebody's place in a room; it stays when they are gone, because a replay has to tell of it.

    It is a row of two streams: ``seq`` in ``room.<id>``, ``inbox_seq`` in ``inbox.<user>``. Every change takes a number of both, except
    reading, which concerns nobody else and would be a change of the room for each reader of each message.
    """

    room = models.ForeignKey(Room, models.PROTECT, related_name="memberships", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships", db_index=False
    )
    seq = models.BigIntegerField()
    inbox_seq = models.BigIntegerField()
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    involvement = models.CharField(
        _("told of"), max_length=10, choices=Involvement, default=Involvement.MENTIONS
    )
    read_number = models.BigIntegerField(_("read up to"), default=0)
    # Read_number as of seq: what the room's stream shows.
    shown_read_number = models.BigIntegerField(default=0)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    # While banned: null is "until it is lifted"; then it ends by itself.
    banned_until = models.DateTimeField(_("banned until"), null=True, blank=True)
    # Kept in rooms with slow mode.
    last_posted_at = models.DateTimeField(_("last wrote"), null=True, blank=True)
    joined_at = models.DateTimeField(_("joined"))
    # Only its owner knows: a change is one of the inbox alone.
    favourite = models.BooleanField(default=False, db_default=False)
    # Among my favourites, smallest first; between two is room for another.
    favourite_order = models.FloatField(default=0, db_default=0)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["room", "user"], name="membership_room_user"),
            models.UniqueConstraint(fields=["room", "seq"], name="membership_room_seq"),
            models.UniqueConstraint(fields=["user", "inbox_seq"], name="membership_user_seq"),
        ]
        indexes = [
            models.Index(
                fields=["room", "user"], condition=Q(state="active"), name="membership_members"
            ),
            models.Index(
                fields=["room"],
                condition=Q(state="active", involvement="everything"),
                name="membership_everything",
            ),
            models.Index(
                fields=["room", "role"],
                condition=Q(state="active") & ~Q(role="member"),
                name="membership_staff",
            ),
        ]

    def __str__(self) -> str:
        return gettext("membership %(number)s") % {"number": self.pk}
