"""Tables of the engine: heads of streams, access tokens, revocations, the epoch, and the languages of readers."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Stream(models.Model):
    """One row a stream: the lock and the counter under which every change of the stream takes its number."""

    name = models.CharField(primary_key=True, max_length=64)
    head = models.BigIntegerField(default=0)
    # A position below it cannot be continued: a retention run removed rows.
    floor = models.BigIntegerField(default=0)
    # By the database's clock; unindexed, so that updates stay HOT.
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "realtime_stream"

    def __str__(self) -> str:
        return self.name


def new_epoch() -> str:
    """Return a fresh name for a history."""
    return f"e-{secrets.token_hex(4)}"


class Epoch(models.Model):
    """The name of this history, in one row; an operator changes it after restoring a backup (``manage.py new_epoch``)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=32, default=new_epoch)

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """A bearer token of a person or a program. Only its digest is stored."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="access_tokens",
        verbose_name=_("person"),
    )
    # SHA-256, hex: the token itself has 256 random bits, so no salt is needed.
    digest = models.CharField(max_length=64, unique=True)
    # Of the user's password when it was issued: a new password revokes the token.
    auth_hash = models.CharField(max_length=128)
    created_at = models.DateTimeField(_("issued"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering = ["-id"]

    def __str__(self) -> str:
        return gettext("access token %(number)s") % {"number": self.pk}


class Revocation(models.Model):
    """A hidden row of a personal stream: a session, a token or a whole account lost its right to be connected."""

    # The constraint has one.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    seq = models.BigIntegerField()
    # "session:…" or "token:…"; empty: everything of this user.
    credential = models.CharField(max_length=80, blank=True)
    code = models.PositiveSmallIntegerField()  # the close code
    reason = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "seq"], name="revocation_user_seq")]

    def __str__(self) -> str:
        return f"{self.reason} of {self.user_id}"


class Node(models.Model):
    """What one process last told of itself (``realtime.core.node_reports``).

    Rates are per second.
    """

    # Of the process: its name and a random part.
    key = models.CharField(primary_key=True, max_length=100)
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    connections = models.PositiveIntegerField()
    waiting = models.PositiveIntegerField()  # open long polls and event streams
    subscriptions = models.PositiveIntegerField()
    behind = models.PositiveIntegerField()
    streams = models.PositiveIntegerField()
    delivered_rate = models.FloatField()
    command_rate = models.FloatField()
    handshake_rate = models.FloatField()
    degraded = models.BooleanField()
    draining = models.BooleanField()

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")

    def __str__(self) -> str:
        return self.name


class ReaderLanguage(models.Model):
    """The language that somebody has chosen to read.

    Made by the choice; who has made none reads what their browser asks for.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    language = models.CharField(max_length=16)

    def __str__(self) -> str:
        return f"{self.language} of {self.user_id}"


class Ending(models.Model):
    """Somebody's access to a stream, or to everything, that ends with a row of a stream: what ``realtime.auth.revocation_timing`` measures."""

    stream = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    user_id = models.BigIntegerField()
    reason = models.CharField(max_length=100)
    # By the database's clock, as the answers are.
    started_at = models.DateTimeField(db_default=Now())
    # {key of a node: its name}: who was there then, and has to answer.
    expected = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="ending_stream_seq")]
        indexes = [
            models.Index(fields=["user_id", "id"], name="ending_user"),
            models.Index(fields=["started_at"], name="ending_started"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} of {self.user_id}"


class Confirmation(models.Model):
    """The word of one node that nobody there has an access any more that has ended."""

    ending = models.ForeignKey(Ending, models.CASCADE, related_name="confirmations", db_index=False)
    node = models.CharField(max_length=100)
    closed = models.PositiveIntegerField()  # sockets and feeds that had it
    milliseconds = models.PositiveIntegerField()  # after the start

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ending", "node"], name="confirmation_ending_node")
        ]

    def __str__(self) -> str:
        return f"ending {self.ending_id} on {self.node}"
