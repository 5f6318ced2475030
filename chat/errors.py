"""What chat refuses, below ``realtime.protocol.errors``.

HoldfastError
├── SlowMode          slow_mode          429   retry_after
├── Muted             muted              403
├── ReadOnly          read_only          403
├── BlockedWord       blocked_word       400
├── TooLong           too_long           400
├── Empty             empty              400
├── LinksNotAllowed   links_not_allowed  403
├── Rejected          rejected           403
├── NotYours          not_yours          403
├── AlreadyReported   already_reported   409
├── TooLate           too_late           409   another moderator was first
└── LinkOver          link_over          410
"""

from realtime.protocol.errors import HoldfastError


class SlowMode(HoldfastError):
    """The room takes one message of a member in so many seconds."""

    code = "slow_mode"
    status = 429


class Muted(HoldfastError):
    """A moderator has silenced the member for a while."""

    code = "muted"
    status = 403


class ReadOnly(HoldfastError):
    """The room is locked to its owners and moderators, or archived."""

    code = "read_only"
    status = 403


class BlockedWord(HoldfastError):
    """The text has a word that this site does not allow."""

    code = "blocked_word"


class TooLong(HoldfastError):
    """The text has more characters than a message may have."""

    code = "too_long"


class Empty(HoldfastError):
    """The text has nothing that anybody could see."""

    code = "empty"


class LinksNotAllowed(HoldfastError):
    """The author may not post links here, or not yet."""

    code = "links_not_allowed"
    status = 403


class Rejected(HoldfastError):
    """A hook of another app refuses the text, in its own words."""

    code = "rejected"
    status = 403


class NotYours(HoldfastError):
    """The message belongs to somebody else."""

    code = "not_yours"
    status = 403


class AlreadyReported(HoldfastError):
    """The same person has reported the same message before."""

    code = "already_reported"
    status = 409


class TooLate(HoldfastError):
    """Another moderator was first; the message says who."""

    code = "too_late"
    status = 409


class LinkOver(HoldfastError):
    """An invitation by link that lets nobody in any more: expired, used up, taken back."""

    code = "link_over"
    status = 410
