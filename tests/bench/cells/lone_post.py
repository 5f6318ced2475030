"""One post on its own: CPU and latency, beside the same transaction by a bare driver."""

import json
from pathlib import Path

from tests.bench.cells.cell import Bar, Cell, Contender, Sample, Scale, beside, missing, spend
from tests.bench.load import Load
from tests.bench.servers import Holdfast

READERS = 50
POSTERS = 10
RATE = 10.0  # posts a second, of all posters


class Bare(Holdfast):
    """The database of Holdfast without its server: a program of one file posts."""

    name = "bare"

    def start(self) -> None:
        """Migrate and fill."""
        self.prepare()


def lone(server: Holdfast, scale: Scale) -> Sample:
    """Measure posts that come one by one, before 50 readers."""
    with Load(server.chat(READERS, posters=POSTERS, rate=RATE), server.directory) as load:
        load.connect()
        seen, spent = spend(server, load, seconds=scale.pick(20.0, 6.0), grace=3, warm=5)
    acks = max(1, seen["acks"])
    return {
        "cpu_us": 1e6 * spent["server"] / acks,
        "ack_p50_ms": seen["acknowledgement"]["p50"],
        "ack_p99_ms": seen["acknowledgement"]["p99"],
        "p50_ms": seen["delivery"]["p50"],
        "p99_ms": seen["delivery"]["p99"],
        "missing": missing(seen, acks * READERS),
        "load": seen["load_share"],
        **beside(spent, acks),
    }


def bare(server: Bare, scale: Scale) -> Sample:
    """Measure the transaction alone: nobody reads, and nothing is checked."""
    printed = server.manage(
        "-m",
        "tests.bench.holdfast.bare",
        str(server.rooms[0]),
        str(RATE),
        str(scale.pick(20.0, 6.0)),
    )
    found: Sample = json.loads(printed)
    return found


def _holdfast(directory: Path, _: Scale) -> Holdfast:
    return Holdfast(directory, people=READERS + POSTERS, rooms=1)


def _holdfast_sqlite(directory: Path, _: Scale) -> Holdfast:
    return Holdfast(directory, people=READERS + POSTERS, rooms=1, sqlite=True, broker=False)


def _bare(directory: Path, _: Scale) -> Bare:
    return Bare(directory, people=READERS + POSTERS, rooms=1, broker=False)


def _bare_sqlite(directory: Path, _: Scale) -> Bare:
    return Bare(directory, people=READERS + POSTERS, rooms=1, sqlite=True, broker=False)


LONE_POST = Cell(
    "lone-post",
    "10 posts a second, one by one, 50 readers; PostgreSQL and Redis, and SQLite alone. "
    "`bare`: a transaction of a bare driver, without server and readers",
    "post",
    {
        "holdfast": Contender(_holdfast, lone),
        "bare-psycopg": Contender(_bare, bare, "lock, read, write, commit"),
        "holdfast-sqlite": Contender(_holdfast_sqlite, lone),
        "bare-sqlite3": Contender(_bare_sqlite, bare, "the same statements"),
    },
    (
        Bar(
            "p50 ≤ 2 × the bare transaction + 1 ms",
            lambda found: found["holdfast"]["p50_ms"] <= 2 * found["bare-psycopg"]["p50_ms"] + 1.0,
            ("bare-psycopg",),
        ),
        Bar(
            "SQLite: no more CPU than PostgreSQL",
            lambda found: found["holdfast-sqlite"]["cpu_us"] <= found["holdfast"]["cpu_us"],
        ),
    ),
)

CELLS = (LONE_POST,)
