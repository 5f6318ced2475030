"""A slow machine widens the bounds of time, and excuses nothing else."""

import asyncio
import math

from tests.chaos.bounds import LOADED
from tests.chaos.checker import judge
from tests.chaos.history import Client, Fault, History, Post, Receipt, Row, Slowness
from tests.chaos.report import report
from tests.chaos.slowness import OWN, TOO_SLOW, Slow, measured

HALL, ALICE = 1, 11


def late_by(seconds: float, *, ratio: float) -> History:
    """A message that a client received late, on a machine of this slowness."""
    client = Client("alice", ALICE)
    post = Post("key", HALL, ALICE, 100.0, ident=1, number=1, seq=1, acked=100.0)
    client.receipts.append(Receipt(100.0 + seconds, HALL, 0, 1, 1, 1, ALICE, "key"))
    client.finals[HALL] = {1: Row(1, 1, "key")}
    return History(
        posts={"key": post},
        clients=[client],
        stored={HALL: {1: Row(1, 1, "key")}},
        slowness=[Slowness(float(at), ratio) for at in range(95, 130)],
    )


def test_a_message_is_late_on_a_machine_of_our_own() -> None:
    assert judge(late_by(LOADED + 0.5, ratio=1.0)).count("late") == 1
    assert judge(late_by(LOADED + 0.5, ratio=OWN)).count("late") == 1


def test_the_bound_is_wider_by_as_much_as_the_machine_is_slower() -> None:
    assert judge(late_by(LOADED + 0.5, ratio=2 * OWN)).words() == []
    assert judge(late_by(2 * LOADED + 0.5, ratio=2 * OWN)).count("late") == 1


def test_a_machine_that_is_too_slow_judges_no_time_and_says_so() -> None:
    history = late_by(1000.0, ratio=2 * TOO_SLOW)
    verdict = judge(history)
    assert verdict.good
    assert verdict.too_slow
    assert "TOO SLOW to judge times" in report(history, verdict, {})


def test_a_slow_machine_excuses_no_loss() -> None:
    history = late_by(1.0, ratio=2 * TOO_SLOW)
    history.clients[0].finals[HALL] = {}
    assert judge(history).count("lost") == 1


def test_slowness_somewhere_else_widens_nothing() -> None:
    slow = Slow([Slowness(float(at), 10 * OWN) for at in range(50)])
    assert slow.factor(20.0) == 10
    assert slow.factor(90.0) == 1
    assert not slow.hides(90.0)


def test_a_fault_that_lasts_too_long_on_a_slow_machine_is_excused() -> None:
    history = late_by(1.0, ratio=2 * TOO_SLOW)
    history.faults.append(Fault("kill a node", 100.0, 104.0, level_after=math.inf))
    assert judge(history).good


async def test_the_machine_is_measured() -> None:
    samples: list[Slowness] = []
    async with measured(samples):
        async with asyncio.timeout(60):
            while len(samples) < 5:  # noqa: ASYNC110  another process measures
                await asyncio.sleep(0.05)
    assert all(sample.ratio > 0.9 for sample in samples)
    assert [sample.at for sample in samples] == sorted(sample.at for sample in samples)
