"""Errors of chat, below the tree of ``realtime.protocol.errors``.

HoldfastError
├── SlowMode          slow_mode          429   retry_after
├── Muted             muted              403
├── ReadOnly          read_only          403
├── BlockedWord       blocked_word       400
│   └── MutingWord    blocked_word       400
├── Held              held               403
├── TooLong           too_long           400
├── Empty             empty              400
├── LinksNotAllowed   links_not_allowed  403
├── TooSimilar        too_similar        403
├── RaidModeOn        raid_mode          403
├── Rejected          rejected           403
├── NotYours          not_yours          403
├── ChangedMeanwhile  changed            409
├── AlreadyReported   already_reported   409
├── TooLate           too_late           409
└── LinkOver          link_over          410
"""

from realtime.protocol.errors import HoldfastError


class SlowMode(HoldfastError):
    """The room's slow mode does not let the member post again yet."""

    code = "slow_mode"
    status = 429


class Muted(HoldfastError):
    """A moderator muted the member, in this room or on the whole site."""

    code = "muted"
    status = 403


class ReadOnly(HoldfastError):
    """Only owners and moderators post in this room, or it is archived."""

    code = "read_only"
    status = 403


class BlockedWord(HoldfastError):
    """The text has a word that a filter of this site blocks."""

    code = "blocked_word"


class MutingWord(BlockedWord):
    """A word for which the author is muted in all rooms."""

    filter = ""  # as the moderator wrote it; for the log


class Held(HoldfastError):
    """A filter holds the post: its author and moderators see it until a moderator has decided."""

    code = "held"
    status = 403


class TooLong(HoldfastError):
    code = "too_long"


class Empty(HoldfastError):
    """The text has no visible character."""

    code = "empty"


class LinksNotAllowed(HoldfastError):
    """The author may not post links here, or not yet."""

    code = "links_not_allowed"
    status = 403


class TooSimilar(HoldfastError):
    """Several new accounts have just sent the same text or link."""

    code = "too_similar"
    status = 403


class RaidModeOn(HoldfastError):
    """Not possible for now, because moderators have switched on raid mode."""

    code = "raid_mode"
    status = 403


class Rejected(HoldfastError):
    """A hook of another app refuses the text; the message is the hook's."""

    code = "rejected"
    status = 403


class NotYours(HoldfastError):
    """The message belongs to another author."""

    code = "not_yours"
    status = 403


class ChangedMeanwhile(HoldfastError):
    """An edit of a message whose last edit the sender has not seen."""

    code = "changed"
    status = 409


class AlreadyReported(HoldfastError):
    """The same user has already reported this message."""

    code = "already_reported"
    status = 409


class TooLate(HoldfastError):
    """Another moderator acted first; the message names them."""

    code = "too_late"
    status = 409


class LinkOver(HoldfastError):
    """An invitation link that no longer works: expired, used up or revoked."""

    code = "link_over"
    status = 410
