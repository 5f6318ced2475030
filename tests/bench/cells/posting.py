"""Posts: acknowledged, committed, delivered."""

from typing import Any

from tests.bench.cells.cell import Bar, Cell, Contender, Sample, Scale, beside, missing, spend
from tests.bench.load import Load
from tests.bench.rivals import StockChannels
from tests.bench.servers import Holdfast

POSTERS = 200
READERS = 500


def acknowledged(server: Holdfast, scale: Scale) -> Sample:
    """Measure how many posts are acknowledged when each of 200 people posts again at the answer."""
    return _posted(server, scale, readers=0)


def whole_path(server: Holdfast, scale: Scale) -> Sample:
    """Measure the same before 500 readers, and the cost of a commit without any."""
    alone = _posted(server, scale, readers=0)
    found = _posted(server, scale, readers=READERS)
    return {
        **found,
        "commit_us": alone["cpu_us"],
        "delivery_us": (found["cpu_us"] - alone["cpu_us"]) / READERS,
    }


def _posted(server: Holdfast, scale: Scale, *, readers: int) -> Sample:
    with Load(server.chat(readers, posters=POSTERS), server.directory) as load:
        load.connect()
        seen, spent = spend(server, load, seconds=scale.pick(5.0, 3.0), grace=8)
    return {
        **_figures(seen, spent),
        "missing": missing(seen, seen["acks"] * readers),
        "refusals": seen["refusals"],
    }


def stock(server: StockChannels, scale: Scale) -> Sample:
    """Measure the tutorial with one save a message and 500 readers.

    A poster continues once it has received its message.
    """
    with Load(server.saving(READERS, posters=10), server.directory) as load:
        load.connect()
        seen, spent = spend(server, load, seconds=scale.pick(10.0, 5.0), grace=10, warm=2)
    return _figures(seen, spent)


def _figures(seen: dict[str, Any], spent: dict[str, float]) -> Sample:
    acks = max(1, seen["acks"])
    return {
        "cpu_us": 1e6 * spent["server"] / acks,
        "posts": acks / seen["seconds"],
        "ack_p50_ms": seen["acknowledgement"]["p50"],
        "ack_p99_ms": seen["acknowledgement"]["p99"],
        "p99_ms": seen["delivery"]["p99"],
        "deliveries": seen["deliveries"] / seen["seconds"],
        "load": seen["load_share"],
        **beside(spent, acks),
    }


POSTS_200 = Cell(
    "posts-200",
    "200 people post as fast as they are acknowledged; PostgreSQL, synchronous_commit on, one node",
    "acknowledged post",
    {
        "holdfast": Contender(
            lambda directory, _: Holdfast(directory, people=POSTERS, rooms=1), acknowledged
        )
    },
    (
        Bar("≥ 2,000/s", lambda found: found["holdfast"]["posts"] >= 2000),
        Bar("p99 under 150 ms", lambda found: found["holdfast"]["ack_p99_ms"] < 150),
    ),
    quick=True,
)

POSTS_200_SQLITE = Cell(
    "posts-200-sqlite",
    "the same on SQLite",
    "acknowledged post",
    {
        "holdfast": Contender(
            lambda directory, _: Holdfast(
                directory, people=POSTERS, rooms=1, sqlite=True, broker=False
            ),
            acknowledged,
        )
    },
    (Bar("≥ 3,000/s", lambda found: found["holdfast"]["posts"] >= 3000),),
)

WHOLE_PATH = Cell(
    "whole-path",
    "posted over sockets, committed on PostgreSQL, delivered to 500",
    "message",
    {
        "holdfast": Contender(
            lambda directory, _: Holdfast(directory, people=READERS + POSTERS, rooms=1), whole_path
        ),
        "stock-channels": Contender(
            lambda directory, _: StockChannels(directory), stock, "one ORM save each, 10 posters"
        ),
    },
    (
        Bar(
            "≥ 10 × the messages/s of stock Channels",
            lambda found: found["holdfast"]["posts"] >= 10 * found["stock-channels"]["posts"],
            ("stock-channels",),
        ),
    ),
)

CELLS = (POSTS_200, POSTS_200_SQLITE, WHOLE_PATH)
