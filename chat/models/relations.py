"""Tables of what is between people, beside their rooms: who keeps whom away, and who may come in by a link. Belongs to ``chat.models``."""

from django.conf import settings
from django.db import models
from django.db.models import Q

DIGEST_LENGTH = 64  # SHA-256, hex


class Block(models.Model):
    """That ``user`` wants to hear nothing of ``blocked``. A row of the inbox stream of ``user``; it stays when it is lifted."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    blocked = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    seq = models.BigIntegerField()
    blocked_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "blocked"], name="block_user_blocked"),
            models.UniqueConstraint(fields=["user", "seq"], name="block_user_seq"),
        ]
        indexes = [
            models.Index(
                fields=["user", "id"], condition=Q(lifted_at__isnull=True), name="block_standing"
            ),
            # The rows that show somebody who is renamed.
            models.Index(fields=["blocked", "id"], name="block_blocked"),
        ]

    def __str__(self) -> str:
        return f"block {self.pk} of {self.user_id}"


class InviteLink(models.Model):
    """A link that lets people into a room, for a while and a number of them. The link's token is kept nowhere, only its digest is."""

    room = models.ForeignKey(
        "chat.Room", models.PROTECT, related_name="invite_links", db_index=False
    )
    # SHA-256: the token has 192 random bits, so no salt is needed.
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


class Renaming(models.Model):
    """That somebody was given another name, and how far the rows that show it have moved on."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    step = models.PositiveSmallIntegerField(default=0)  # of ``chat.services.renaming``
    after = models.BigIntegerField(default=0)  # the id of the last row that moved in this step
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(finished_at__isnull=True), name="renaming_unfinished"
            )
        ]

    def __str__(self) -> str:
        return f"renaming {self.pk} of {self.user_id}"
