"""People: the accounts that moderators see, blocks between users, and renamings."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Person(User):
    """An account as moderators see it: without its email address and permissions."""

    class Meta:
        proxy = True
        default_permissions = ()  # permission to view bans includes people
        verbose_name = _("person")
        verbose_name_plural = _("people")


class Block(models.Model):
    """``user`` has blocked ``blocked``. A row of the inbox stream of ``user``.

    The row stays when the block is lifted.
    """

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
                fields=["user", "id"], condition=Q(lifted_at__isnull=True), name="block_current"
            ),
            # A renaming changes the rows that show the blocked user's name.
            models.Index(fields=["blocked", "id"], name="block_blocked"),
        ]

    def __str__(self) -> str:
        return f"block {self.pk} of {self.user_id}"


class Renaming(models.Model):
    """A user's change of name, and which of the rows that show the name are already updated."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    step = models.PositiveSmallIntegerField(default=0)  # index of the steps in services.renaming
    after = models.BigIntegerField(default=0)  # the id of the last row updated in this step
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(finished_at__isnull=True), name="renaming_unfinished"
            )
        ]

    def __str__(self) -> str:
        return f"renaming {self.pk} of {self.user_id}"
