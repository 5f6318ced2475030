"""Every fault of the failure table once, and some in pairs, while people talk.

No message is lost, and all clients are level in time.

The long form is ``make chaos SEED=7 MINUTES=10``.
"""

import warnings
from pathlib import Path

import pytest

from tests.chaos.faults import KINDS, compatible
from tests.chaos.run import Plan, run
from tests.chaos.stage import PLAIN, SENTINELS

SEED = 20261124
GUESTS = 50
SECONDS = 1200  # it takes 150 alone on two cores; others may share them


@pytest.mark.timeout(SECONDS)
async def test_nobody_loses_anything_whatever_dies(tmp_path: Path) -> None:
    said: list[str] = []
    result = await run(Plan(SEED, GUESTS), tmp_path / "of chaos", said.append)
    assert result.verdict.good, "\n".join([*said, "", result.text])
    if result.verdict.too_slow:
        warnings.warn(f"times were not judged:\n{result.text}", stacklevel=1)
    assert result.verdict.acknowledged > GUESTS
    assert {fault.name for fault in result.history.faults} >= {
        kind.name for kind in Plan(SEED, GUESTS).kinds
    }


def test_pairs_are_of_things_that_can_happen_together() -> None:
    kinds = {kind.name: kind for kind in KINDS}
    assert compatible(kinds["kill -9 a socket node"], kinds["pause a socket node"])
    assert compatible(kinds["restart PostgreSQL"], kinds["stop Redis"])
    assert not compatible(kinds["kill -9 a socket node"], kinds["SIGTERM each node in turn"])
    assert compatible(kinds["SIGTERM each node in turn"], kinds["restart PostgreSQL"])
    assert not compatible(kinds["restart PostgreSQL"], kinds["SIGTERM each node in turn"])
    assert not compatible(kinds["freeze Redis"], kinds["stop Redis"])
    assert not any(compatible(kind, kind) for kind in KINDS)
    lagging = kinds["promote a standby that lags"]
    assert compatible(lagging, kinds["kill -9 a socket node"])
    assert not compatible(lagging, kinds["die between commit and publication"])
    assert not compatible(lagging, kinds["restart PostgreSQL"])


def test_the_long_form_makes_every_kind_and_the_short_one_needs_no_root() -> None:
    plans = [Plan(SEED, GUESTS, seconds=1, broker=broker) for broker in (PLAIN, SENTINELS)]
    assert {kind.name for plan in plans for kind in plan.kinds} == {kind.name for kind in KINDS}
    assert Plan(SEED, GUESTS, seconds=1).large
    assert not Plan(SEED, GUESTS).large
