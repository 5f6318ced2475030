"""Traces of an address block, a browser or a text, which connect accounts; only digests of them."""

from typing import Final

from django.conf import settings
from django.db import models

DIGEST_LENGTH: Final = 32  # hexadecimal digits


class Trace(models.Model):
    """Something that an account used. Rows of two accounts with one digest connect them.

    A digest is keyed with the site's secret, so only this site can match it to a value. A row is
    deleted HOLDFAST_TRACE_DAYS after it was last seen.
    """

    class Kind(models.TextChoices):
        """An address block, a browser, or what filters compare of a text."""

        ADDRESS = "address"
        DEVICE = "device"
        TEXT = "text"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    digest = models.CharField(max_length=DIGEST_LENGTH)
    first_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "digest"], name="trace_user_digest")
        ]
        indexes = [
            models.Index(fields=["kind", "digest", "seen_at"], name="trace_shared"),
            models.Index(fields=["seen_at"], name="trace_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
