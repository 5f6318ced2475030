"""Cases: what was reported, kept as it was, each change of it since, and the place in the queue.

Only the admin and the evidence read these tables. Their texts stay until the hold ends: until the
case is decided and HOLDFAST_APPEAL_DAYS have passed (``chat.services.retention.holds``).
"""

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.message import Message
from chat.models.moderation import REASON_MAX_LENGTH, Report, SiteBan
from chat.models.room import Room

# "First Last (@username)": three columns of 150 characters each.
AUTHOR_NAME_MAX_LENGTH: Final = 460
APPEAL_MAX_LENGTH: Final = 2000


class Case(models.Model):
    """The reports of one message, person or room that are decided together.

    Or an appeal, or a post that a filter holds.

    The case of a message keeps the message as it was reported. A message has at most one open
    case. A report after the decision opens another one.
    """

    class Kind(models.TextChoices):
        MESSAGE = "message", _("Message")
        PERSON = "person", _("Person")
        ROOM = "room", _("Room")
        APPEAL = "appeal", _("Appeal")
        HELD = "held", _("Held message")

    kind = models.CharField(
        _("type"), max_length=10, choices=Kind, default=Kind.MESSAGE, db_default=Kind.MESSAGE
    )
    # The record of the author outlives the message, which a retention run may remove. Null for
    # other kinds.
    message = models.ForeignKey(
        Message,
        models.DO_NOTHING,
        null=True,
        related_name="cases",
        db_constraint=False,
        db_index=False,
    )
    # The person concerned: the author, the person, an owner of the room, the appellant.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    # Null for a person, and for the appeal against a ban.
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+", db_index=False)
    status = models.CharField(
        _("status"), max_length=10, choices=Report.Status, default=Report.Status.OPEN
    )
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH, blank=True)
    # The text and the author's name when the case was opened; empty once the hold has ended.
    body = models.TextField(blank=True)
    author_name = models.CharField(max_length=AUTHOR_NAME_MAX_LENGTH, blank=True)
    # When the author wrote that text: posted it, or edited it last.
    written_at = models.DateTimeField()
    # Revisions beyond HOLDFAST_CASE_REVISIONS, which are not kept.
    dropped = models.PositiveIntegerField(default=0)
    # When the hold ended.
    released_at = models.DateTimeField(null=True, blank=True)
    # The most severe category of its reports, how many there are, and how many of them count for
    # the urgency: those of reporters whose reports were abusive do not.
    category = models.CharField(
        _("category"),
        max_length=10,
        choices=Report.Category,
        default=Report.Category.OTHER,
        db_default=Report.Category.OTHER,
    )
    severity = models.PositiveSmallIntegerField(default=0, db_default=0)
    times = models.PositiveIntegerField(_("reports"), default=0, db_default=0)
    weight = models.PositiveIntegerField(default=0, db_default=0)
    # The order of the queue, highest first: severity, weight, age (``chat.queries.queue.urgency``).
    # It is one number, so that one index column orders the queue and marks a place in it.
    urgency = models.BigIntegerField(default=0, db_default=0)
    # The moderator who reviews the case. A claim made by opening it ends by itself.
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    # Whether a moderator has taken the last decision back.
    reopened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        default_permissions = ()  # permission to view reports includes cases
        constraints = [
            models.UniqueConstraint(
                fields=["message"], condition=Q(status="open"), name="case_open_message"
            ),
            models.UniqueConstraint(
                fields=["author"],
                condition=Q(status="open", kind="person"),
                name="case_open_person",
            ),
            models.UniqueConstraint(
                fields=["room"], condition=Q(status="open", kind="room"), name="case_open_room"
            ),
        ]
        indexes = [
            models.Index(fields=["message", "id"], name="case_message"),
            models.Index(fields=["author", "id"], name="case_author"),
            models.Index(fields=["status", "id"], name="case_status"),
            models.Index(fields=["status", "urgency"], name="case_queue"),
            models.Index(fields=["status", "category", "urgency"], name="case_category"),
            models.Index(fields=["status", "kind", "urgency"], name="case_kind"),
            models.Index(
                fields=["assigned_to", "urgency"], condition=Q(status="open"), name="case_assigned"
            ),
            # For the periodic end of holds.
            models.Index(
                fields=["closed_at"], condition=Q(released_at__isnull=True), name="case_held"
            ),
        ]

    def __str__(self) -> str:
        return gettext("case %(number)s") % {"number": self.pk}

    @property
    def is_held(self) -> bool:
        return self.released_at is None

    @property
    def is_open(self) -> bool:
        return self.status == Report.Status.OPEN

    @property
    def holder_id(self) -> int | None:
        """Return the moderator who has the case now; a claim may have ended."""
        is_over = self.claimed_until is not None and self.claimed_until <= timezone.now()
        return None if is_over else self.assigned_to_id


class Appeal(models.Model):
    """A user's objection to a decision about them. Its case is in the queue.

    Each decision is appealed once: the removal of a message, the refusal of a held one, a ban from
    the site, a mute in one room or in all.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="appeal")
    # One of the four. The message may be gone, after the case is decided.
    message = models.ForeignKey(
        Message,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    # The case of the held message, whose own row an erasure deletes.
    held = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+", db_index=False)
    ban = models.ForeignKey(SiteBan, models.PROTECT, null=True, related_name="+", db_index=False)
    # The muted person: a mute has no row of its own, `decided_at` tells which one. The case names
    # the room, unless it is a mute in all rooms.
    muted = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    # The decision: who made it, and when. Another moderator handles the appeal.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField()
    text = models.CharField(max_length=APPEAL_MAX_LENGTH)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["message", "decided_at"],
                condition=Q(message__isnull=False),
                name="appeal_message_decision",
            ),
            models.UniqueConstraint(
                fields=["held", "decided_at"],
                condition=Q(held__isnull=False),
                name="appeal_held_decision",
            ),
            models.UniqueConstraint(
                fields=["ban"], condition=Q(ban__isnull=False), name="appeal_ban"
            ),
            models.UniqueConstraint(
                fields=["muted", "decided_at"],
                condition=Q(muted__isnull=False),
                name="appeal_mute",
            ),
        ]

    def __str__(self) -> str:
        return f"appeal of case {self.case_id}"


class Revision(models.Model):
    """A change of a message since it was reported, with the text from then on."""

    class Act(models.TextChoices):
        EDIT = "edit", _("Edited by its author")
        DELETE = "delete", _("Deleted by its author")
        REMOVE = "remove", _("Removed by a moderator")
        RESTORE = "restore", _("Restored by a moderator")
        ERASE = "erase", _("Erased with the account of its author")

    case = models.ForeignKey(Case, models.CASCADE, related_name="revisions")
    act = models.CharField(max_length=10, choices=Act)
    body = models.TextField(blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"revision {self.pk} of case {self.case_id}"
