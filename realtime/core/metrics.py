"""What the process counts, and how Prometheus reads it.

The engine counts on its hottest paths (once a flush, once a command), so a count is an addition to a plain attribute: no lock, no lookup of
labels. That is safe because each metric is written by one thread only: the event loop's, or the writer's where it says so. The families
that Prometheus knows are made when it asks. A node counts for itself; the sum over nodes is Prometheus' work.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from holdfast import __version__

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# Of one metric: names of commands are ours, so more than this is a bug that would eat Prometheus'
# memory.
MAX_LABEL_SETS: Final = 500


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def inc(self, by: float = 1) -> None:
        """Add ``by``."""
        self.value += by


class Gauge:
    """A number that goes up and down, kept by whoever changes it, or read from a function when Prometheus asks."""

    __slots__ = ("_read", "_value")

    def __init__(self) -> None:
        self._value: float = 0
        self._read: Callable[[], float] | None = None

    def inc(self, by: float = 1) -> None:
        """Add ``by``."""
        self._value += by

    def dec(self, by: float = 1) -> None:
        """Take ``by`` away."""
        self._value -= by

    def set(self, value: float) -> None:
        """Replace the value."""
        self._value = value

    def follow(self, read: Callable[[], float]) -> None:
        """Ask ``read`` from now on."""
        self._read = read

    @property
    def value(self) -> float:
        """The value now."""
        return self._value if self._read is None else self._read()


class Histogram:
    """Counts of observations by size."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total: float = 0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the buckets as Prometheus wants them: each holds those below it."""
        rows, seen = [], 0
        for bound, count in zip(
            [*map(float, self._bounds), float("inf")], self._counts, strict=True
        ):
            seen += count
            rows.append(("+Inf" if bound == float("inf") else str(bound), float(seen)))
        return rows


Child = TypeVar("Child", Counter, Histogram)


class Labelled(Generic[Child]):
    """One metric for each set of label values; keep what ``of`` returns where it is used often."""

    __slots__ = ("_make", "children")

    def __init__(self, make: Callable[[], Child]) -> None:
        self._make: Callable[[], Child] = make
        self.children: dict[tuple[str, ...], Child] = {}

    def of(self, *values: str) -> Child:
        """Return the metric of these label values."""
        found = self.children.get(values)
        if found is None:
            if len(self.children) >= MAX_LABEL_SETS:
                values = ("other",) * len(values)
            found = self.children.setdefault(values, self._make())
        return found


connections = Gauge()
subscriptions = Gauge()
behind = Gauge()
tails = Gauge()
waiting = Gauge()
degraded = Gauge()
draining = Gauge()
handshakes = Labelled(Counter)
closes = Labelled(Counter)
events_in = Labelled(Counter)
events_delivered = Counter()
events_repaired = Counter()
repairs = Counter()
resumes = Labelled(Counter)
fell_behind = Counter()
layer_errors = Counter()
commands = Labelled(Counter)
hooks = Labelled(Counter)
hook_seconds = Labelled(lambda: Histogram(LATENCY_SECONDS))
command_seconds = Labelled(lambda: Histogram(LATENCY_SECONDS))
batch_size = Histogram(SIZES)
commit_seconds = Histogram(LATENCY_SECONDS)
flush_events = Histogram(SIZES)
delivery_lag_seconds = Histogram(LATENCY_SECONDS)

_GAUGES: Final = {
    "connections": (connections, "Open sockets"),
    "subscriptions": (subscriptions, "Subscriptions of all sockets"),
    "behind": (behind, "Subscriptions that are behind"),
    "tails": (tails, "Streams that this node follows"),
    "waiting": (waiting, "Long polls and server-sent event streams that are open"),
    "degraded": (degraded, "1 while the channel layer is not heard"),
    "draining": (draining, "1 from SIGTERM to the exit"),
}
_COUNTERS: Final = {
    "events_delivered": (
        events_delivered,
        "Events written to sockets: one for each event and socket",
    ),
    "events_repaired": (
        events_repaired,
        "Events read from the database because the channel layer lost them",
    ),
    "repairs": (repairs, "Repairs of a tail"),
    "fell_behind": (fell_behind, "Subscriptions that stopped being level"),
    "layer_errors": (layer_errors, "Operations on the channel layer that failed"),
}
_LABELLED_COUNTERS: Final = {
    "handshakes": (
        handshakes,
        ("result",),
        "Attempts to open a socket: accepted, origin, not_authenticated, draining …",
    ),
    "closes": (closes, ("code",), "Sockets that ended, by close code"),
    "events_in": (events_in, ("source",), "Events that reached a tail: local or layer"),
    "resumes": (resumes, ("source",), "Pages answered from memory or from the database"),
    "commands": (
        commands,
        ("command", "result"),
        "Commands by name and result (ok, or the code of the error)",
    ),
    "hooks": (
        hooks,
        ("hook", "result"),
        "Answers of pre-publish hooks: accept, flag, change, reject, timeout, failed",
    ),
}
_HISTOGRAMS: Final = {
    "batch_size": (batch_size, "Commands in one transaction of the writer"),  # writer thread
    "commit_seconds": (commit_seconds, "Time of one transaction of the writer"),  # writer thread
    "flush_events": (flush_events, "Events in one flush of a tail"),
    "delivery_lag_seconds": (
        delivery_lag_seconds,
        "Time from a commit to the last write of its event on this node",
    ),
}
_LABELLED_HISTOGRAMS: Final = {
    "command_seconds": (
        command_seconds,
        ("command",),
        "Time from a command's arrival to its reply",
    ),
    "hook_seconds": (hook_seconds, ("hook",), "Time that a pre-publish hook took"),
}


class Families(Collector):
    """Make Prometheus' families of what was counted."""

    def collect(self) -> Iterator[Metric]:
        """Yield one family a metric."""
        build = GaugeMetricFamily(
            "holdfast_build_info", "Always 1; the version is in its label", labels=["version"]
        )
        build.add_metric([__version__], 1)
        yield build
        for name, (gauge, words) in _GAUGES.items():
            yield GaugeMetricFamily(f"holdfast_{name}", words, value=gauge.value)
        for name, (counter, words) in _COUNTERS.items():
            yield CounterMetricFamily(f"holdfast_{name}", words, value=counter.value)
        for name, (counters, labels, words) in _LABELLED_COUNTERS.items():
            counted = CounterMetricFamily(f"holdfast_{name}", words, labels=labels)
            for values, child in list(counters.children.items()):
                counted.add_metric(values, child.value)
            yield counted
        for name, (histogram, words) in _HISTOGRAMS.items():
            yield HistogramMetricFamily(
                f"holdfast_{name}", words, buckets=histogram.cumulative(), sum_value=histogram.total
            )
        for name, (histograms, labels, words) in _LABELLED_HISTOGRAMS.items():
            observed = HistogramMetricFamily(f"holdfast_{name}", words, labels=labels)
            for values, each in list(histograms.children.items()):
                observed.add_metric(values, each.cumulative(), each.total)
            yield observed


registry: Final = CollectorRegistry()
registry.register(Families())
ProcessCollector(registry=registry)  # memory, CPU, file descriptors
PlatformCollector(registry=registry)  # the version of Python


def render() -> bytes:
    """Return everything in Prometheus' text format."""
    return generate_latest(registry)
