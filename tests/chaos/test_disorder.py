"""The controls of nodes, and the messages of a broker in disorder."""

import random
from collections import Counter
from pathlib import Path

from tests.chaos.controls import Controls
from tests.chaos.unreliable_layer import Disorder

MESSAGES = 1000


def test_a_broker_in_disorder_loses_repeats_and_reorders() -> None:
    disorder = Disorder(random.Random(7))
    arrived = [each for number in range(MESSAGES) for each in disorder.taken(number)]
    arrived += disorder.left()
    times = Counter(arrived)
    assert 0 < MESSAGES - len(times) < MESSAGES / 2
    assert any(count > 1 for count in times.values())
    assert arrived != sorted(arrived)
    assert disorder.left() == []


def test_a_node_reads_what_the_run_says(tmp_path: Path) -> None:
    run, node = Controls(tmp_path / "controls"), Controls(tmp_path / "controls")
    assert node.get("broker") is None
    run.set("broker", "in disorder")
    run.set("clocks", {"socket-1": 3600.0})
    other = Controls(tmp_path / "controls")
    assert (other.get("broker"), other.get("clocks")) == ("in disorder", {"socket-1": 3600.0})
    run.set("broker", None)
    assert Controls(tmp_path / "controls").get("broker") is None
