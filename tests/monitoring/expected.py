"""The table: which alerts each fault must cause, and which others it may cause.

A fault without an expected alert is one that Holdfast heals by itself: nobody is called for it.
"""

from dataclasses import dataclass

NOBODY: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One fault. ``seconds``: how long it lasts at most, in the faster time of the test."""

    fault: str
    fires: tuple[str, ...] = NOBODY
    allowed: tuple[str, ...] = NOBODY
    seconds: float = 10.0


# A client reconnects to another node and reads what it missed; nothing of that is for a person.
ROWS = [
    # Nodes
    Row("kill -9 a socket node", fires=("HoldfastNodeDown",), seconds=30),
    Row("kill -9 the web node", fires=("HoldfastNodeDown",), seconds=30),
    Row("SIGTERM each node in turn"),
    Row("pause a socket node", fires=("HoldfastNodeDown",), seconds=30),
    Row("set the clock of a node wrong by an hour", fires=("HoldfastWrongClock",), seconds=40),
    Row("die between commit and publication"),
    # The others wait for rows that its transactions hold.
    Row(
        "give a node too little processor",
        fires=("HoldfastBusyLoop",),
        allowed=("HoldfastDatabaseErrors",),
        seconds=90,
    ),
    Row(
        "leave a node few file descriptors",
        fires=("HoldfastFileDescriptors",),
        allowed=("HoldfastAcceptErrors",),
        seconds=60,
    ),
    # It goes on, or is blocked until it ends itself.
    Row("leave a node no memory", allowed=("HoldfastNodeDown",), seconds=20),
    Row("run an older version on one node", fires=("HoldfastMixedVersions",), seconds=60),
    Row("start a node again and again", fires=("HoldfastRestarts",), seconds=90),
    # Redis: the broker and the cache
    Row("restart Redis", allowed=("HoldfastWithoutBroker",)),
    Row(
        "stop Redis",
        fires=("HoldfastWithoutBroker",),
        allowed=("HoldfastCacheErrors",),
        seconds=40,
    ),
    Row(
        "freeze Redis",
        fires=("HoldfastWithoutBroker",),
        allowed=("HoldfastCacheErrors",),
        seconds=40,
    ),
    Row("flush Redis"),
    Row("disconnect the subscribers of Redis"),
    Row("lose, repeat and reorder what the broker brings", allowed=("HoldfastWithoutBroker",)),
    Row(
        "lose everything between a node and Redis",
        fires=("HoldfastWithoutBroker",),
        allowed=("HoldfastCacheErrors",),
        seconds=40,
    ),
    # PostgreSQL
    Row("restart PostgreSQL", fires=("HoldfastDatabaseDown",), seconds=40),
    Row("freeze PostgreSQL", fires=("HoldfastDatabaseDown",), seconds=60),
    # Of one room: the others go on.
    Row(
        "lock a room",
        fires=("HoldfastStuckWrites",),
        allowed=("HoldfastUnavailable", "HoldfastDatabaseErrors"),
        seconds=60,
    ),
    Row(
        "lock all messages",
        fires=("HoldfastStuckWrites", "HoldfastUnavailable"),
        allowed=("HoldfastDatabaseErrors", "HoldfastSlowCommits"),
        seconds=60,
    ),
    Row("fill PostgreSQL's disk", fires=("HoldfastNotWritable",), seconds=60),
    Row(
        "make PostgreSQL read-only",
        fires=("HoldfastNotWritable",),
        seconds=60,
    ),
    # It is down twice for a moment meanwhile, and clients repeat what is lost.
    Row(
        "put an older copy of PostgreSQL back",
        fires=("HoldfastHistoryRewound",),
        allowed=("HoldfastDatabaseDown", "HoldfastUnavailable", "HoldfastNotWritable"),
        seconds=60,
    ),
    Row(
        "lose everything between a node and PostgreSQL",
        fires=("HoldfastDatabaseDown",),
        allowed=("HoldfastUnavailable", "HoldfastDatabaseErrors", "HoldfastSlowCommits"),
        seconds=60,
    ),
    Row(
        "make PostgreSQL slow",
        fires=("HoldfastSlowCommits",),
        allowed=(
            *("HoldfastStuckWrites", "HoldfastUnavailable", "HoldfastSlowPages"),
            *("HoldfastDatabaseErrors", "HoldfastHttpErrors", "HoldfastPoolExhausted"),
        ),
        seconds=90,
    ),
    Row(
        "slow down one table",
        fires=("HoldfastSlowCommits",),
        allowed=(
            *("HoldfastStuckWrites", "HoldfastUnavailable", "HoldfastSlowPages"),
            *("HoldfastDatabaseErrors", "HoldfastHttpErrors", "HoldfastPoolExhausted"),
        ),
        seconds=90,
    ),
    # Browsers send again what was lost.
    Row(
        "promote a standby that lags",
        fires=("HoldfastHistoryRewound",),
        allowed=("HoldfastDatabaseDown", "HoldfastUnavailable"),
        seconds=5,
    ),
    Row(
        "promote a synchronous standby",
        allowed=("HoldfastHistoryRewound", "HoldfastDatabaseDown", "HoldfastUnavailable"),
        seconds=5,
    ),
    Row(
        "break a page of the web node",
        fires=("HoldfastHttpErrors",),
        allowed=("HoldfastDatabaseErrors",),
        seconds=40,
    ),
    # nginx and networks
    Row("reload nginx"),
    Row("kill nginx and start it", fires=("HoldfastNodeDown",), seconds=30),
    Row("reset connections of clients"),
    Row("silence between clients and nginx"),
    Row("reset connections between nginx and a node"),
    Row("silence between nginx and a node"),
    Row("lose everything between clients and nginx"),
    Row("drop and delay packets on every network"),
    # Names
    Row("move PostgreSQL to another address", allowed=("HoldfastDatabaseDown",)),
    Row(
        "ask a name server that does not answer",
        fires=("HoldfastDatabaseDown",),
        allowed=("HoldfastWithoutBroker", "HoldfastCacheErrors", "HoldfastUnavailable"),
        seconds=60,
    ),
    Row("renew the certificate too late", fires=("HoldfastCertificateExpiring",), seconds=80),
    # A node looks once a minute.
    Row("start no timer for three days", fires=("HoldfastJobOverdue",), seconds=140),
    # Clients
    Row("a client that does not read"),
    Row("a client that floods"),
    Row("look people up all day", fires=("HoldfastRefusals",), seconds=150),
    Row("guess tokens", fires=("HoldfastGuessing",), seconds=200),
    # Requests of several people wait for it, and all turns are taken.
    Row(
        "hold a page of the web node",
        fires=("HoldfastOverloaded",),
        allowed=("HoldfastHttpErrors", "HoldfastDatabaseErrors", "HoldfastSlowPages"),
        seconds=90,
    ),
]
