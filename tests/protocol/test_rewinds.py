"""The database goes back in time: every client ends with what it holds then."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from realtime.protocol.history import KnownHistory
from realtime.protocol.tail import Tail
from tests.protocol.rewinds import RewindingWorld, wander_back
from tests.protocol.test_convergence import Anything, small, small_limits

__all__ = ["small_limits"]

WALKS = 500
WALKS_TO_A_FLAW = 2000


class AnythingWithRewinds(Anything):
    """Any order of the same things, with reports and older databases in between."""

    world: RewindingWorld

    def __init__(self) -> None:
        super().__init__()
        self.world = RewindingWorld()

    @rule(place=small)
    def report(self, place: int) -> None:
        self.world.report(place)

    @rule(place=st.integers(0, 40), restarted=st.booleans())
    def go_back(self, place: int, restarted: bool) -> None:
        self.world.go_back(place, restarted=restarted)

    def teardown(self) -> None:
        assert self.world.come_to_rest() == []


TestRewinds = pytest.mark.usefixtures("small_limits")(AnythingWithRewinds.TestCase)
TestRewinds.settings = settings(stateful_step_count=80)


@pytest.mark.usefixtures("small_limits")
def test_three_clients_on_two_nodes_converge_after_every_rewind() -> None:
    assert [seed for seed in range(WALKS) if wander_back(seed)] == []


@pytest.mark.parametrize(
    ("owner", "name", "without"),
    [
        (Tail, "_misses", lambda self, event, known: False),
        (Tail, "_is_ahead_of", lambda self, event, known: False),
        (Tail, "_holds_more_than", lambda self, page, known: False),
        (KnownHistory, "is_other_instance", lambda self, observed: False),
    ],
    ids=["rows that are missed", "older rows", "rows in memory alone", "restarts"],
)
@pytest.mark.usefixtures("small_limits")
def test_each_comparison_is_needed(
    owner: type, name: str, without: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, without)
    assert any(wander_back(seed) for seed in range(WALKS_TO_A_FLAW))
