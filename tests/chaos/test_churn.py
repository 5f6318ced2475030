"""Churn is judged: flat memory is good; growth, and a run that is too short, are not."""

from tests.chaos.churn import FLAT_BYTES, Outcome, words

MIB = 2**20


def held(start: int, per_second: float, seconds: int = 600) -> Outcome:
    samples = [(float(at), round(start + at * per_second)) for at in range(0, seconds, 2)]
    return Outcome(sockets=1, memory={"socket-1": samples})


def test_flat_memory_is_good() -> None:
    outcome = held(100 * MIB, 0)
    assert outcome.growth("socket-1") == 0
    assert outcome.good
    assert "Good: no memory was left behind." in words(outcome, {})


def test_growth_is_found() -> None:
    outcome = held(100 * MIB, 2 * FLAT_BYTES / 500)
    assert not outcome.good
    assert "NOT GOOD" in words(outcome, {})


def test_warming_up_is_no_growth() -> None:
    outcome = held(100 * MIB, 0)
    outcome.memory["socket-1"][:30] = [(at, 50 * MIB) for at, _ in outcome.memory["socket-1"][:30]]
    assert outcome.good


def test_a_short_run_proves_nothing() -> None:
    outcome = held(100 * MIB, 0, seconds=50)
    assert outcome.growth("socket-1") is None
    assert not outcome.good
