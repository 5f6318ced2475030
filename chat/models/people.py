"""People: the accounts that moderators see, blocks between users, and renamings."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from realtime.core.users import User

LOOK_MAX_LENGTH = 255
PERSON_NOTE_MAX_LENGTH = 1000


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


class ReceiptsOff(models.Model):
    """A user who lets nobody see how far they have read, and so does not see it of others."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="receipts_off"
    )
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"no read receipts of {self.user_id}"


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


class UsernameLook(models.Model):
    """The look of a username (``chat.text.confusables``), to find names that imitate it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    folded = models.CharField(max_length=LOOK_MAX_LENGTH, db_index=True)
    as_written = models.CharField(max_length=LOOK_MAX_LENGTH, db_index=True)
    # An account from before the rule, or made by an operator, that looks like another one.
    is_shared = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["folded"], condition=Q(is_shared=False), name="username_look_folded"
            ),
            models.UniqueConstraint(
                fields=["as_written"], condition=Q(is_shared=False), name="username_look_written"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.folded} of {self.user_id}"


class Erasure(models.Model):
    """The erasure of a person: what is still to be done, and the names to look for meanwhile.

    The names are emptied when the last step is done.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # The usernames that the account has had, the last one first, and the last full name.
    usernames = models.JSONField(default=list)
    full_name = models.CharField(max_length=301, blank=True)
    step = models.PositiveSmallIntegerField(default=0)  # index of the steps in services.erasure
    after = models.BigIntegerField(default=0)  # the id of the last row looked at in this step
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"erasure of {self.user_id}"


class PersonNote(models.Model):
    """A text of a moderator about a person, which only moderators read."""

    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    text = models.CharField(max_length=PERSON_NOTE_MAX_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["subject", "id"], name="person_note_subject")]

    def __str__(self) -> str:
        return f"note {self.pk} about {self.subject_id}"
