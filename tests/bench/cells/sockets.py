"""Sockets: handshakes, the cost of idle ones, and reconnecting all at once."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.bench import costs
from tests.bench.cells.cell import Bar, Cell, Contender, Measure, Sample, Scale, missing, spend
from tests.bench.load import Load
from tests.bench.rivals import PlainWs, SocketIo, StockChannels
from tests.bench.servers import Holdfast, Server, subscribe

IDLE = 5000
ROOMS = 5
MISSED = 100
STORM = 5000
HELD = 18_000


def idle(crowd: Callable[[Any, int], Any]) -> Measure:
    """Return the measurement of sockets with nothing to say: memory of each, and the CPU of all."""

    def measure(server: Server, scale: Scale) -> Sample:
        count = scale.count(IDLE, 1000)
        # Memory freed by earlier sockets would be reused and not counted.
        server.restart()
        # So that what is made once is there.
        with Load(crowd(server, 200), server.directory) as load:
            load.connect()
        time.sleep(1)
        before = server.server.pss_bytes()
        with Load(crowd(server, count), server.directory) as load:
            load.connect(inflight=50)
            load.run(2, grace=0)
            after = server.server.pss_bytes()
            cpu = costs.cpu(server.groups)
            seconds = scale.pick(20, 5)
            load.run(seconds, grace=0)
            spent = costs.spent(cpu, costs.cpu(server.groups))
        return {
            "kib": (after - before) / count / 1024,
            "cpu_percent": 100 * spent["server"] / seconds,
            "cpu_us": 0.0,
        }

    return measure


def _five_rooms(server: Holdfast, count: int) -> Any:
    frame = subscribe({f"room.{room}": None for room in server.rooms})
    return replace(server.crowd(count, posters=0), subscribes=[frame])


def handshakes(server: Holdfast, scale: Scale) -> Sample:
    """Measure handshakes with a session to ``hello``; and with five positions that are resumed."""
    count = scale.count(2000, 500)
    plain = replace(server.crowd(count, posters=0), subscribes=[])
    head = server.heads()
    positions = subscribe({f"room.{room}": head[f"room.{room}"] for room in server.rooms})
    with Load(replace(plain, sockets=200), server.directory) as load:
        load.connect()
    greeted, seconds, spent, share = _come_in(server, plain, count)
    resumed, resumed_seconds, resumed_spent, _ = _come_in(
        server, replace(plain, subscribes=[positions]), count
    )
    return {
        "cpu_us": 1e6 * spent["server"] / count,
        "per_core": count / spent["server"],
        "rate": count / seconds,
        "p99_ms": greeted["handshake"]["p99"],
        "database_us": 1e6 * spent.get("database", 0.0) / count,
        "resumed_per_core": count / resumed_spent["server"],
        "resumed_rate": count / resumed_seconds,
        "resumed_p99_ms": resumed["handshake"]["p99"],
        "load": share,
    }


def _come_in(
    server: Server, crowd: Any, count: int
) -> tuple[dict[str, Any], float, dict[str, float], float]:
    with Load(crowd, server.directory) as load:
        before = costs.cpu(server.groups)
        seen = load.connect(0, count, inflight=100)
        spent = costs.spent(before, costs.cpu(server.groups))
    time.sleep(1)  # the end of so many sockets costs as well, and is not what is measured
    return seen, seen["seconds"], spent, seen["load_share"]


def anonymous_handshakes(server: Server, scale: Scale) -> Sample:
    """Measure handshakes of a server that asks nobody who they are."""
    count = scale.count(2000, 500)
    crowd = server.crowd(count, posters=0)
    with Load(replace(crowd, sockets=100), server.directory) as load:
        load.connect()
    seen, seconds, spent, share = _come_in(server, crowd, count)
    return {
        "cpu_us": 1e6 * spent["server"] / count,
        "per_core": count / spent["server"],
        "rate": count / seconds,
        "p99_ms": seen["handshake"]["p99"],
        "load": share,
    }


def storm(server: Holdfast, scale: Scale) -> Sample:
    """Measure how long 5,000 sockets take to catch up 100 messages on a new node."""
    count = scale.count(STORM, 1000)
    name = f"room.{server.rooms[0]}"
    position = server.heads()[name]
    server.post(MISSED)
    server.restart()
    pages, asked = server.metric("holdfast_resumes_total"), server.queries()
    cpu = costs.cpu(server.groups)
    with Load(
        replace(server.crowd(count, posters=0), subscribes=[subscribe({name: position})]),
        server.directory,
    ) as load:
        seen = load.connect(inflight=count, seconds=60)
        spent = costs.spent(cpu, costs.cpu(server.groups))
    from_database = server.metric("holdfast_resumes_total", 'source="database"')
    return {
        "seconds": seen["seconds"],
        "not_level": seen["not_level"],
        "replayed": seen["replayed"] / count,
        "pages_from_database": from_database,
        "replay_queries": from_database * 4,  # the head, messages, memberships, the room
        "queries": server.queries() - asked,
        "resumes": server.metric("holdfast_resumes_total") - pages,
        "cpu_us": 1e6 * spent["server"] / count,
        "load": seen["load_share"],
    }


def held(server: Holdfast, scale: Scale) -> Sample:
    """Measure 18,000 sockets over three nodes, with a message a second to all."""
    count = scale.count(HELD, 3000)
    with Load(server.crowd(count, posters=1, rate=1), server.directory) as load:
        came = load.connect(inflight=300, seconds=240)
        seen, spent = spend(server, load, seconds=scale.pick(15, 5), warm=2)
        memory = server.server.pss_bytes()
    return {
        "cpu_us": 1e6 * spent["server"] / max(1, seen["deliveries"]),
        "sockets": seen["ready"],
        "missing": missing(seen, seen["posts"] * count),
        "p99_ms": seen["delivery"]["p99"],
        "rate": count / came["seconds"],
        "kib": memory / count / 1024,
        "load": seen["load_share"],
    }


def _everybody(server: Server, count: int) -> Any:
    return server.crowd(count, posters=0)


def _holdfast(people: int, **options: Any) -> Callable[[Any, Scale], Server]:
    return lambda directory, _scale: Holdfast(directory, people=people, **options)


IDLE_SOCKETS = Cell(
    "idle-5000",
    "5000 sockets, authenticated, subscribed to 5 rooms, with nothing to say",
    "",
    {
        "holdfast": Contender(_holdfast(IDLE, rooms=ROOMS), idle(_five_rooms)),
        "stock-channels": Contender(
            lambda directory, _: StockChannels(directory),
            idle(_everybody),
            "in one room, anonymous",
        ),
        "socket.io": Contender(
            lambda directory, _: SocketIo(directory), idle(_everybody), "in one room, anonymous"
        ),
        "ws": Contender(lambda directory, _: PlainWs(directory), idle(_everybody), "anonymous"),
    },
    (
        Bar("≤ 26 KiB each", lambda found: found["holdfast"]["kib"] <= 26),
        Bar("CPU under 1.5 % of a core", lambda found: found["holdfast"]["cpu_percent"] < 1.5),
    ),
    most_runs=3,
)

HANDSHAKES = Cell(
    "handshake",
    "handshake with a session to `hello`; and with five positions resumed",
    "handshake",
    {
        "holdfast": Contender(_holdfast(2000, rooms=ROOMS, way="cookie"), handshakes),
        "stock-channels": Contender(
            lambda directory, _: StockChannels(directory), anonymous_handshakes, "anonymous"
        ),
        "socket.io": Contender(
            lambda directory, _: SocketIo(directory), anonymous_handshakes, "anonymous"
        ),
        "ws": Contender(lambda directory, _: PlainWs(directory), anonymous_handshakes, "anonymous"),
    },
    (
        Bar("≥ 900/s a core", lambda found: found["holdfast"]["per_core"] >= 900),
        Bar("resumed ≥ 600/s a core", lambda found: found["holdfast"]["resumed_per_core"] >= 600),
    ),
    quick=True,
)

STORM_5000 = Cell(
    "storm-5000",
    "5000 clients of one room come back at once, to a node that has just started, after missing "
    "100 messages",
    "client",
    {"holdfast": Contender(_holdfast(STORM, rooms=1), storm)},
    (
        Bar(
            "all level within 8 s",
            lambda found: found["holdfast"]["seconds"] <= 8 and not found["holdfast"]["not_level"],
        ),
        Bar(
            "at most 20 queries for the replay",
            lambda found: found["holdfast"]["replay_queries"] <= 20,
        ),
    ),
)

SOCKETS_18000 = Cell(
    "sockets-18000",
    "18,000 sockets over three nodes, one message a second in a room of all",
    "delivered event",
    {"holdfast": Contender(_holdfast(HELD, rooms=1, nodes=3), held)},
    (
        Bar(
            "held, delivered 100 %",
            lambda found: found["holdfast"]["sockets"] == HELD and not found["holdfast"]["missing"],
        ),
        Bar("p99 under 1 s", lambda found: found["holdfast"]["p99_ms"] < 1000),
    ),
    most_runs=2,
)

CELLS = (IDLE_SOCKETS, HANDSHAKES, STORM_5000, SOCKETS_18000)
