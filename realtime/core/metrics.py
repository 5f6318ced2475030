"""Counters, gauges and histograms of the process, as Prometheus reads them.

A node counts for itself; Prometheus sums over the nodes.

Most metrics are prometheus_client's. Those that every command, commit or flush touches are our own
``Hot`` ones, which take no lock: that is safe because one thread alone writes each of them. They
exist for speed only. With labels, ``inc`` takes 0.2 µs of CPU instead of 2.0 and ``observe`` 0.4
instead of 2.5; without, 0.1 instead of 1.0 and 0.2 instead of 1.1 (prometheus_client 0.26,
Python 3.11). That is some 7 µs for each posted message, of about 350.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from holdfast.version import __version__

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_SECONDS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# Label values of one hot metric. The names of commands are ours, so more than this is a bug that
# would fill the memory of Prometheus.
MAX_LABEL_SETS: Final = 500

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter
registry: Final = CollectorRegistry()
ProcessCollector(registry=registry)  # memory, CPU, file descriptors
PlatformCollector(registry=registry)  # the version of Python


class HotCount:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def inc(self, by: float = 1) -> None:
        """Add ``by``."""
        self.value += by


class HotSizes:
    """Numbers of observations, by size."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total: float = 0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the buckets as Prometheus expects them: each includes the smaller ones."""
        rows, below = [], 0.0
        for bound, count in zip([*self._bounds, float("inf")], self._counts, strict=True):
            below += count
            rows.append(("+Inf" if bound == float("inf") else str(float(bound)), below))
        return rows


Child = TypeVar("Child", HotCount, HotSizes)


class Hot(Collector, Generic[Child]):
    """A metric that one thread writes, with a child for each set of label values."""

    def __init__(
        self, name: str, text: str, labels: tuple[str, ...], make: Callable[[], Child]
    ) -> None:
        self._name = f"holdfast_{name}"
        self._text = text
        self._labels = labels
        self._make: Callable[[], Child] = make
        self.children: dict[tuple[str, ...], Child] = {}
        registry.register(self)

    def labels(self, *values: str) -> Child:
        """Return the child of these label values; callers that use it often keep it."""
        found = self.children.get(values)
        if found is None:
            if len(self.children) >= MAX_LABEL_SETS:
                values = ("other",) * len(values)
            found = self.children.setdefault(values, self._make())
        return found


class HotCounter(Hot[HotCount]):
    """A counter."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        super().__init__(name, text, labels, HotCount)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric as Prometheus reads it."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, child in list(self.children.items()):
            family.add_metric(values, child.value)
        yield family


class HotHistogram(Hot[HotSizes]):
    """A histogram."""

    def __init__(
        self, name: str, text: str, *labels: str, bounds: tuple[float, ...] = LATENCY_SECONDS
    ) -> None:
        super().__init__(name, text, labels, lambda: HotSizes(bounds))

    def collect(self) -> Iterator[Metric]:
        """Yield the metric as Prometheus reads it."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for values, child in list(self.children.items()):
            family.add_metric(values, child.cumulative(), child.total)
        yield family


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, namespace="holdfast", registry=registry)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, namespace="holdfast", registry=registry)


def _histogram(name: str, text: str, *labels: str) -> Histogram:
    return Histogram(
        name, text, labels, namespace="holdfast", buckets=LATENCY_SECONDS, registry=registry
    )


build_info = _gauge("build_info", "Always 1; the version is in its label", "version")
build_info.labels(__version__).set(1)
clock = _gauge("clock_timestamp_seconds", "The clock of this process (Unix time)")
clock.set_function(lambda: time.time())  # looked up at each scrape
nodes = _gauge("nodes", "Nodes that have reported to the database recently")
connections = _gauge("connections", "Open sockets")
subscriptions = _gauge("subscriptions", "Subscriptions of all sockets")
behind = _gauge("behind", "Subscriptions that are behind")
tails = _gauge("tails", "Streams that this node follows")
waiting = _gauge("waiting", "Open long polls and server-sent event streams")
degraded = _gauge("degraded", "1 while the channel layer is lost")
unshared_peers = _gauge(
    "unshared_peers", "Other nodes on the database while the broker or the cache is memory://"
)
job_overdue_seconds = _gauge(
    "job_overdue_seconds",
    "How late a command for timers is; 0: it is not",
    "command",
)
dead_letters = _gauge(
    "dead_letters", "Changed rows that could not be numbered, at most 1000 (realtime_deadletter)"
)
draining = _gauge("draining", "1 from SIGTERM to the exit")

http_in_flight = _gauge(
    "http_in_flight", "Requests in progress, without long polls and event streams that wait"
)
requests_running = _gauge(
    "requests_running",
    "Admitted requests by kind: requests, async_requests, search_requests, export_requests",
    "kind",
)
requests_waiting = _gauge("requests_waiting", "Requests that wait to be admitted, by kind", "kind")
layer_waiting = _gauge("layer_waiting", "Messages that wait to be sent to the channel layer")
writer_waiting = _gauge(
    "writer_waiting", "Commands that wait for the writer, with those that it is running"
)
writer_oldest_seconds = _gauge(
    "writer_oldest_seconds", "Age of the oldest of these commands; 0 without any"
)
database_up = _gauge("database_up", "1 if the database answered this process last, 0 if not")
writable = _gauge("writable", "1 if this node could write to the database recently")
database_pool_connections = _gauge(
    "database_pool_connections",
    "Connections of this process to PostgreSQL: idle, used, or waited for (waiting)",
    "state",
)
database_errors = _counter(
    "database_errors",
    "Errors of the database, by SQLSTATE, the name of SQLite's error, or pool_timeout",
    "sqlstate",
)

events_in = HotCounter("events_in", "Events that reached a tail: local or layer", "source")
events_delivered = HotCounter(
    "events_delivered", "Events written to sockets: one for each event and socket"
).labels()
commands = HotCounter(
    "commands", "Commands by name and result (ok, or the code of the error)", "command", "result"
)
http_requests = HotCounter(
    "http_requests",
    "HTTP requests by method, address pattern and class of the status (2xx … 5xx; aborted: the "
    "client left before the response)",
    *("method", "view", "status"),
)
cache_requests = _counter(
    "cache_requests", "Requests to the cache: hit, miss, written, error", "result"
)
handshakes = _counter(
    "handshakes",
    "Attempts to open a socket: accepted, origin, not_authenticated, draining …",
    "result",
)
accept_errors = _counter(
    "accept_errors", "Times that a listener could not accept, for example without file descriptors"
)
closes = _counter("closes", "Closed sockets, by close code", "code")
events_repaired = _counter(
    "events_repaired", "Events read from the database because the channel layer lost them"
)
repairs = _counter("repairs", "Repairs of a tail")
resumes = _counter("resumes", "Pages answered from memory or from the database", "source")
fell_behind = _counter("fell_behind", "Subscriptions that stopped being level")
history_rewinds = _counter(
    "history_rewinds", "Streams found behind memory: the database has gone back in time"
)
layer_errors = _counter("layer_errors", "Operations on the channel layer that failed")
layer_unsigned = _counter(
    "layer_unsigned", "Messages on the channel layer that no process of the site has sent"
)
hooks = _counter(
    "hooks",
    "Answers of pre-publish hooks: accept, flag, change, reject, timeout, failed",
    "hook",
    "result",
)
sign_ins = _counter("sign_ins", "Sign-ins: succeeded, failed, refused, busy", "result")
access = _counter(
    "access",
    "Decisions of access by door (sign_in, password, token, invitation, sign_up) and result",
    "door",
    "result",
)
password_hashes = _counter("password_hashes", "Password hashes: done, or busy (refused)", "result")

refusals = _counter(
    "refusals",
    "Requests, commands and renderings refused because a limit was reached, by limit",
    "limit",
)

command_seconds = HotHistogram(
    "command_seconds", "Time from the arrival of a command to its reply", "command"
)
flush_events = HotHistogram("flush_events", "Events in one flush of a tail", bounds=SIZES).labels()
delivery_lag_seconds = HotHistogram(
    "delivery_lag_seconds", "Time from a commit to the last write of its event on this node"
).labels()
http_request_seconds = HotHistogram(
    "http_request_seconds",
    "Time from a request to the start of its response, without the wait of a long poll",
    "view",
)
event_loop_lag_seconds = HotHistogram(
    "event_loop_lag_seconds", "How late the event loop ran a timer, twice a second"
).labels()
batch_size = HotHistogram(
    "batch_size", "Commands in one transaction of the writer", bounds=SIZES
).labels()
commit_seconds = HotHistogram("commit_seconds", "Time of one transaction of the writer").labels()
hook_seconds = _histogram("hook_seconds", "Time that a pre-publish hook took", "hook")
revocation_seconds = _histogram(
    "revocation_seconds",
    "Time from the commit of a revocation to the close of the connections concerned on this node",
)
revocations_waiting = _gauge(
    "revocations_waiting",
    "Ends of access that failed after their cause was committed, and are repeated",
)


def total(metric: Collector) -> float:
    """Return the value of a counter, summed over its labels."""
    return sum(
        sample.value
        for family in metric.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    )


def render() -> bytes:
    """Return everything in Prometheus' text format."""
    return generate_latest(registry)
