"""Records of benchmarks: a table, JSON for the guard and charts.

Each names the machine, the versions, the date and the commit.
"""

import json
import os
import platform
import subprocess
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench import plot
from tests.bench.cells import CELLS
from tests.bench.run import Result, Spread
from tests.bench.servers import NPM
from tests.support.server import ROOT

DOCS = ROOT / "docs" / "benchmarks"
WORDS = {
    "cpu_us": "µs CPU / {unit}",
    "deliveries": "deliveries/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "missing": "% missing",
    "bytes": "bytes / delivery",
    "frames": "frames / delivery",
    "load": "load generator, cores",
    "broker_us": "µs broker",
    "database_us": "µs database",
    "posts": "posts/s",
    "ack_p50_ms": "ack p50 ms",
    "ack_p99_ms": "ack p99 ms",
    "kib": "KiB each",
    "cpu_percent": "% of a core",
    "per_core": "per second and core",
    "rate": "per second",
}
ABSENT = "not installed"
HIDDEN = {"cpu_us": 0.0}  # where nothing was counted by the unit


def environment() -> dict[str, Any]:
    """Return what the figures depend on."""
    packages = (
        "Django",
        "channels",
        "daphne",
        "autobahn",
        "Twisted",
        "channels_redis",
        "psycopg",
        "msgspec",
        "redis",
    )
    versions: dict[str, str] = {name: version(name) for name in packages}
    versions |= {
        "python": platform.python_version(),
        "node": _said("node", "--version"),
        "redis-server": _said("redis-server", "--version"),
    }
    for name in ("socket.io", "ws"):
        package = NPM / "node_modules" / name / "package.json"
        versions[name] = json.loads(package.read_text())["version"] if package.exists() else ABSENT
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": _said("git", "rev-parse", "--short=12", "HEAD"),
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "memory_gib": round(
                os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1
            ),
            "kernel": platform.release(),
            "load_average": [round(each, 1) for each in os.getloadavg()],
        },
        "versions": versions,
    }


def as_json(results: Sequence[Result], where: Mapping[str, Any], *, quick: bool) -> dict[str, Any]:
    """Return a run as it is stored."""
    return {
        "quick": quick,
        **where,
        "cells": {result.cell.name: _stored(result) for result in results},
    }


def write(directory: Path, run: Mapping[str, Any], results: Sequence[Result]) -> None:
    """Update the cells of this run; each cell keeps the date and load of its own run."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "results.json"
    stored: dict[str, Any] = (
        json.loads(file.read_text()) if file.exists() else {"cells": {}, "quick": False}
    )
    # Contenders that this run does not need may be missing.
    present = {name: number for name, number in run["versions"].items() if number != ABSENT}
    versions = {**run["versions"], **stored.get("versions", {}), **present}
    merged = {**run, "versions": versions, "cells": {**stored["cells"], **run["cells"]}}
    file.write_text(json.dumps(merged, indent=1, ensure_ascii=False) + "\n")
    for result in results:
        picture = plot.bars(result)
        if picture is not None:
            (directory / f"{result.cell.name}.svg").write_text(picture)
    (directory / "results.md").write_text(table(merged))


def table(run: Mapping[str, Any]) -> str:
    """Return the page of a run, from what is stored."""
    machine, versions = run["machine"], run["versions"]
    lines = [
        "# Results",
        "",
        "Written by `make bench`. The [README](README.md) explains what is measured, and how.",
        "",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux "
        f"{machine['kernel']}.",
        *_wrapped(f"{', '.join(f'{name} {number}' for name, number in versions.items())}."),
        *_wrapped(
            "Figures are medians, with the minimum and maximum of all runs. "
            "Clients, servers, database and broker share the machine."
        ),
        "",
    ]
    for name in [name for name in CELLS if name in run["cells"]]:
        lines += _section(name, run["cells"][name])
    return "\n".join(lines)


def printed(result: Result) -> str:
    """Return a cell for the terminal."""
    return "\n".join(_section(result.cell.name, _stored(result)))


def _stored(result: Result) -> dict[str, Any]:
    cell = result.cell
    return {
        "work": cell.work,
        "unit": cell.unit,
        "runs": result.runs,
        "seconds": round(result.seconds),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": _said("git", "rev-parse", "--short=12", "HEAD"),
        "load_average": [round(each, 1) for each in os.getloadavg()],
        "load_generator_was_the_bottleneck": result.bottleneck,
        "figures": {
            name: {key: asdict(spread) for key, spread in some.items()}
            for name, some in result.figures.items()
        },
        "notes": {name: each.note for name, each in cell.contenders.items() if each.note},
        "failures": result.failures,
        "bars": [{"words": bar.words, "reached": result.verdict(bar)} for bar in cell.bars],
    }


def _section(name: str, cell: Mapping[str, Any]) -> list[str]:
    figures: Mapping[str, Mapping[str, Any]] = cell["figures"]
    keys = list(
        dict.fromkeys(key for some in figures.values() for key in some if _shown(key, figures))
    )
    names = list(figures)
    lines = [f"## {name}", "", *_wrapped(f"{cell['work'][0].upper()}{cell['work'][1:]}."), ""]
    lines += [f"| | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for key in keys:
        words = WORDS.get(key, key.replace("_", " ")).format(unit=cell["unit"])
        lines.append(
            f"| {words} | {' | '.join(_figure(figures[each].get(key)) for each in names)} |"
        )
    lines += [
        "",
        *(f"- {each}: {words}." for each, words in {**cell["notes"], **cell["failures"]}.items()),
    ]
    for bar in cell["bars"]:
        lines.append(
            f"- {bar['words']}: "
            f"**{ {True: 'reached', False: 'missed', None: 'not judged'}[bar['reached']] }**"
        )
    if cell["load_generator_was_the_bottleneck"]:
        lines.append(
            "- The load generator used more than 85 % of a core: it may be what limits the figures."
        )
    load = ", ".join(str(each) for each in cell["load_average"])
    lines += [
        f"- {cell['runs']} runs, {cell['date']}, commit {cell['commit']}, load average at the end "
        f"{load}.",
        "",
    ]
    return lines


def _wrapped(text: str) -> list[str]:
    """Return a paragraph in lines of the documents' width."""
    return textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def _shown(key: str, figures: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(key in some and some[key]["median"] != HIDDEN.get(key) for some in figures.values())


def _figure(spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return ""
    found = Spread(**spread)
    if found.least == found.most:
        return _number(found.median)
    return f"{_number(found.median)} ({_number(found.least)}–{_number(found.most)})"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    except FileNotFoundError:
        return ABSENT
    return (
        done.stdout.strip().partition(" sha=")[0].removeprefix("Redis server ").removeprefix("v=")
    )
