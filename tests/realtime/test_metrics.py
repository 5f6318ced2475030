"""Metrics: names that operators build alerts on, and numbers that add up."""

import re
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import Client, override_settings
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from realtime.auth.cached_sessions import SessionStore
from realtime.core import history, metrics
from realtime.core.metrics import MAX_LABEL_SETS, HotCounter, HotHistogram, HotSizes
from realtime.core.monitoring import statements
from realtime.site.environment import Environment
from tests.monitoring.faults import write_certificate

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
    "holdfast_revocation_seconds",
    "holdfast_revocations_waiting",
}


def families() -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics.render().decode(), re.MULTILINE))


def test_every_promised_metric_is_there() -> None:
    assert families().keys() >= NAMED_BY_THE_DOCUMENTATION
    assert families()["holdfast_command_seconds"] == "histogram"
    assert "process_resident_memory_bytes" in families()


def test_a_labelled_counter_is_shown_by_its_labels() -> None:
    metrics.commands.labels("a.test", "ok").inc(3)
    assert 'holdfast_commands_total{command="a.test",result="ok"} 3.0' in metrics.render().decode()


def test_a_histogram_counts_up_to_each_bound() -> None:
    sizes = HotSizes((1, 10))
    for value in (0.5, 1, 2, 100):
        sizes.observe(value)
    assert sizes.cumulative() == [("1.0", 2), ("10.0", 3), ("+Inf", 4)]
    assert sizes.total == 103.5


def test_our_metrics_are_shown_as_those_of_the_library() -> None:
    """The hot metrics are for speed: what Prometheus reads is the same."""
    registry = CollectorRegistry()
    ours = HotHistogram("a_test", "A test", "kind", bounds=(1.0, 10.0))
    metrics.registry.unregister(ours)
    registry.register(ours)
    theirs = CollectorRegistry()
    library = Histogram("holdfast_a_test", "A test", ["kind"], buckets=(1, 10), registry=theirs)
    for value in (0.5, 1, 2, 100):
        ours.labels("x").observe(value)
        library.labels("x").observe(value)
    assert generate_latest(registry) == generate_latest(theirs)


def test_labels_are_bounded() -> None:
    counter = HotCounter("bounded_test", "A test", "kind")
    metrics.registry.unregister(counter)
    for number in range(MAX_LABEL_SETS + 10):
        counter.labels(str(number)).inc()
    assert len(counter.children) == MAX_LABEL_SETS + 1
    assert counter.labels("other").value == 10
    assert counter.labels("0") is counter.labels("0")
    assert metrics.total(counter) == MAX_LABEL_SETS + 10


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


def expiry() -> float | None:
    return metrics.registry.get_sample_value("holdfast_certificate_expiry_timestamp_seconds")


def test_the_certificate_says_when_it_expires(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "fullchain.pem"
    assert expiry() is None
    with override_settings(HOLDFAST_TLS_CERTIFICATE=str(file)):
        assert (expiry(), expiry()) == (0.0, 0.0)
        assert [record.getMessage() for record in caplog.records] == [
            "HOLDFAST_TLS_CERTIFICATE cannot be read"
        ]
        write_certificate(file, days=80)
        first = expiry() or 0.0
        assert first == pytest.approx(time.time() + 80 * 86_400, abs=3600)
        write_certificate(file, days=90)
        assert (expiry() or 0.0) > first
        file.write_text("not a certificate")
        assert expiry() == 0.0


def test_the_cache_counts_hits_misses_and_errors(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def count(result: str) -> float:
        labels = {"result": result}
        return metrics.registry.get_sample_value("holdfast_cache_requests_total", labels) or 0

    monkeypatch.setattr(history.current, "name", "e-1")  # without a hub, there are no copies
    before = {result: count(result) for result in ("hit", "miss", "written", "error")}
    session = SessionStore()
    session["language"] = "de"
    session.save()
    SessionStore(session.session_key).load()
    SessionStore("0" * 32).load()
    monkeypatch.setattr(LocMemCache, "get", Mock(side_effect=ConnectionError))
    SessionStore(session.session_key).load()
    monkeypatch.setattr(SessionStore, "_away_until", 0.0)
    assert {result: count(result) - before[result] for result in before} == {
        "hit": 1,
        "miss": 1,
        "written": 2,  # a new session is saved, and created by that
        "error": 1,
    }


def test_a_slow_statement_is_remembered_without_its_values(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "SLOW_SECONDS", -1.0)
    statements.slow.clear()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'a private text', 42")
    assert [each.text for each in statements.slow] == ["SELECT ?, ?"]
    statements.slow.clear()
