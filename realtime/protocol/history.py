"""Whether the database still has the history that a process remembers.

A database can go back in time under running processes: a replica that lagged is promoted, a backup
is restored, an older copy is put in place. Then everything that a process remembers of it may be
ahead of it. This module compares what one read of the database shows with what earlier reads have
shown:

- The **epoch** names a history. Its number grows with every new name, so a copy from before has a
  lower one.
- The **identity** of a PostgreSQL server is its system identifier and its timeline. A promotion and
  a recovery to a point in time begin a timeline, and another cluster has another identifier.
- The **reports** of a node are counted in its own row. A transaction that commits before a report
  is sent cannot be lost without that report, so a row with fewer reports is proof, and a row with
  all of them vouches for everything that the node knew when it sent the last one.
- The **instance** is the running server. After a restart the database may be another copy: what has
  changed since the last report is doubted, until it has been compared row by row.
"""

from enum import Enum, auto
from typing import NamedTuple

# Of the write-ahead log. After a crash the log ends with its last complete record, which can be a
# little below the position that was flushed.
WAL_MARGIN_BYTES = 64 * 1024


class ServerState(NamedTuple):
    """The state of a database server in its own words; None or empty where it cannot tell."""

    system: str = ""  # the system identifier
    timeline: int | None = None
    instance: str = ""  # when the server was started, or the file of SQLite
    flushed: int | None = None  # the position in the write-ahead log that is on the disk
    checkpoint: int | None = None  # the position at which the server was started, or a later one
    is_standby: bool = False


class ObservedHistory(NamedTuple):
    """The history of the database, as one read shows it."""

    number: int
    epoch: str
    system: str  # of the server that the epoch was made on
    timeline: int | None
    server: ServerState
    reports: int | None = None  # in the row of this node; None without a row

    @property
    def is_of_other_server(self) -> bool:
        """Whether the server differs from the one that the epoch was made on."""
        return _other_identity(self) != ""

    @property
    def has_identity(self) -> bool:
        """Whether the row of the epoch holds all that the server can tell of its identity."""
        return (self.system != "" or self.server.system == "") and (
            self.timeline is not None or self.server.timeline is None
        )


class Reported(NamedTuple):
    """The last report of this process that was acknowledged."""

    number: int = 0
    sent_at: float = 0.0  # monotonic seconds, from before it was sent


class Finding(Enum):
    """The outcome of a comparison."""

    SAME = auto()
    NEW_EPOCH = auto()  # someone has changed it already: adopt it
    DOUBTFUL = auto()  # compare what has changed since the last report, row by row
    OTHER_SERVER = auto()  # nothing may be lost, but that cannot be known: change the epoch
    REWOUND = auto()  # the database has gone back: change the epoch


class Judgement(NamedTuple):
    """A finding and its reason, for the log."""

    finding: Finding
    reason: str = ""


_SAME = Judgement(Finding.SAME)


class KnownHistory:
    """The history in the database, as a process knows it."""

    def __init__(self) -> None:
        self.number = 0
        self.epoch = ""
        self._instance = ""
        self._flushed = 0

    def adopt(self, observed: ObservedHistory) -> None:
        """Take ``observed`` for the truth from now on."""
        self.number, self.epoch = observed.number, observed.epoch
        self._instance = observed.server.instance
        self._flushed = observed.server.flushed or 0

    def is_other_instance(self, observed: ObservedHistory) -> bool:
        """Whether the server was restarted or replaced: open connections may lead elsewhere."""
        return observed.server.instance != self._instance

    def judge(
        self, observed: ObservedHistory, reported: Reported, *, may_be_forgotten: bool
    ) -> Judgement:
        """Compare a read with what is known.

        ``reported`` is from before the read. ``may_be_forgotten``: this node has been silent for so
        long that another one may have deleted its row.
        """
        if observed.number < self.number:
            return Judgement(Finding.REWOUND, "the epoch is older than the one known")
        if other := _other_identity(observed):
            return Judgement(Finding.OTHER_SERVER, other)
        if observed.epoch != self.epoch:
            return Judgement(Finding.NEW_EPOCH, "the epoch changed")
        if observed.reports is not None and observed.reports < reported.number:
            return Judgement(Finding.REWOUND, "a report of this node is lost")
        is_missing = observed.reports is None and reported.number > 0
        if is_missing and not may_be_forgotten:
            return Judgement(Finding.REWOUND, "the reports of this node are lost")
        if self.is_other_instance(observed):
            return self._restarted(observed)
        if is_missing:
            return Judgement(Finding.DOUBTFUL, "the row of this node is gone")
        self._flushed = observed.server.flushed or 0
        return _SAME

    def _restarted(self, observed: ObservedHistory) -> Judgement:
        began = observed.server.checkpoint
        if began is not None and began + WAL_MARGIN_BYTES < self._flushed:
            return Judgement(Finding.REWOUND, "the write-ahead log is older than the one known")
        return Judgement(Finding.DOUBTFUL, "the database was restarted or replaced")


def _other_identity(observed: ObservedHistory) -> str:
    """Return how the server differs from the one on which the epoch was made."""
    server = observed.server
    if observed.system and server.system and observed.system != server.system:
        return "the database has another system identifier"
    if None not in (observed.timeline, server.timeline) and observed.timeline != server.timeline:
        return "the database has another timeline"
    return ""
