"""The registry of stream kinds: how the engine learns what a stream is, without naming any.

An app registers one ``StreamKind`` (``room``, ``inbox``, ``announcements``) when it is ready; other
apps may add more sources of rows to it. This is the extension point of the project: see
docs/extending.md.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, NewType

from realtime.protocol.errors import HoldfastError, NotFound
from realtime.protocol.page import Event

StreamName = NewType("StreamName", str)

MAX_NAME_LENGTH = 64  # channel layers allow 100 characters for a group, and the group has a prefix

Source = Callable[[str, int, int], Iterable[Event]]
"""``source(ident, after, limit)`` returns rows of the stream ``ident`` with ``seq > after``.

They are in ``seq`` order, at most ``limit`` of them.
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """A user who reads. Plain values, because it outlives any request."""

    user_id: int
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

    prefix: str  # "room" in "room.42"
    authorise: Authorise
    sources: list[Source] = field(default_factory=list)
    singleton: bool = False  # one stream only, named by the prefix alone
    presence: bool = False  # joins and leaves of its subscribers are announced
    # The ident is a user id. Every socket of that user watches it, and its head is in `hello`.
    personal: bool = False
    greeted: bool = False  # its head is in `hello` (singletons)

    def name(self, ident: int | str = "") -> StreamName:
        """Return the stream's name on the wire."""
        return StreamName(self.prefix if self.singleton else f"{self.prefix}.{ident}")


_kinds: dict[str, StreamKind] = {}


def register(kind: StreamKind) -> StreamKind:
    """Register a kind of stream; called from ``AppConfig.ready``."""
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

    Raises ``NotFound`` for an unknown prefix, or an ident that is no positive decimal number.
    """
    prefix, dot, ident = name.partition(".")
    found = _kinds.get(prefix)
    if found is None or len(name) > MAX_NAME_LENGTH:
        raise NotFound("There is no such stream.")
    if found.singleton:
        valid = not dot
    else:
        # A 64-bit id.
        valid = (
            ident.isascii() and ident.isdecimal() and not ident.startswith("0") and len(ident) < 19
        )
    if not valid:
        raise NotFound("There is no such stream.")
    return found, ident
