"""One room, many readers: what it costs to bring an event to a client."""

from collections.abc import Callable
from typing import Any

from tests.bench.cells.cell import (
    Bar,
    Cell,
    Contender,
    Measure,
    Sample,
    Scale,
    beside,
    missing,
    spend,
)
from tests.bench.load import Load
from tests.bench.rivals import Nchan, PlainWs, SocketIo, StockChannels
from tests.bench.servers import Holdfast, Server

# Posts a second that stock Channels keeps up with before 500 readers; its cost of a delivery does
# not depend on it.
STOCK_RATE = 2
SECONDS = 5.0
NODES_RATE = 10
# With 100 the stretch would be all that is offered; so the figure is what the machine gives.
TWO_NODES_RATE = 120


def delivered(
    sockets: int, rate: float, *, quick_sockets: int | None = None, grace: float = 5.0
) -> Measure:
    """Return the measurement of a room of so many clients at so many events a second."""

    def measure(server: Server, scale: Scale) -> Sample:
        count = scale.count(sockets, quick_sockets or sockets)
        with Load(server.crowd(count, rate=rate), server.directory) as load:
            load.connect()
            seen, spent = spend(server, load, seconds=scale.pick(SECONDS, 3.0), grace=grace)
        return {**figures(seen, spent), "missing": missing(seen, seen["posts"] * count)}

    return measure


def figures(seen: dict[str, Any], spent: dict[str, float]) -> Sample:
    """Return what every fan-out tells."""
    deliveries = max(1, seen["deliveries"])
    return {
        "cpu_us": 1e6 * spent["server"] / deliveries,
        "deliveries": deliveries / seen["seconds"],
        "p50_ms": seen["delivery"]["p50"],
        "p99_ms": seen["delivery"]["p99"],
        "bytes": seen["bytes"] / deliveries,
        "frames": seen["frames"] / deliveries,
        "load": seen["load_share"],
        **beside(spent, deliveries),
    }


def holdfast(people: int, *, nodes: int = 1) -> Callable[[Any, Scale], Server]:
    """Return what starts Holdfast on PostgreSQL and Redis with so many accounts."""
    return lambda directory, _scale: Holdfast(directory, nodes=nodes, people=people, rooms=1)


def small_room_beside_a_flooded_one(server: Holdfast, scale: Scale) -> Sample:
    """Measure a room of ten, alone and beside a busy room of thousands (100 events a second)."""
    big = scale.count(5000, 1000)
    small = server.beside(10, rate=20)
    with Load(small, server.directory) as quiet:
        quiet.connect()
        alone = quiet.run(3, grace=2)
        with Load(server.crowd(big, rate=100), server.directory) as flood:
            flood.connect()
            flood.begin(scale.pick(SECONDS, 3.0) + 1.0, grace=3)
            flooded = quiet.run(scale.pick(SECONDS, 3.0), grace=2)
            seen = flood.end()
    return {
        "p50_alone_ms": alone["delivery"]["p50"],
        "p99_alone_ms": alone["delivery"]["p99"],
        "p50_ms": flooded["delivery"]["p50"],
        "p99_ms": flooded["delivery"]["p99"],
        "big_p99_ms": seen["delivery"]["p99"],
        "big_deliveries": seen["deliveries"] / seen["seconds"],
        "load": seen["load_share"],
    }


def nodes_of(count: int) -> Contender:
    """Return Holdfast on several nodes before the same 2000 clients.

    At a rate at which no flush gathers several events: above it, more nodes have shorter flushes,
    gather less, and pay more for each event.
    """

    def measure(server: Holdfast, scale: Scale) -> Sample:
        sockets = scale.count(2000, 500)
        with Load(server.crowd(sockets, rate=NODES_RATE), server.directory) as load:
            load.connect()
            load.run(1)
            commands = server.redis_commands()
            seen, spent = spend(server, load, seconds=scale.pick(SECONDS, 3.0), warm=0.2)
            commands = server.redis_commands() - commands
        messages = {"broker_commands": commands / max(1, seen["posts"])}
        return {
            **figures(seen, spent),
            **messages,
            "missing": missing(seen, seen["posts"] * sockets),
        }

    return Contender(holdfast(2000, nodes=count), measure)


def _node_js(rate_ws: Measure, rate_io: Measure) -> dict[str, Contender]:
    return {
        "socket.io": Contender(lambda directory, _: SocketIo(directory), rate_io),
        "ws": Contender(lambda directory, _: PlainWs(directory), rate_ws),
    }


def _nchan(measure: Measure) -> dict[str, Contender]:
    return {
        "nchan": Contender(
            lambda directory, _: Nchan(directory), measure, available=Nchan.available
        )
    }


FANOUT_500 = Cell(
    "fanout-500",
    "500 clients in one room, 100 events a second, one node",
    "delivered event",
    {
        "holdfast": Contender(holdfast(500), delivered(500, 100)),
        "stock-channels": Contender(
            lambda directory, _: StockChannels(directory),
            delivered(500, STOCK_RATE),
            f"at {STOCK_RATE} events a second: it keeps up with no more",
        ),
        **_node_js(delivered(500, 100), delivered(500, 100)),
        **_nchan(delivered(500, 100)),
    },
    (
        Bar("≤ 14 µs", lambda found: found["holdfast"]["cpu_us"] <= 14),
        Bar(
            "at least 1.25 × less than Socket.IO",
            lambda found: found["socket.io"]["cpu_us"] >= 1.25 * found["holdfast"]["cpu_us"],
            ("socket.io",),
        ),
        Bar(
            "25 × less than stock Channels",
            lambda found: found["stock-channels"]["cpu_us"] >= 25 * found["holdfast"]["cpu_us"],
            ("stock-channels",),
        ),
    ),
    quick=True,
)

FANOUT_400 = Cell(
    "fanout-400",
    "500 clients in one room, 400 events a second, one node",
    "delivered event",
    {
        "holdfast": Contender(holdfast(500), delivered(500, 400)),
        **_node_js(delivered(500, 400), delivered(500, 400)),
        **_nchan(delivered(500, 400)),
    },
    (Bar("≤ 5 µs", lambda found: found["holdfast"]["cpu_us"] <= 5),),
    quick=True,
)

FANOUT_5000 = Cell(
    "fanout-5000",
    "5000 clients in one room, 100 events a second, one node",
    "delivered event",
    {
        "holdfast": Contender(holdfast(5000), delivered(5000, 100, grace=8)),
        "socket.io": Contender(
            lambda directory, _: SocketIo(directory),
            delivered(5000, 8),
            "at 8 events a second: it keeps up with no more",
        ),
        "ws": Contender(
            lambda directory, _: PlainWs(directory), delivered(5000, 8), "at 8 events a second"
        ),
        "nchan": Contender(
            lambda directory, _: Nchan(directory),
            delivered(5000, 8),
            "at 8 events a second",
            Nchan.available,
        ),
    },
    (
        Bar("≥ 400,000 deliveries/s", lambda found: found["holdfast"]["deliveries"] >= 400_000),
        Bar("≤ 2 µs", lambda found: found["holdfast"]["cpu_us"] <= 2),
        Bar("p99 under 600 ms", lambda found: found["holdfast"]["p99_ms"] < 600),
    ),
)

TWO_NODES = Cell(
    "two-nodes-10000",
    f"10,000 clients in one room over two nodes, {TWO_NODES_RATE} events a second",
    "delivered event",
    {"holdfast": Contender(holdfast(10_000, nodes=2), delivered(10_000, TWO_NODES_RATE, grace=10))},
    (
        Bar(
            "1,000,000 deliveries/s (the stretch)",
            lambda found: found["holdfast"]["deliveries"] >= 1_000_000,
        ),
    ),
)

FAIRNESS = Cell(
    "fairness",
    "a room of 10 beside a room of 5000 that gets 100 events a second",
    "delivered event",
    {"holdfast": Contender(holdfast(5000), small_room_beside_a_flooded_one)},
)

NODES = Cell(
    "nodes",
    f"2000 clients in one room, {NODES_RATE} events a second, over 1, 2 and 4 nodes",
    "delivered event",
    {f"holdfast-{count}": nodes_of(count) for count in (1, 2, 4)},
    (
        Bar(
            "CPU per delivery constant within 10 %",
            lambda found: (
                max(each["cpu_us"] for each in found.values())
                <= 1.1 * min(each["cpu_us"] for each in found.values())
            ),
        ),
    ),
)

CELLS = (FANOUT_500, FANOUT_400, FANOUT_5000, TWO_NODES, FAIRNESS, NODES)
