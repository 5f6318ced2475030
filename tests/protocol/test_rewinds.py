"""The database goes back in time: every client ends with what it holds then."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from realtime.protocol.history import Judgement, KnownHistory, ObservedHistory, Reported
from realtime.protocol.tail import Tail
from tests.protocol.rewinds import RewindingWorld, wander_back
from tests.protocol.test_convergence import Anything, small, small_limits

__all__ = ["small_limits"]

WALKS = 300
WALKS_TO_A_FLAW = 4000  # most are found within two hundred, one after a thousand


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


judge = KnownHistory.judge


def judge_without_reports(
    self: KnownHistory, observed: ObservedHistory, reported: Reported, *, may_be_forgotten: bool
) -> Judgement:
    return judge(self, observed, Reported(), may_be_forgotten=may_be_forgotten)


def judge_without_epochs(
    self: KnownHistory, observed: ObservedHistory, reported: Reported, *, may_be_forgotten: bool
) -> Judgement:
    same = observed._replace(number=self.number, epoch=self.epoch)
    return judge(self, same, reported, may_be_forgotten=may_be_forgotten)


@pytest.mark.parametrize(
    ("owner", "name", "without"),
    [
        (Tail, "differs", lambda self, page, position, known: False),
        (Tail, "known", property(lambda self: self.position)),
        (KnownHistory, "judge", judge_without_reports),
        (KnownHistory, "judge", judge_without_epochs),
        (KnownHistory, "is_other_instance", lambda self, observed: False),
    ],
    ids=["rows", "early changes", "reports", "epochs", "restarts"],
)
@pytest.mark.usefixtures("small_limits")
def test_each_comparison_is_needed(
    owner: type, name: str, without: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, without)
    assert any(wander_back(seed) for seed in range(WALKS_TO_A_FLAW))
