"""Presence of users in streams, across all processes, without a table and without Redis commands.

Each process is the only writer of its own **part**: the users of its sockets. It announces a part
whenever it changes, and every process shows the union of all parts. Nothing here is promised: the
next heartbeat finds a lost announcement, and a process that stops sending takes its part with it.

There are three kinds of message: plain dicts that any channel layer carries, each bounded in size.

- ``presence.part``, to the stream's group: the complete newest state of one part, with a version
  that grows. It is not a difference, so any part repairs everything before it. Above ``LISTED_MAX``
  users a part is only a count, because ids are shown in small rooms only. Answers to ``ask`` hold
  several parts and go to every process.
- ``presence.heartbeat``, to every process: the versions of the sender's parts between two stream
  names. This window moves on with each heartbeat. A process that follows a stream in the window and
  knows another version asks for it; a part that is not listed has ended.
- ``presence.ask``, to every process: the streams whose parts the sender wants, because a user has
  just joined them there (this is how a process that starts later learns what exists), or because it
  missed something.

A process keeps the streams in which it has users and, for a minute, those that it was asked about
(``watch``). It forgets the others. A user who leaves is kept for the linger time, so a short
network failure is invisible. ``due`` is called about every second and coalesces what happened in
between.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

LINGER_SECONDS = 15.0  # a reload, a tunnel or a handover to another node takes less
HEARTBEAT_SECONDS = 5.0
# By then a process that has just started has received a heartbeat from every other one.
MEETING_SECONDS = HEARTBEAT_SECONDS + 1
SILENT_SECONDS = 16.0  # three heartbeats and a second: one may be lost
LISTED_MAX = 200  # protocol.md §3: ids only in rooms of at most 200 present
HEARTBEAT_MAX_STREAMS = 500  # of about 20 bytes each
ASK_MAX_STREAMS = 500
WATCH_SECONDS = 60.0  # after the last question about a stream without users on this process
WATCH_MAX_STREAMS = 500  # beyond it, the stream that was asked about longest ago is dropped
ANSWER_MAX_PARTS = 50  # of at most LISTED_MAX ids each: below 100 KiB

PresenceMessage = dict[str, Any]
UserKey: TypeAlias = Any
"""The key of a user, as the channel layer carries it: integers or strings, never both."""


class Outgoing(NamedTuple):
    """A message to the group of ``stream``, or to every process where that is None."""

    stream: str | None
    message: PresenceMessage


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """The content of a ``presence`` signal; ``joined`` and ``left`` are None for large streams."""

    stream: str
    count: int
    joined: list[UserKey] | None
    left: list[UserKey] | None

    @property
    def data(self) -> dict[str, Any]:
        """The data of the signal."""
        if self.joined is None or self.left is None:
            return {"count": self.count}
        return {"count": self.count, "joined": self.joined, "left": self.left}


class Due(NamedTuple):
    """The work of one turn: messages to other processes, changes for the sockets here."""

    sends: list[Outgoing]
    changes: list[PresenceChange]


@dataclass(frozen=True, slots=True)
class PresenceView:
    """The presence of a stream, as clients see it."""

    count: int  # in a large stream a user with sockets on two processes may count twice
    users: frozenset[UserKey] | None  # None: too many to list


_EMPTY = PresenceView(0, frozenset())


@dataclass(slots=True)
class _Own:
    """The users of this process in one stream."""

    sockets: dict[UserKey, int] = field(default_factory=dict)  # by user; a lingering user has none
    users: set[UserKey] = field(default_factory=set)
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of another process in one stream, as last received."""

    version: int
    count: int
    users: frozenset[UserKey] | None


@dataclass(slots=True)
class _Peer:
    """Another process, and when its last message came (seconds)."""

    seen_at: float
    parts: dict[str, _Part] = field(default_factory=dict)


class Presence:
    """The presence of one process. Times are seconds of any clock that does not run backwards.

    ``process`` is a name that no process had before: a restarted process is a new one.
    """

    def __init__(self, process: str, *, linger: float = LINGER_SECONDS) -> None:
        self._process = process
        self._linger = linger
        self._own: dict[str, _Own] = {}
        self._leaving: dict[tuple[str, UserKey], float] = {}  # when the linger ends, in that order
        self._watched: dict[str, float] = {}  # when the watch ends, in that order
        self._peers: dict[str, _Peer] = {}
        self._shown: dict[str, PresenceView] = {}
        self._version = 0
        self._heartbeat_at = float("-inf")
        self._met_at = float("inf")  # when all others are known; set by the first ``due``
        self._window_from = ""
        # Own parts that changed (dicts, because they keep the order).
        self._unannounced: dict[str, None] = {}
        self._unshown: dict[str, None] = {}  # streams whose view may have changed
        self._wanted: dict[str, None] = {}  # streams to ask for
        self._asked: dict[str, None] = {}  # own parts that others asked for

    def join(self, stream: str, user: UserKey, now: float) -> None:
        """Count one more socket of ``user``."""
        own = self._own.setdefault(stream, _Own())
        if not own.sockets:
            self._wanted[stream] = None  # parts that came while no user was here were dropped
        own.sockets[user] = own.sockets.get(user, 0) + 1
        self._leaving.pop((stream, user), None)
        if user not in own.users:
            own.users.add(user)
            self._changed(stream)

    def leave(self, stream: str, user: UserKey, now: float) -> None:
        """Count one socket less.

        After the last one the user lingers; an unknown user is ignored.
        """
        own = self._own.get(stream)
        if own is None or user not in own.sockets:
            return
        own.sockets[user] -= 1
        if not own.sockets[user]:
            del own.sockets[user]
            self._leaving[stream, user] = now + self._linger

    def watch(self, stream: str, now: float) -> bool:
        """Keep a stream for a while. Returns whether other processes have to be asked about it."""
        is_new = not self._knows(stream)
        self._watched.pop(stream, None)
        self._watched[stream] = now + WATCH_SECONDS
        if is_new:
            self._wanted[stream] = None
        if len(self._watched) > WATCH_MAX_STREAMS:
            self._unwatch(next(iter(self._watched)))
        return is_new and (bool(self._peers) or now < self._met_at)

    def present(self, stream: str) -> tuple[int, list[UserKey] | None]:
        """Return how many users are present, and their ids (None if there are too many to list)."""
        view = self._view(stream)
        return view.count, None if view.users is None else sorted(view.users)

    def receive(self, message: PresenceMessage, now: float) -> None:
        """Handle a message from any process; those from this one are ignored."""
        process = message["process"]
        if process == self._process:
            return
        peer = self._peers.setdefault(process, _Peer(now))
        peer.seen_at = now
        match message["type"]:
            case "presence.part":
                self._receive_parts(peer, message["parts"])
            case "presence.heartbeat":
                self._receive_heartbeat(peer, message)
            case "presence.ask":
                self._asked.update(
                    dict.fromkeys(stream for stream in message["streams"] if stream in self._own)
                )

    def due(self, now: float) -> Due:
        """Return what has become due. Call it about every second."""
        self._met_at = min(self._met_at, now + MEETING_SECONDS)
        self._end_lingers(now)
        self._end_watches(now)
        self._drop_silent(now)
        sends = [
            Outgoing(stream, self._parts([stream], renew=True)) for stream in self._unannounced
        ]
        self._unannounced.clear()
        sends += [
            Outgoing(None, self._parts(some)) for some in _pieces(self._asked, ANSWER_MAX_PARTS)
        ]
        self._asked.clear()
        sends += [
            Outgoing(None, self._message("ask", streams=some))
            for some in _pieces(self._wanted, ASK_MAX_STREAMS)
        ]
        self._wanted.clear()
        self._forget_empty()
        if now >= self._heartbeat_at:
            self._heartbeat_at = now + HEARTBEAT_SECONDS
            sends.append(Outgoing(None, self._heartbeat()))
        return Due(sends, self._changes())

    # This process

    def _end_lingers(self, now: float) -> None:
        for (stream, user), until in list(self._leaving.items()):
            if until > now:
                break
            del self._leaving[stream, user]
            self._own[stream].users.discard(user)
            self._changed(stream)

    def _end_watches(self, now: float) -> None:
        for stream, until in list(self._watched.items()):
            if until > now:
                break
            self._unwatch(stream)

    def _unwatch(self, stream: str) -> None:
        del self._watched[stream]
        if stream not in self._own:
            self._shown.pop(stream, None)
            self._forget(stream)

    def _knows(self, stream: str) -> bool:
        """Whether the parts of other processes in this stream are kept."""
        return stream in self._own or stream in self._watched

    def _changed(self, stream: str) -> None:
        self._unannounced[stream] = None
        self._unshown[stream] = None

    def _parts(self, streams: Iterable[str], *, renew: bool = False) -> PresenceMessage:
        parts = []
        for stream in streams:
            own = self._own[stream]
            if renew:
                self._version += 1
                own.version = self._version
            users = sorted(own.users) if len(own.users) <= LISTED_MAX else None
            parts.append([stream, own.version, len(own.users), users])
        return self._message("part", parts=parts)

    def _heartbeat(self) -> PresenceMessage:
        names = sorted(self._own)
        start = bisect_left(names, self._window_from)
        window = names[start : start + HEARTBEAT_MAX_STREAMS]
        rest = names[start + HEARTBEAT_MAX_STREAMS :]
        begin, end = self._window_from, rest[0] if rest else None
        self._window_from = end or ""
        versions = {name: self._own[name].version for name in window}
        return self._message(
            "heartbeat", version=self._version, begin=begin, end=end, versions=versions
        )

    def _message(self, kind: str, **content: Any) -> PresenceMessage:
        return {"type": f"presence.{kind}", "process": self._process, **content}

    def _forget_empty(self) -> None:
        """Forget the streams in which this process has no users."""
        for stream in self._unshown:
            if stream in self._own and not self._own[stream].users:
                del self._own[stream]
                if stream not in self._watched:
                    self._forget(stream)

    def _forget(self, stream: str) -> None:
        for peer in self._peers.values():
            peer.parts.pop(stream, None)

    # Other processes

    def _receive_parts(
        self, peer: _Peer, parts: Iterable[tuple[str, int, int, list[UserKey] | None]]
    ) -> None:
        for stream, version, count, users in parts:
            known = peer.parts.get(stream)
            if not self._knows(stream) or (known is not None and known.version >= version):
                continue
            self._unshown[stream] = None
            if count:
                peer.parts[stream] = _Part(
                    version, count, None if users is None else frozenset(users)
                )
            else:
                peer.parts.pop(stream, None)

    def _receive_heartbeat(self, peer: _Peer, message: PresenceMessage) -> None:
        begin, end = message["begin"], message["end"]
        versions: Mapping[str, int] = message["versions"]
        for stream in {**self._own, **self._watched}:
            if stream < begin or (end is not None and stream >= end):
                continue
            known = peer.parts.get(stream)
            version = versions.get(stream, 0)
            if version > (known.version if known else 0):
                self._wanted[stream] = None
            elif not version and known and known.version <= message["version"]:
                del peer.parts[stream]
                self._unshown[stream] = None

    def _drop_silent(self, now: float) -> None:
        for process, peer in list(self._peers.items()):
            if now - peer.seen_at > SILENT_SECONDS:
                del self._peers[process]
                self._unshown.update(dict.fromkeys(peer.parts))

    # The view of clients

    def _view(self, stream: str) -> PresenceView:
        own = self._own.get(stream)
        if own is None and stream not in self._watched:
            return _EMPTY
        users = set(own.users) if own else set()
        unnamed = 0
        for peer in self._peers.values():
            part = peer.parts.get(stream)
            if part is not None and part.users is not None:
                users |= part.users
            elif part is not None:
                unnamed += part.count
        count = len(users) + unnamed
        return PresenceView(count, frozenset(users) if count <= LISTED_MAX else None)

    def _changes(self) -> list[PresenceChange]:
        changes = []
        for stream in self._unshown:
            before, after = self._shown.pop(stream, _EMPTY), self._view(stream)
            if after.count:
                self._shown[stream] = after
            if before.users is None or after.users is None:
                if before.count != after.count:
                    changes.append(PresenceChange(stream, after.count, None, None))
            elif before.users != after.users:
                changes.append(
                    PresenceChange(
                        stream,
                        after.count,
                        sorted(after.users - before.users),
                        sorted(before.users - after.users),
                    )
                )
        self._unshown.clear()
        return changes


def _pieces(streams: Iterable[str], size: int) -> Iterable[list[str]]:
    rest = iter(streams)
    while piece := list(islice(rest, size)):
        yield piece
