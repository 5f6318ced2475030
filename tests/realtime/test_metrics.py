"""Metrics: names that operators build alerts on, and numbers that add up."""

import re

import pytest
from django.test import Client, override_settings

from realtime.core import metrics
from realtime.core.metrics import MAX_LABEL_SETS, Counter, Gauge, Histogram, Labelled
from realtime.site.environment import Environment

NAMED_BY_THE_DOCUMENTATION = {
    "holdfast_connections",
    "holdfast_subscriptions",
    "holdfast_tails",
    "holdfast_behind",
    "holdfast_events_in_total",
    "holdfast_events_delivered_total",
    "holdfast_events_repaired_total",
    "holdfast_commands_total",
    "holdfast_command_seconds",
    "holdfast_batch_size",
    "holdfast_commit_seconds",
    "holdfast_delivery_lag_seconds",
}


def families() -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics.render().decode(), re.MULTILINE))


def test_every_promised_metric_is_there() -> None:
    assert families().keys() >= NAMED_BY_THE_DOCUMENTATION
    assert families()["holdfast_command_seconds"] == "histogram"
    assert "process_resident_memory_bytes" in families()


def test_a_labelled_counter_is_shown_by_its_labels() -> None:
    metrics.commands.of("a.test", "ok").inc(3)
    assert 'holdfast_commands_total{command="a.test",result="ok"} 3.0' in metrics.render().decode()


def test_a_gauge_goes_up_and_down_and_can_ask() -> None:
    gauge = Gauge()
    gauge.inc(3)
    gauge.dec()
    assert gauge.value == 2
    gauge.set(7)
    assert gauge.value == 7
    gauge.follow(lambda: 42)
    assert gauge.value == 42


def test_a_histogram_counts_up_to_each_bound() -> None:
    histogram = Histogram((1, 10))
    for value in (0.5, 1, 2, 100):
        histogram.observe(value)
    assert histogram.cumulative() == [("1.0", 2), ("10.0", 3), ("+Inf", 4)]
    assert (histogram.count, histogram.total) == (4, 103.5)


def test_labels_are_bounded() -> None:
    labelled = Labelled(Counter)
    for number in range(MAX_LABEL_SETS + 10):
        labelled.of(str(number)).inc()
    assert len(labelled.children) == MAX_LABEL_SETS + 1
    assert labelled.of("other").value == 10
    assert labelled.of("0") is labelled.of("0")


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("10.1.2.3", 200), ("203.0.113.9", 403), ("", 403), ("::1", 403)],
)
def test_only_the_named_networks_may_read(client: Client, address: str, status: int) -> None:
    networks = Environment({"METRICS_NETWORKS": "127.0.0.0/8,10.0.0.0/8"}).networks(
        "METRICS_NETWORKS", []
    )
    with override_settings(METRICS_NETWORKS=networks):
        answer = client.get("/metrics", REMOTE_ADDR=address)
    assert answer.status_code == status
    assert (b"holdfast_connections" in answer.content) is (status == 200)


def test_a_header_does_not_open_the_metrics(client: Client) -> None:
    answer = client.get(
        "/metrics",
        REMOTE_ADDR="203.0.113.9",
        HTTP_X_FORWARDED_FOR="127.0.0.1",
        HTTP_X_REAL_IP="127.0.0.1",
    )
    assert answer.status_code == 403
