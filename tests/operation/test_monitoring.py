"""The alerts and the dashboard ask for metrics that exist, and show all that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from realtime.core.metrics import registry
from tests.chaos.faults import KINDS
from tests.chaos.stage import SENTINELS
from tests.monitoring.expected import ROWS
from tests.monitoring.faults import FAULTS
from tests.monitoring.prometheus import faster_rules
from tests.support.server import ROOT

MONITORING = ROOT / "docs" / "monitoring"
# Prometheus_client's.
OF_PROCESSES = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_start_time_seconds",
}
RUNBOOK = "docs/alerts.md"


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
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def sections() -> dict[str, str]:
    """Return the text of each alert's section in the runbook."""
    parts = re.split(r"^### (\w+)$", (ROOT / RUNBOOK).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_that_exist_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert asked(rule["expr"]) <= series().keys() | OF_PROCESSES
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_its_section_of_the_runbook(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert rule["annotations"]["runbook"] == f"{RUNBOOK}#{name.lower()}"
    text = sections()[name]
    assert text.strip().startswith(f"**{rule['labels']['severity'].capitalize()}.**")
    assert "- Confirm: " in text
    assert "- Do: " in text


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert sections().keys() == {rule["alert"] for rule in rules()}
    assert len(rules()) == len(sections())


def test_the_runbook_speaks_of_metrics_that_exist() -> None:
    families = {name.removesuffix("_total") for name in series().values()}
    named = {name.removesuffix("_total") for name in asked((ROOT / RUNBOOK).read_text())}
    named = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
    assert named <= families | {name.removesuffix("_total") for name in OF_PROCESSES}


def test_every_fault_of_the_chaos_suite_says_which_alerts_it_causes() -> None:
    """``make alerts`` inflicts them, with a real Prometheus."""
    made = {kind.name for kind in KINDS if kind.broker != SENTINELS}  # there are none
    assert {row.fault for row in ROWS} == made | FAULTS.keys()
    named = {name for row in ROWS for name in (*row.fires, *row.allowed)}
    assert named <= {rule["alert"] for rule in rules()}


def test_prometheus_is_told_the_nodes_that_systemd_and_compose_start() -> None:
    jobs = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    watched = {name for each in jobs[0]["static_configs"] for name in each["targets"]}
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    variables = (ROOT / "nginx" / "variables.env").read_text()
    assert watched == {
        name for name, each in services.items() if re.search(r"\bserve\b", str(each.get("command")))
    }
    assert watched == set(re.findall(r"unix:/run/holdfast/([\w-]+)\.sock", variables))


def test_a_test_of_the_alerts_runs_faster_and_else_the_same() -> None:
    faster = {rule["alert"]: rule for rule in faster_rules()["groups"][0]["rules"]}
    assert faster["HoldfastNodeDown"]["for"] == "6000ms"
    assert "[90000ms]" in faster["HoldfastRestarts"]["expr"]


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
    tested = {
        case["alertname"] for test in tests["tests"] for case in test.get("alert_rule_test", ())
    }
    assert tested <= {rule["alert"] for rule in rules()}
    assert Path(MONITORING / "prometheus.yml").read_text().count("alerts.yml") == 1
