"""The alerts and the dashboard ask for metrics that exist, and show all that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from realtime.core.metrics import registry
from tests.support.server import ROOT

MONITORING = ROOT / "docs" / "monitoring"
# Prometheus_client's.
OF_PROCESSES = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
}


def series() -> dict[str, str]:
    """Return the names under which Prometheus keeps our metrics → the name of the metric."""
    found = {}
    for family in registry.collect():
        if not family.name.startswith("holdfast_"):
            continue
        endings = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_sum", "_count"],
            "gauge": [""],
        }[family.type]
        found.update({family.name + ending: family.name for ending in endings})
    return found


def asked(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:holdfast|process)_\w+", expression))


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    return found


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][
        0
    ]["rules"]
    return found


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_that_exist_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert asked(rule["expr"]) <= series().keys() | OF_PROCESSES
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"].keys() == {"summary", "description"}


def test_the_dashboard_asks_for_metrics_that_exist_and_shows_them_all() -> None:
    shown = {
        name
        for panel in dashboard()["panels"]
        for target in panel.get("targets", ())
        for name in asked(target["expr"])
    }
    assert shown <= series().keys() | OF_PROCESSES
    assert {series()[name] for name in shown - OF_PROCESSES} == set(series().values())


def test_the_panels_of_the_dashboard_fit_side_by_side() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_what_promtool_tests_are_these_alerts() -> None:
    """``make test-more`` runs it."""
    tests = yaml.safe_load((MONITORING / "alerts_test.yml").read_text())
    assert tests["rule_files"] == ["alerts.yml"]
    tested = {case["alertname"] for test in tests["tests"] for case in test["alert_rule_test"]}
    assert tested <= {rule["alert"] for rule in rules()}
    assert Path(MONITORING / "prometheus.yml").read_text().count("alerts.yml") == 1
