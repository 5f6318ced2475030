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
    Row("give a node too little processor", fires=("HoldfastBusyLoop",), seconds=90),
    Row("leave a node few file descriptors", fires=("HoldfastFileDescriptors",), seconds=60),
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
    Row("renew the certificate too late", fires=("HoldfastCertificateExpiring",), seconds=40),
    # Clients
    Row("a client that does not read"),
    Row("a client that floods"),
]
