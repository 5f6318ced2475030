"""The registry of stream kinds: how the engine learns what a stream is, without naming any.

An app registers one ``StreamKind`` (``room``, ``inbox``, ``announcements``) when it is ready; other
apps may add more sources of rows to it. This is the extension point of the project: see
docs/extending.md.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NewType

from realtime.protocol.errors import HoldfastError, NotFound
from realtime.protocol.page import Event
from realtime.protocol.user_ids import UserId

StreamName = NewType("StreamName", str)

MAX_NAME_LENGTH = 64  # channel layers allow 100 characters for a group, and the group has a prefix
MAX_IDENT_LENGTH = 40  # a UUID has 36 characters

# Channel layers allow these characters in the name of a group.
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{1,23}")
_GROUP_CHARACTERS: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_IDENT_LENGTH}}}")

CONVERTERS: Final = {
    "int": r"[1-9][0-9]{0,17}",  # of 64 bits, positive and without leading zeros
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "slug": r"[A-Za-z0-9_-]{1,40}",
}
"""The texts after the dot of a stream's name. A row has one such text only."""

Source = Callable[[str, int, int], Iterable[Event]]
"""``source(ident, after, limit)`` returns rows of the stream ``ident`` with ``seq > after``.

They are in ``seq`` order, at most ``limit`` of them.
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """A user who reads. Plain values, because it outlives any request."""

    user_id: UserId
    is_moderator: bool = False


class Claim(NamedTuple):
    """A request to read the stream ``ident`` of a kind."""

    reader: Reader
    ident: str


Refusals = Mapping[Claim, HoldfastError]
Authorise = Callable[[Sequence[Claim]], Refusals]
"""``authorise(claims)`` returns the refused claims, each with the reason.

It takes a few queries for all claims: a client subscribes to many streams, and many clients connect
at once.
"""


@dataclass(slots=True)
class StreamKind:
    """One kind of stream. ``authorise`` and the sources run on a database thread."""

    prefix: str  # "room" in "room.42"; letters, digits, - and _, at most 23
    authorise: Authorise
    sources: list[Source] = field(default_factory=list)
    singleton: bool = False  # one stream only, named by the prefix alone
    presence: bool = False  # joins and leaves of its subscribers are announced
    # The ident is a user id. Every socket of that user watches it, and its head is in `hello`.
    personal: bool = False
    greeted: bool = False  # its head is in `hello` (singletons)
    # A key of CONVERTERS, or a regular expression of at most 40 letters, digits, -, _ and dots.
    ident: str = "int"
    is_fallback: bool = False  # for a personal kind of another app, which replaces it
    _ident: re.Pattern[str] = field(init=False, repr=False)
    # All its rows stamp themselves, so it can change inside a transaction of other code.
    sealed: bool = False

    def __post_init__(self) -> None:
        """Check the prefix and the pattern."""
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(
                f"prefix is {self.prefix!r}: expected 1 to 23 letters, digits, hyphens and "
                "underscores"
            )
        try:
            self._ident = re.compile(CONVERTERS.get(self.ident, self.ident))
        except re.error as error:
            raise ValueError(
                f"ident is {self.ident!r}: expected {', '.join(CONVERTERS)} or a regular "
                f"expression ({error})"
            ) from error

    def name(self, ident: object = "") -> StreamName:
        """Return the stream's name on the wire. Raises ``ValueError`` for an ident that is none."""
        if self.singleton:
            return StreamName(self.prefix)
        text = str(ident)
        if not self.takes(text):
            raise ValueError(f"{text!r} is no ident of a stream {self.prefix}.… ({self.ident})")
        return StreamName(f"{self.prefix}.{text}")

    def takes(self, ident: str) -> bool:
        """Tell whether a stream of this kind can have this ident."""
        return bool(_GROUP_CHARACTERS.fullmatch(ident) and self._ident.fullmatch(ident))


_kinds: dict[str, StreamKind] = {}


def register(kind: StreamKind) -> StreamKind:
    """Register a kind of stream; called from ``AppConfig.ready``."""
    if kind.personal:
        for other in [other for other in _kinds.values() if other.is_fallback]:
            del _kinds[other.prefix]
    _kinds[kind.prefix] = kind
    return kind


def kinds() -> Sequence[StreamKind]:
    """Return all registered kinds."""
    return tuple(_kinds.values())


def kind(prefix: str) -> StreamKind:
    """Return a kind by its prefix. Raises ``KeyError`` if none was registered."""
    return _kinds[prefix]


def parse(name: str) -> tuple[StreamKind, str]:
    """Split a stream's name into its kind and ident.

    Raises ``NotFound`` for an unknown prefix, or an ident that is none of this kind.
    """
    prefix, dot, ident = name.partition(".")
    found = _kinds.get(prefix)
    if found is None or len(name) > MAX_NAME_LENGTH:
        raise NotFound("There is no such stream.")
    if not (not dot if found.singleton else found.takes(ident)):
        raise NotFound("There is no such stream.")
    return found, ident
