"""Memberships: who is in which room, with which role, and what they are notified of."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.room import Room


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    MODERATOR = "moderator", _("Moderator")
    MEMBER = "member", _("Member")


class State(models.TextChoices):
    ACTIVE = "active", _("Active")
    INVITED = "invited", _("Invited")
    LEFT = "left", _("Left")
    REMOVED = "removed", _("Removed")
    BANNED = "banned", _("Banned")


class Involvement(models.TextChoices):
    """The notification level: which messages of a room reach a member's inbox."""

    EVERYTHING = "everything", _("Everything")
    MENTIONS = "mentions", _("Mentions")
    NOTHING = "nothing", _("Nothing")


class Membership(models.Model):
    """A user's membership of a room. The row stays when the user leaves, so that replays show it.

    It belongs to two streams: ``seq`` is its position in ``room.<id>``, ``inbox_seq`` its position
    in ``inbox.<user>``. A change takes a new number of both, with these exceptions: reading,
    favourites and ``quiet_until`` change the inbox alone. Otherwise each reader of each message
    would change the room.
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
        _("notification level"),
        max_length=10,
        choices=Involvement,
        default=Involvement.MENTIONS,
    )
    read_number = models.BigIntegerField(_("read up to"), default=0)
    # ``read_number`` as of ``seq``. Only streams of the version before show it.
    shown_read_number = models.BigIntegerField(default=0)
    # Until then the user is notified of nothing in this room, by their own choice. Another thing
    # than ``muted_until``, with which a moderator stops someone from posting.
    quiet_until = models.DateTimeField(_("notifications off until"), null=True, blank=True)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    # When a ban ends by itself. Null: it lasts until a moderator lifts it.
    banned_until = models.DateTimeField(_("banned until"), null=True, blank=True)
    # Written only in rooms with slow mode.
    last_posted_at = models.DateTimeField(_("last posted"), null=True, blank=True)
    joined_at = models.DateTimeField(_("joined"))
    # The latest invitation. It stays when it is answered: invitations are counted by the hour.
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("invited by"),
    )
    invited_at = models.DateTimeField(_("invited"), null=True, blank=True)
    # When the user left or declined. Nobody can invite them again until they come by themselves.
    refused_at = models.DateTimeField(null=True, blank=True)
    # When the room's owners and moderators last caused a notification: at most one an hour.
    noticed_at = models.DateTimeField(null=True, blank=True)
    favourite = models.BooleanField(default=False, db_default=False)
    # The order among the user's favourites. A fraction, so that a room fits between two others.
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
            models.Index(fields=["user"], condition=Q(state="invited"), name="membership_invited"),
            models.Index(
                fields=["invited_by", "invited_at"],
                condition=Q(invited_by__isnull=False),
                name="membership_invited_by",
            ),
        ]

    def __str__(self) -> str:
        return gettext("membership %(number)s") % {"number": self.pk}
