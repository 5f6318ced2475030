"""A cell of the table: a piece of work, its contenders, and the figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import costs
from tests.bench.load import Load
from tests.bench.servers import Server

Sample = dict[str, float]
"""The figures of one run by name.

``cpu_us``: CPU of the server per unit of work; ``load``: share of a core that the generator used.
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of the work is done: all of it, or what fits into two minutes."""

    quick: bool = False

    def pick(self, whole: float, quick: float) -> float:
        """Return a number for this scale."""
        return quick if self.quick else whole

    def count(self, whole: int, quick: int) -> int:
        """Return a count for this scale."""
        return quick if self.quick else whole


Measure = Callable[[Any, Scale], Sample]
Make = Callable[[Path, Scale], Server]


@dataclass(frozen=True, slots=True)
class Contender:
    """A server and how it is put to the work of a cell."""

    make: Make
    measure: Measure
    note: str = ""
    available: Callable[[], bool] = field(default=lambda: True)


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar for a figure of Holdfast, alone or relative to another contender."""

    words: str
    holds: Callable[[Mapping[str, Sample]], bool]  # of the medians by contender
    strangers: tuple[str, ...] = ()  # contenders that the bar needs


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the table."""

    name: str
    work: str
    unit: str  # of ``cpu_us``
    contenders: Mapping[str, Contender]
    bars: tuple[Bar, ...] = ()
    quick: bool = False  # part of `make bench-quick`
    most_runs: int = 99  # a long one is not repeated so often


def spend(
    server: Server, load: Load, *, seconds: float, grace: float = 5.0, warm: float = 1.0
) -> tuple[dict[str, Any], dict[str, float]]:
    """Warm up, run, and return what the clients saw and the CPU seconds of each group."""
    load.run(warm, grace=grace)
    before = costs.cpu(server.groups)
    seen = load.run(seconds, grace=grace)
    return seen, costs.spent(before, costs.cpu(server.groups))


def beside(spent: Mapping[str, float], units: float) -> Sample:
    """Return the costs of the broker and the database, in µs a unit."""
    return {
        f"{name}_us": 1e6 * seconds / units for name, seconds in spent.items() if name != "server"
    }


def missing(seen: Mapping[str, Any], expected: float) -> float:
    """Return the percentage of deliveries that did not come."""
    return 100.0 * (expected - seen["deliveries"]) / expected if expected else 0.0
