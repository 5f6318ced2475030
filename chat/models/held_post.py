"""Posts that a filter holds until a moderator has decided."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.models.cases import Case
from chat.models.moderation import NOTE_MAX_LENGTH
from chat.models.room import Room


class HeldPost(models.Model):
    """A post that only its author and moderators see. A row of the author's inbox stream.

    It has no number in its room: accepted, it becomes a message like any other. Its text is that
    of the case, which a retention run empties; the row stays, so that every client learns the end.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="held_post")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    room = models.ForeignKey(Room, models.PROTECT, related_name="+", db_index=False)
    key = models.UUIDField()
    # The last message of the room when it was written. Null if a node of an earlier version
    # stored it.
    after_number = models.BigIntegerField(null=True)
    # The message may be gone when a moderator decides.
    reply_to_id = models.BigIntegerField(null=True)
    seq = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    # The filters that hold it, for moderators.
    note = models.CharField(max_length=NOTE_MAX_LENGTH, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["author", "key"], name="held_post_author_key"),
            models.UniqueConstraint(fields=["author", "seq"], name="held_post_author_seq"),
        ]
        # For every page of the author.
        indexes = [
            models.Index(fields=["author"], condition=Q(state="waiting"), name="held_post_waiting")
        ]

    def __str__(self) -> str:
        return f"held post {self.pk} of {self.author_id}"
