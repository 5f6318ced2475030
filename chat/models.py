"""Tables of chat.

Rows that carry ``seq`` belong to a stream (``room.<id>``; memberships to ``inbox.<user>`` as well): only ``chat.services`` changes them.
"""

from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat import ties  # noqa: F401  tables of this app, in a file of their own
from chat.moderation_models import REASON_MAX_LENGTH, Bulk, Filter, FilterVersion, SiteMute

__all__ = ["REASON_MAX_LENGTH", "Bulk", "Filter", "FilterVersion", "SiteMute"]  # and what is below

NAME_MAX_LENGTH = 80  # characters: one line of a sidebar
TOPIC_MAX_LENGTH = 250
SLUG_MAX_LENGTH = 80
NOTE_MAX_LENGTH = 1000  # of somebody who reports
WORD_MAX_LENGTH = 80
EMOJI_MAX_LENGTH = 40  # a family of four with skin tones has 11 code points

SYSTEM_USERNAME = "holdfast"  # the author of what the system posts; made by a migration, cannot sign in


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


class Room(models.Model):
    """A room. ``seq`` is the head of its stream at the last change of this row; posting changes only ``last_number``."""

    class Kind(models.TextChoices):
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")
        DIRECT = "direct", _("Direct")

    slug = models.SlugField(_("address"), max_length=SLUG_MAX_LENGTH, unique=True)
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH, blank=True)  # empty: a direct room is called by the other person's name
    topic = models.CharField(_("topic"), max_length=TOPIC_MAX_LENGTH, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PUBLIC)
    seq = models.BigIntegerField(default=0)
    last_number = models.BigIntegerField(default=0)  # of the newest message; lives without a change of seq
    shown_last_number = models.BigIntegerField(default=0)  # the same as of seq: what the stream shows (a payload changes only with its seq)
    slow_mode = models.PositiveIntegerField(default=0)  # seconds between two messages of a member; 0: off
    read_only = models.BooleanField(default=False)  # locked: only owners and moderators post
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    direct_key = models.CharField(max_length=41, unique=True, null=True, editable=False)  # "7:12" in a direct room: one room for each pair
    member_count = models.PositiveIntegerField(default=0)  # active memberships, so that no page has to count them

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        indexes = [models.Index(fields=["name", "id"], condition=Q(kind="public", archived_at__isnull=True), name="room_directory")]

    def __str__(self) -> str:
        return self.name or self.slug

    def get_absolute_url(self) -> str:
        """Return the address of the room's page."""
        return f"/rooms/{self.slug}/"

    @property
    def is_direct(self) -> bool:
        """A conversation of two: nobody owns it, nobody moderates it."""
        return self.kind == self.Kind.DIRECT


class Membership(models.Model):
    """Somebody's place in a room; it stays when they are gone, because a replay has to tell of it.

    It is a row of two streams: ``seq`` in ``room.<id>``, ``inbox_seq`` in ``inbox.<user>``. Every change takes a number of both, except
    reading, which concerns nobody else and would be a change of the room for each reader of each message.
    """

    room = models.ForeignKey(Room, models.PROTECT, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships", db_index=False)
    seq = models.BigIntegerField()
    inbox_seq = models.BigIntegerField()
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    involvement = models.CharField(_("told of"), max_length=10, choices=Involvement, default=Involvement.MENTIONS)
    read_number = models.BigIntegerField(_("read up to"), default=0)
    shown_read_number = models.BigIntegerField(default=0)  # read_number as of seq: what the room's stream shows
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    banned_until = models.DateTimeField(
        _("banned until"), null=True, blank=True
    )  # while banned: null is "until it is lifted"; then it ends by itself
    last_posted_at = models.DateTimeField(_("last wrote"), null=True, blank=True)  # kept in rooms with slow mode
    joined_at = models.DateTimeField(_("joined"))
    favourite = models.BooleanField(default=False, db_default=False)  # only its owner knows: a change is one of the inbox alone
    favourite_order = models.FloatField(default=0, db_default=0)  # among my favourites, smallest first; between two is room for another

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["room", "user"], name="membership_room_user"),
            models.UniqueConstraint(fields=["room", "seq"], name="membership_room_seq"),
            models.UniqueConstraint(fields=["user", "inbox_seq"], name="membership_user_seq"),
        ]
        indexes = [
            models.Index(fields=["room", "user"], condition=Q(state="active"), name="membership_members"),
            models.Index(fields=["room"], condition=Q(state="active", involvement="everything"), name="membership_everything"),
            models.Index(fields=["room", "role"], condition=Q(state="active") & ~Q(role="member"), name="membership_staff"),
        ]

    def __str__(self) -> str:
        return gettext("membership %(number)s") % {"number": self.pk}


class Message(models.Model):
    """A message. ``number`` is its place in the room, 1, 2, 3 … without holes; ``seq`` moves with every change.

    A deleted message keeps its number and nothing of its text (see ``RemovedText``).
    """

    room = models.ForeignKey(Room, models.PROTECT, related_name="messages", db_index=False)
    number = models.BigIntegerField(_("number"))
    seq = models.BigIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="messages", db_index=False)
    key = models.UUIDField()  # chosen by the sender: a repeated post finds the first one by it
    body = models.TextField(blank=True)
    html = models.TextField(blank=True)  # empty: the body is plain text
    created_at = models.DateTimeField(_("sent"))
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)  # while moderators look at it; the text is in ``HeldText`` meanwhile
    reply_to = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    reactions = models.JSONField(default=dict)  # {emoji: [user ids]}
    mentions = models.JSONField(default=list)  # [user ids]
    notified = models.JSONField(default=list)  # [user ids]: all who were notified of being mentioned, so that no edit does it again

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["room", "number"], name="message_room_number"),
            models.UniqueConstraint(fields=["room", "seq"], name="message_room_seq"),
            models.UniqueConstraint(fields=["author", "key"], name="message_author_key"),
        ]
        indexes = [models.Index(fields=["author", "id"], name="message_author")]  # what somebody wrote, newest first, for moderators

    def __str__(self) -> str:
        return gettext("message %(ident)s") % {"ident": self.pk}

    @property
    def is_deleted(self) -> bool:
        """Only a tombstone is left."""
        return self.deleted_at is not None

    @property
    def is_hidden(self) -> bool:
        """Moderators are looking at it, and nobody else can."""
        return self.hidden_at is not None


class HeldText(models.Model):
    """What a message says that is hidden while moderators look at it. Only the desk reads it; the message gets it all back."""

    message = models.OneToOneField(Message, models.CASCADE, primary_key=True, related_name="held_text")
    body = models.TextField()
    html = models.TextField(blank=True)
    reactions = models.JSONField(default=dict)
    mentions = models.JSONField(default=list)
    hidden_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"held text of message {self.pk}"


class Mention(models.Model):
    """That a message which stands mentions a member, by name or as everybody; so the unread ones are counted without reading messages."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    room = models.ForeignKey(Room, models.CASCADE, related_name="+", db_index=False)
    number = models.BigIntegerField()  # of the message

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "room", "number"], name="mention_user_room_number")]
        indexes = [models.Index(fields=["room", "number"], name="mention_message")]  # an edit or a deletion takes them away

    def __str__(self) -> str:
        return f"mention of {self.user_id} in {self.room_id}"


class RemovedText(models.Model):
    """What a moderator deleted, so that moderators can restore it. No replay and no page of the chat reads this table.

    What its author deletes is in no table any more.
    """

    message = models.OneToOneField(Message, models.CASCADE, primary_key=True, related_name="removed_text")
    body = models.TextField()
    reactions = models.JSONField(default=dict)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(_("removed"))
    bulk = models.ForeignKey(Bulk, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("removed text")
        verbose_name_plural = _("removed texts")
        indexes = [models.Index(fields=["bulk", "message"], condition=Q(bulk__isnull=False), name="removed_text_bulk")]

    def __str__(self) -> str:
        return gettext("removed text of message %(number)s") % {"number": self.pk}


class Report(models.Model):
    """Somebody's request that a moderator look at a message. All open ones of a message are one case."""

    class Category(models.TextChoices):
        SPAM = "spam", _("Spam")
        ABUSE = "abuse", _("Abuse")
        ILLEGAL = "illegal", _("Illegal")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        RESOLVED = "resolved", _("removed")
        DISMISSED = "dismissed", _("kept")

    message = models.ForeignKey(Message, models.PROTECT, related_name="reports", db_index=False)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(_("category"), max_length=10, choices=Category)
    note = models.CharField(_("note"), max_length=NOTE_MAX_LENGTH, blank=True)
    created_at = models.DateTimeField(_("when"))
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.OPEN)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )  # who looks at the case

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [models.UniqueConstraint(fields=["message", "reporter"], name="report_message_reporter")]
        indexes = [
            models.Index(fields=["status", "id"], name="report_status"),
            models.Index(fields=["status", "category", "id"], name="report_category"),
            models.Index(fields=["assigned_to", "id"], condition=Q(status="open"), name="report_assigned"),
            models.Index(fields=["reporter", "id"], name="report_reporter"),
        ]

    def __str__(self) -> str:
        return gettext("report %(number)s") % {"number": self.pk}


class ModerationLog(models.Model):
    """What moderators did, to whom, and why. Append-only: here, and by a trigger of the database.

    It never holds the text of a message. When a person is erased, their names leave the entries of renamings; nothing else changes.
    """

    class Action(models.TextChoices):
        DELETE = "delete", _("Message removed")
        RESTORE = "restore", _("Message restored")
        HIDE = "hide", _("Message hidden")
        SHOW = "show", _("Message shown again")
        RESOLVE = "resolve", _("Report decided: removed")
        DISMISS = "dismiss", _("Report decided: kept")
        BULK = "bulk", _("Many messages at once")
        MUTE = "mute", _("Muted in a room")
        UNMUTE = "unmute", _("Mute in a room lifted")
        SITE_MUTE = "site_mute", _("Muted in all rooms")
        SITE_UNMUTE = "site_unmute", _("Mute in all rooms lifted")
        REMOVE = "remove", _("Removed from a room")
        BAN = "ban", _("Banned from a room")
        UNBAN = "unban", _("Ban from a room lifted")
        SITE_BAN = "site_ban", _("Banned from the site")
        SITE_UNBAN = "site_unban", _("Ban from the site lifted")
        SIGN_OUT = "sign_out", _("Signed out everywhere")
        DEACTIVATE = "deactivate", _("Account deactivated")
        ACTIVATE = "activate", _("Account activated")
        ROLE = "role", _("Role changed")
        RENAME = "rename", _("Renamed")
        TOPIC = "topic", _("Topic changed")
        SLOW_MODE = "slow_mode", _("Slow mode changed")
        LOCK = "lock", _("Room locked")
        UNLOCK = "unlock", _("Room unlocked")
        ARCHIVE = "archive", _("Room archived")
        UNARCHIVE = "unarchive", _("Room opened again")
        LINK = "link", _("Link made")
        REVOKE_LINK = "revoke_link", _("Link taken back")
        FILTER = "filter", _("Filters changed")
        EXPORT = "export", _("Data taken out")
        ERASE = "erase", _("Person erased")

    action = models.CharField(max_length=12, choices=Action)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    subject = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, null=True, related_name="+")
    message = models.ForeignKey(Message, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH, blank=True)
    details = models.JSONField(default=dict)  # {"until": …}, {"from": "member", "to": "owner"}
    ending = models.BigIntegerField(null=True)  # of realtime.Ending: how long it took until nobody had the access any more; pruned by age
    created_at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("moderation log")
        indexes = [models.Index(fields=["action", "id"], name="log_action"), models.Index(fields=["created_at"], name="log_created")]

    def __str__(self) -> str:
        return gettext("log entry %(number)s") % {"number": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; an entry is never changed."""
        if not self._state.adding:
            raise TypeError("the moderation log is append-only")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("the moderation log is append-only")


class SiteBan(models.Model):
    """Somebody who may not connect at all while ``lifted_at`` is null and ``until``, if there is one, has not come."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="site_bans")
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("when"), auto_now_add=True)
    until = models.DateTimeField(_("until"), null=True, blank=True)  # null: until it is lifted
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("site ban")
        verbose_name_plural = _("site bans")
        constraints = [models.UniqueConstraint(fields=["user"], condition=Q(lifted_at__isnull=True), name="site_ban_standing")]

    def __str__(self) -> str:
        return gettext("site ban %(number)s") % {"number": self.pk}


class BlockedWord(models.Model):
    """A word that no message may contain: what filters were before there were any. Those that were not taken over yet hold as well.

    An older version that runs beside this one still reads and adds them.
    """

    word = models.CharField(max_length=WORD_MAX_LENGTH, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    taken_over_at = models.DateTimeField(null=True, blank=True)  # there is a filter of it since then

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(taken_over_at__isnull=True), name="blocked_word_left")]

    def __str__(self) -> str:
        return self.word


class Person(User):
    """An account as moderators see it: who somebody is and what was done about them, without their address or their rights."""

    class Meta:
        proxy = True
        default_permissions = ()  # whoever may see bans may see people
        verbose_name = _("person")
        verbose_name_plural = _("people")
