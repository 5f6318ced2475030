"""A real Prometheus with the shipped configuration and rules, in a time that runs faster.

All durations of both are divided by ``SCALE``: what takes a minute in production takes six seconds
here. ``for`` is at most ``LONGEST_FOR_SECONDS``, because an hour would still be six minutes. It is
longer than the rules' ``for: 6m`` in the faster time: those outlast a range of five minutes, so
that one burst of errors does not alert.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.programs import Program
from tests.support.server import ROOT, free_port, passed_on

SHIPPED = ROOT / "docs" / "monitoring"
SCALE = 10
LONGEST_FOR_SECONDS = 40
SHIPPED_INTERNAL = "127.0.0.1:9145"  # NGINX_INTERNAL of nginx/variables.env
UNITS = {"s": 1, "m": 60, "h": 3600}
RANGE = re.compile(r"\[(\d+)([smh])\]")


@dataclass(frozen=True)
class Alert:
    """An alert that is pending or firing."""

    name: str
    severity: str
    instance: str
    firing: bool


class Prometheus:
    """One server, from ``start`` to ``stop``."""

    def __init__(self, directory: Path, *, internal_port: int, nodes: list[str]) -> None:
        self._directory = directory
        self._address = f"127.0.0.1:{free_port()}"
        directory.mkdir(parents=True)
        (directory / "prometheus.yml").write_text(
            yaml.safe_dump(faster_configuration(f"127.0.0.1:{internal_port}", nodes))
        )
        (directory / "alerts.yml").write_text(yaml.safe_dump(faster_rules()))
        self._http = httpx.AsyncClient(base_url=f"http://{self._address}", timeout=10)
        self._program = Program(
            "prometheus",
            [
                _binary(),
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={self._address}",
                "--log.level=warn",
            ],
            cwd=directory,
            env=passed_on(),
            log_file=directory / "prometheus.log",
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._program.start(self._answers)

    async def stop(self) -> None:
        """Stop, and close the client."""
        await self._http.aclose()
        if self._program.running:
            self._program.stop()

    async def alerts(self) -> list[Alert]:
        """Return the alerts that are pending or firing now."""
        answer = (await self._http.get("/api/v1/alerts")).raise_for_status().json()
        return [
            Alert(
                each["labels"]["alertname"],
                each["labels"]["severity"],
                each["labels"].get("instance", ""),
                each["state"] == "firing",
            )
            for each in answer["data"]["alerts"]
        ]

    async def value(self, query: str) -> float:
        """Return the sum over the series of a query."""
        answer = await self._http.get("/api/v1/query", params={"query": query})
        found = answer.raise_for_status().json()["data"]["result"]
        return sum(float(each["value"][1]) for each in found)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://{self._address}/-/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def faster_configuration(internal: str, nodes: list[str]) -> dict[str, Any]:
    """Return the shipped configuration for the nodes of a test."""
    text = (SHIPPED / "prometheus.yml").read_text()
    assert SHIPPED_INTERNAL in text
    found: dict[str, Any] = yaml.safe_load(text.replace(SHIPPED_INTERNAL, internal))
    for name in ("scrape_interval", "evaluation_interval"):
        found["global"][name] = _faster(found["global"][name])
    found["scrape_configs"][0]["static_configs"] = [{"targets": nodes}]
    return found


def faster_rules() -> dict[str, Any]:
    """Return the shipped rules with shorter times."""
    found: dict[str, Any] = yaml.safe_load((SHIPPED / "alerts.yml").read_text())
    for rule in rules(found):
        rule["expr"] = RANGE.sub(lambda each: f"[{_faster(each[1] + each[2])}]", rule["expr"])
        if "for" in rule:
            rule["for"] = _faster(rule["for"], at_most=LONGEST_FOR_SECONDS)
    return found


def rules(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rules of all groups."""
    return [rule for group in found["groups"] for rule in group["rules"]]


def _faster(duration: str, at_most: float = float("inf")) -> str:
    seconds = min(float(duration[:-1]) * UNITS[duration[-1]] / SCALE, at_most)
    return f"{round(seconds * 1000)}ms"


def _binary() -> str:
    found = shutil.which("prometheus")
    if found is None:
        raise RuntimeError("prometheus is not installed: `make alerts` installs it with apt.")
    return found
