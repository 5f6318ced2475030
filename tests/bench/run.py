"""Runs cells: all contenders of a cell run at once and are measured in turn.

So other work of the machine affects them all.
"""

import gc
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.cells.cell import Bar, Cell, Sample, Scale
from tests.bench.load import BUSY_SHARE
from tests.bench.servers import VAR, Server


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(slots=True)
class Result:
    """The results of a cell."""

    cell: Cell
    runs: int
    seconds: float = 0.0
    # Contender → figure → spread.
    figures: dict[str, dict[str, Spread]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)  # contender → why there is nothing

    @property
    def medians(self) -> dict[str, Sample]:
        """The medians alone."""
        return {
            name: {figure: spread.median for figure, spread in figures.items()}
            for name, figures in self.figures.items()
        }

    def verdict(self, bar: Bar) -> bool | None:
        """Tell whether Holdfast reaches a bar; None where a contender is missing."""
        needed = {
            *bar.strangers,
            *(name for name in self.cell.contenders if name.startswith("holdfast")),
        }
        return bar.holds(self.medians) if needed <= set(self.figures) else None

    @property
    def bottleneck(self) -> bool:
        """Whether the load generator was as busy as the servers and may have limited them."""
        return any(
            figures["load"].median > BUSY_SHARE
            for figures in self.figures.values()
            if "load" in figures
        )


def run(cell: Cell, *, runs: int, quick: bool) -> Result:
    """Measure a cell."""
    runs = min(runs, cell.most_runs)
    result, scale = Result(cell, runs), Scale(quick)
    started = time.monotonic()
    samples: dict[str, list[Sample]] = {}
    with ExitStack() as stack:
        servers = _start(stack, cell, scale, result)
        for number in range(runs):
            for name, server in servers.items():
                if name in result.failures:
                    continue
                gc.collect()
                _say(f"{cell.name}: {name}, run {number + 1} of {runs}")
                try:
                    samples.setdefault(name, []).append(
                        cell.contenders[name].measure(server, scale)
                    )
                except (RuntimeError, OSError) as error:
                    result.failures[name] = str(error)[:500]
    for name, some in samples.items():
        if name not in result.failures:
            result.figures[name] = {
                figure: Spread.of([sample[figure] for sample in some]) for figure in some[0]
            }
    result.seconds = time.monotonic() - started
    return result


def _start(stack: ExitStack, cell: Cell, scale: Scale, result: Result) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    for name, contender in cell.contenders.items():
        if not contender.available():
            result.failures[name] = "not to be had here"
            continue
        try:
            servers[name] = stack.enter_context(contender.make(Path(VAR) / "runs", scale))
        except (RuntimeError, OSError) as error:
            result.failures[name] = str(error)[:500]
    return servers


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
