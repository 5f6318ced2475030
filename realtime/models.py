"""Tables of the engine: heads, stamped rows, the epoch, tokens, sessions, nodes, languages."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Stream(models.Model):
    """One row for each stream: every change of the stream locks it and takes the next number."""

    name = models.CharField(primary_key=True, max_length=64)
    head = models.BigIntegerField(default=0)
    # A position below it cannot be continued, because a retention run removed rows.
    floor = models.BigIntegerField(default=0)
    # By the database's clock. Not indexed, so that PostgreSQL can update the row in place (HOT).
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "realtime_stream"

    def __str__(self) -> str:
        return self.name


class Pending(models.Model):
    """A changed row that gets its number when its transaction commits (decision 38).

    On PostgreSQL only. The rows are deleted by the transaction that wrote them, so nobody else ever
    sees one.
    """

    transaction = models.BigIntegerField(db_index=True)
    stream = models.CharField(max_length=64)
    relation = models.BigIntegerField()  # the table's oid, which no search_path changes
    key = models.TextField()
    kind = models.CharField(max_length=32)
    is_first = models.BooleanField()  # of its transaction: it queues the trigger that seals

    class Meta:
        db_table = "realtime_pending"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind}:{self.key} of {self.stream}"


class Tombstone(models.Model):
    """A row of a stream that was deleted: readers who have it are notified, however late."""

    stream = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    key = models.TextField()
    seq = models.BigIntegerField()

    class Meta:
        db_table = "realtime_tombstone"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["stream", "kind", "key"], name="tombstone_of_row")
        ]
        indexes = [models.Index(fields=["stream", "seq"], name="tombstone_stream_seq")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.key} of {self.stream}"


class DeadLetter(models.Model):
    """A changed row that could not be numbered. Its transaction was committed all the same."""

    stream = models.CharField(max_length=64)
    relation = models.TextField()
    key = models.TextField()
    reason = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "realtime_deadletter"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.relation} {self.key} of {self.stream}: {self.reason}"


def new_epoch() -> str:
    """Return a fresh name for a history."""
    return f"e-{secrets.token_hex(4)}"


class Epoch(models.Model):
    """The name of this history, in one row.

    It changes when the database has gone back in time: a node notices that by itself, or
    ``manage.py new_epoch`` changes it (``realtime.core.history``).
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=32, default=new_epoch)
    # Grows with every new name. A restored copy has a lower number, even where its name was used
    # before.
    number = models.PositiveBigIntegerField(db_default=1)
    # PostgreSQL's system identifier and timeline when the name was made; empty where the database
    # cannot tell.
    system = models.CharField(max_length=32, blank=True, db_default="")
    timeline = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """A bearer token of a user or a program. Only its digest is stored."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="access_tokens",
        verbose_name=_("user"),
    )
    # SHA-256 in hex. The token has 256 random bits, so no salt is needed.
    digest = models.CharField(max_length=64, unique=True)
    # Of the user's password when the token was issued: a new password revokes the token.
    auth_hash = models.CharField(max_length=128)
    created_at = models.DateTimeField(_("issued"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    # To within some minutes (realtime.auth.last_seen).
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering = ["-id"]

    def __str__(self) -> str:
        return gettext("access token %(number)s") % {"number": self.pk}


class UserSession(models.Model):
    """A session as its owner sees it: enough to recognise it (``realtime.auth.last_seen``)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # Without a constraint: a page that ends while its session is deleted must not fail. The row
    # that it leaves is not listed, and a retention run deletes it. Without a cascade, which would
    # load all expired sessions to delete them.
    session = models.OneToOneField(
        "sessions.Session", models.DO_NOTHING, related_name="+", db_constraint=False
    )
    browser = models.CharField(max_length=60, blank=True)  # "Firefox · Linux"
    network = models.CharField(max_length=50, blank=True)  # "203.0.113.0/24"
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()  # to within some minutes

    def __str__(self) -> str:
        return f"session {self.pk} of {self.user_id}"


class Revocation(models.Model):
    """A hidden row of a personal stream: a session, a token or an account lost its access."""

    # The constraint below has the index.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    seq = models.BigIntegerField()
    # "session:…" or "token:…"; empty for all connections of the user.
    credential = models.CharField(max_length=80, blank=True)
    code = models.PositiveSmallIntegerField()  # the close code
    reason = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "seq"], name="revocation_user_seq")]

    def __str__(self) -> str:
        return f"{self.reason} of {self.user_id}"


class Node(models.Model):
    """The last report of one process (``core.monitoring.node_reports``). Rates are per second."""

    # The node's name and a random part: a restarted node is another process.
    key = models.CharField(primary_key=True, max_length=100)
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    # Of this process so far. If its own row holds fewer, the database has gone back in time.
    reports = models.PositiveBigIntegerField(db_default=0)
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
    # Of the size of a page at most: the process and what is busy on it (node_reports.details).
    # With a default of the database, for nodes of the version before this column.
    details = models.JSONField(default=dict, db_default={})

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """A command that a timer should start (``core.monitoring.jobs``)."""

    command = models.CharField(primary_key=True, max_length=60)
    expected_since = models.DateTimeField(db_default=Now())
    succeeded_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.command


class ReaderLanguage(models.Model):
    """The language that a user has chosen. Without a row, the browser's language is used."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    language = models.CharField(max_length=16)

    def __str__(self) -> str:
        return f"{self.language} of {self.user_id}"
