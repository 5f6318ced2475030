"""The history of a run as its clients saw it, for ``checker``.

All times are seconds of one monotonic clock, that of the machine. A message carries the key of its
post as the first word of its text, so each reader of a message knows which post it claims to be.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(slots=True)
class Post:
    """A message to post, and its outcome."""

    key: str
    room: int
    author: int
    asked: float
    acked: float | None = None  # when its author held the `ok`
    ident: int = 0
    number: int = 0
    seq: int = 0
    refused: str = ""  # the code of a final refusal: then nothing is owed
    repeats: int = 0  # how often it had to be sent again


class Receipt(NamedTuple):
    """A message as one client got it for its copy of a room."""

    at: float
    room: int
    copy: int  # a client that has to drop its copy begins another one
    seq: int
    ident: int
    number: int
    author: int
    key: str  # empty: the text has been deleted
    applied: bool = True  # False: an older state of what it has, which changes nothing


class Closing(NamedTuple):
    """The end of a connection, as its client saw it."""

    at: float
    code: int | None


@dataclass(slots=True)
class Client:
    """One client's part of the history."""

    name: str
    user: int
    receipts: list[Receipt] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    # Times in which it did not read, its own doing.
    stalls: list[tuple[float, float]] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)  # of the wire protocol
    # Room → what it holds at the end.
    finals: dict[int, dict[int, "Row"]] = field(default_factory=dict)
    hostile: bool = False  # floods, or does not read: owed the end state, but no speed


class Row(NamedTuple):
    """A message as stored at the end."""

    seq: int
    number: int
    key: str


@dataclass(slots=True)
class Stay:
    """A time in which someone may read a room, who at other times may not.

    A change is asked for at one moment, and known at another.
    """

    room: int
    user: int
    asked: float
    acked: float | None = None
    end_asked: float = math.inf
    end_acked: float = math.inf
    end_seq: int | None = None  # of the event that says so


@dataclass(slots=True)
class Ban:
    """A user banned from the whole site."""

    user: int
    acked: float


@dataclass(slots=True)
class Deletion:
    """A text that is gone from ``acked`` on."""

    room: int
    ident: int
    asked: float
    acked: float
    seq: int


@dataclass(slots=True)
class Fault:
    """Something that was done to the cluster."""

    name: str
    begun: float
    over: float = math.inf
    # Seconds until everyone is level: from the beginning, or, where it holds, from the end.
    bound: float = 1.0
    holds: bool = False  # while it lasts, nothing can be promised to someone
    # Codes with which connections may end because of it; None: any.
    closes: Collection[int] | None = None
    level_after: float | None = None  # as measured; None: never


class Present(NamedTuple):
    """The users that a node reports in a room at the end, and the real ones."""

    node: str
    said: frozenset[int]
    there: frozenset[int]


class Memory(NamedTuple):
    """The memory of a process at a moment."""

    at: float
    program: str
    pid: int
    bytes: int


class Slowness(NamedTuple):
    """How much longer a piece of work took at a moment than on an idle machine."""

    at: float
    ratio: float


@dataclass(slots=True)
class History:
    """A whole run."""

    posts: dict[str, Post] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    guarded: set[int] = field(default_factory=set)  # rooms that may be read during a stay only
    bans: list[Ban] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    present: list[Present] = field(default_factory=list)
    slowness: list[Slowness] = field(default_factory=list)
    # Room → what a stranger reads there at the end, from the beginning.
    stored: dict[int, dict[int, Row]] = field(default_factory=dict)
    lost: list[Post] = field(default_factory=list)  # with a database that went back in time

    def forget_lost(self, since: float, back: float, stored: Mapping[int, str]) -> list[Post]:
        """Leave out what the database lost, so that the checker judges the rest.

        It is older since ``since``, until ``back``, and has ``stored`` now: the keys by the ids of
        their messages. Only what was acknowledged in between may be lost. Returns these posts.
        """
        lost = [
            post
            for post, acked in self.acknowledged()
            if since <= acked <= back and stored.get(post.ident) != post.key
        ]
        for post in lost:
            del self.posts[post.key]
        self.lost += lost
        for client in self.clients:
            client.receipts[:] = [
                each
                for each in client.receipts
                # Also what was stored and never acknowledged: its author has sent it again.
                if each.at < since or not each.key or stored.get(each.ident) == each.key
            ]
        return lost

    def acknowledged(self) -> Iterator[tuple[Post, float]]:
        """The posts that were acknowledged, with the moment."""
        for post in self.posts.values():
            if post.acked is not None:
                yield post, post.acked
