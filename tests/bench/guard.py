"""The regression guard: the cost of a unit of work, as a ratio to stock Channels in one run.

The ratio takes the machine out: a slower one slows both. It is compared with the last recorded run
on the same kind of machine.
"""

import json
from collections.abc import Mapping
from typing import Any

from tests.bench.record import DOCS

BASE = "fanout-500"  # where stock Channels is measured in every run
TOLERANCE = 0.25  # of the ratio; two runs on a quiet machine differ by a tenth


def compare(run: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return what moved in words, and whether nothing got worse."""
    file = DOCS / "results.json"
    if not file.exists():
        return ["There is no recorded run to compare with: make bench."], True
    recorded = json.loads(file.read_text())
    words, good = [], True
    if _kind(recorded) != _kind(run):
        words.append(
            f"The recorded run is of another kind of machine ({_kind(recorded)}, this is "
            f"{_kind(run)}): take it as a hint."
        )
    before, now = _ratios(recorded), _ratios(run)
    for name in now.keys() & before.keys():
        change = now[name] / before[name] - 1
        worse = change > TOLERANCE
        good &= not worse
        verdict = "WORSE" if worse else "better" if change < -TOLERANCE else "as it was"
        words.append(
            f"{name:24} {before[name]:.4f} → {now[name]:.4f} of a delivery of stock Channels "
            f"({change:+.0%}): {verdict}"
        )
    return sorted(words), good


def _kind(run: Mapping[str, Any]) -> str:
    machine = run["machine"]
    return f"{machine['cpu']}, {machine['cores']} cores"


def _ratios(run: Mapping[str, Any]) -> dict[str, float]:
    """Return the cost of Holdfast in each cell, by that of a delivery of stock Channels."""
    cells = run["cells"]
    base = _cost(cells.get(BASE, {}), "stock-channels")
    if not base:
        return {}
    return {name: cost / base for name, cell in cells.items() if (cost := _cost(cell, "holdfast"))}


def _cost(cell: Mapping[str, Any], contender: str) -> float:
    return float(cell.get("figures", {}).get(contender, {}).get("cpu_us", {}).get("median", 0.0))
