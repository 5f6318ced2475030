"""Who is present in which stream, over all processes, without a table and without the broker's help.

Each process is the only writer of its own **part**: the users of its sockets. It announces a part whenever it changes, and every process
shows the union of all parts. Nothing here is promised: a lost announcement is found by the next heartbeat, and a process that falls silent
takes its part with it.

Three kinds of message, plain dicts that any channel layer carries, each bounded in size:

- ``presence.part``, on the stream's group: the whole newest state of one part, with a version that grows. Not a difference, so any one
  of them repairs everything before it. Above ``LISTED_MAX`` users a part is only a count, because ids are shown in small rooms only.
  Answers to ``ask`` hold several parts and go to everybody.
- ``presence.heartbeat``, to everybody: the versions of the sender's parts between two stream names, a window that moves on from
  heartbeat to heartbeat. Who follows a stream in the window and knows another version asks; what is not listed has ended.
- ``presence.ask``, to everybody: the streams whose parts the sender wants, because somebody has just joined them there (that is how a
  process that starts later learns what is there), or because it missed something.

A process takes an interest in the streams in which it has users, and for a minute in those that somebody asked it about (``watch``); it
forgets the others. A user who leaves is kept for the linger, so that
a blip of the network is invisible. ``due`` is called about every second: announcements and changes are coalesced in between.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

LINGER_SECONDS = 15.0  # a reload, a tunnel or a handover to another node takes less
HEARTBEAT_SECONDS = 5.0
# After which a process that has just started has heard of all others.
MEETING_SECONDS = HEARTBEAT_SECONDS + 1
SILENT_SECONDS = 16.0  # three heartbeats and a second: one may be lost
LISTED_MAX = 200  # protocol.md §3: ids only in rooms of at most 200 present
HEARTBEAT_MAX_STREAMS = 500  # of about 20 bytes each
ASK_MAX_STREAMS = 500
WATCH_SECONDS = 60.0  # after the last question about a stream in which this process has nobody
WATCH_MAX_STREAMS = 500  # the one that was asked about longest ago goes
ANSWER_MAX_PARTS = 50  # of at most LISTED_MAX ids each: below 100 KiB

Message = dict[str, Any]


class Send(NamedTuple):
    """A message to the group of ``stream``, or to every process where that is None."""

    stream: str | None
    message: Message


@dataclass(frozen=True, slots=True)
class Change:
    """What a ``presence`` signal says. ``joined`` and ``left`` are None where there are too many to name."""

    stream: str
    count: int
    joined: list[int] | None
    left: list[int] | None

    @property
    def data(self) -> dict[str, Any]:
        """The data of the signal."""
        if self.joined is None or self.left is None:
            return {"count": self.count}
        return {"count": self.count, "joined": self.joined, "left": self.left}


class Due(NamedTuple):
    """What is to be done now: tell other processes, and tell the sockets here."""

    sends: list[Send]
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class View:
    """A stream as it is shown."""

    count: int  # in a large stream a user with sockets on two processes may count twice
    users: frozenset[int] | None  # None: too many


_EMPTY = View(0, frozenset())


@dataclass(slots=True)
class _Own:
    """What this process has in one stream."""

    sockets: dict[int, int] = field(default_factory=dict)  # by user; those who linger have none
    users: set[int] = field(default_factory=set)
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """What another process has in one stream, as last heard."""

    version: int
    count: int
    users: frozenset[int] | None


@dataclass(slots=True)
class _Peer:
    """Another process."""

    heard_at: float
    parts: dict[str, _Part] = field(default_factory=dict)


class Presence:
    """The presence of one process. ``process`` is a name that no process had before: one that is started anew is another one."""

    def __init__(self, process: str, *, linger: float = LINGER_SECONDS) -> None:
        self._process = process
        self._linger = linger
        self._own: dict[str, _Own] = {}
        self._leaving: dict[tuple[str, int], float] = {}  # when the linger is over, in that order
        self._watched: dict[str, float] = {}  # until when, in that order
        self._peers: dict[str, _Peer] = {}
        self._shown: dict[str, View] = {}
        self._version = 0
        self._heartbeat_at = float("-inf")
        self._met_at = float("inf")  # when it has heard of all others; its first ``due`` knows
        self._window_from = ""
        # Own parts that changed (dicts, because they keep the order).
        self._unannounced: dict[str, None] = {}
        self._unshown: dict[str, None] = {}  # streams whose view may have changed
        self._wanted: dict[str, None] = {}  # streams to ask for
        self._asked: dict[str, None] = {}  # own parts that others asked for

    def join(self, stream: str, user: int, now: float) -> None:
        """Count one more socket of ``user``."""
        own = self._own.setdefault(stream, _Own())
        if not own.sockets:
            self._wanted[stream] = None  # nobody listened for a while
        own.sockets[user] = own.sockets.get(user, 0) + 1
        self._leaving.pop((stream, user), None)
        if user not in own.users:
            own.users.add(user)
            self._changed(stream)

    def leave(self, stream: str, user: int, now: float) -> None:
        """Count one socket less; after the last one the user lingers. One that was never counted is none."""
        own = self._own.get(stream)
        if own is None or user not in own.sockets:
            return
        own.sockets[user] -= 1
        if not own.sockets[user]:
            del own.sockets[user]
            self._leaving[stream, user] = now + self._linger

    def watch(self, stream: str, now: float) -> bool:
        """Take an interest in a stream for a while. Tells whether what others have there has to be asked first."""
        is_new = not self._knows(stream)
        self._watched.pop(stream, None)
        self._watched[stream] = now + WATCH_SECONDS
        if is_new:
            self._wanted[stream] = None
        if len(self._watched) > WATCH_MAX_STREAMS:
            self._unwatch(next(iter(self._watched)))
        return is_new and (bool(self._peers) or now < self._met_at)

    def present(self, stream: str) -> tuple[int, list[int] | None]:
        """Return how many are present and their ids; None instead of ids where there are too many."""
        view = self._view(stream)
        return view.count, None if view.users is None else sorted(view.users)

    def heard(self, message: Message, now: float) -> None:
        """Take a message of any process, this one included."""
        process = message["process"]
        if process == self._process:
            return
        peer = self._peers.setdefault(process, _Peer(now))
        peer.heard_at = now
        match message["type"]:
            case "presence.part":
                self._heard_parts(peer, message["parts"])
            case "presence.heartbeat":
                self._heard_heartbeat(peer, message)
            case "presence.ask":
                self._asked.update(
                    dict.fromkeys(stream for stream in message["streams"] if stream in self._own)
                )

    def due(self, now: float) -> Due:
        """Do what has become due; called about every second."""
        self._met_at = min(self._met_at, now + MEETING_SECONDS)
        self._end_lingers(now)
        self._end_watches(now)
        self._drop_silent(now)
        sends = [Send(stream, self._parts([stream], renew=True)) for stream in self._unannounced]
        self._unannounced.clear()
        sends += [Send(None, self._parts(some)) for some in _pieces(self._asked, ANSWER_MAX_PARTS)]
        self._asked.clear()
        sends += [
            Send(None, self._message("ask", streams=some))
            for some in _pieces(self._wanted, ASK_MAX_STREAMS)
        ]
        self._wanted.clear()
        self._forget_empty()
        if now >= self._heartbeat_at:
            self._heartbeat_at = now + HEARTBEAT_SECONDS
            sends.append(Send(None, self._heartbeat()))
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
        """Whether what others say about a stream is kept."""
        return stream in self._own or stream in self._watched

    def _changed(self, stream: str) -> None:
        self._unannounced[stream] = None
        self._unshown[stream] = None

    def _parts(self, streams: Iterable[str], *, renew: bool = False) -> Message:
        parts = []
        for stream in streams:
            own = self._own[stream]
            if renew:
                self._version += 1
                own.version = self._version
            users = sorted(own.users) if len(own.users) <= LISTED_MAX else None
            parts.append([stream, own.version, len(own.users), users])
        return self._message("part", parts=parts)

    def _heartbeat(self) -> Message:
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

    def _message(self, kind: str, **content: Any) -> Message:
        return {"type": f"presence.{kind}", "process": self._process, **content}

    def _forget_empty(self) -> None:
        """Lose interest in the streams that nobody here is in."""
        for stream in self._unshown:
            if stream in self._own and not self._own[stream].users:
                del self._own[stream]
                if stream not in self._watched:
                    self._forget(stream)

    def _forget(self, stream: str) -> None:
        for peer in self._peers.values():
            peer.parts.pop(stream, None)

    # Other processes

    def _heard_parts(
        self, peer: _Peer, parts: Iterable[tuple[str, int, int, list[int] | None]]
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

    def _heard_heartbeat(self, peer: _Peer, message: Message) -> None:
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
            if now - peer.heard_at > SILENT_SECONDS:
                del self._peers[process]
                self._unshown.update(dict.fromkeys(peer.parts))

    # What is shown

    def _view(self, stream: str) -> View:
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
        return View(count, frozenset(users) if count <= LISTED_MAX else None)

    def _changes(self) -> list[Change]:
        changes = []
        for stream in self._unshown:
            before, after = self._shown.pop(stream, _EMPTY), self._view(stream)
            if after.count:
                self._shown[stream] = after
            if before.users is None or after.users is None:
                if before.count != after.count:
                    changes.append(Change(stream, after.count, None, None))
            elif before.users != after.users:
                changes.append(
                    Change(
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
