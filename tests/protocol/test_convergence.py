"""Everyone ends with the state of the database, whatever happens; each rule is needed."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from realtime.protocol import tail
from tests.protocol.database import PAGE, TABLES
from tests.protocol.flaws import FLAWS, Flaw
from tests.protocol.walk import wander
from tests.protocol.world import IDENTS, World

WALKS = 600
WALKS_TO_A_FLAW = 3000  # a broken rule is found within so many, most within ten

small = st.integers(0, 11)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "EARLY_MAX_EVENTS", 3)
    monkeypatch.setattr(tail, "PAGE_MAX_EVENTS", PAGE)


class Anything(RuleBasedStateMachine):
    """Any order of commits, broker messages, reads, flushes, slow sockets, cuts and resumes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(
        table=st.sampled_from(TABLES),
        ident=st.integers(0, IDENTS - 1),
        delete=st.booleans(),
        copies=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    )
    def change(self, table: str, ident: int, delete: bool, copies: tuple[int, int]) -> None:
        self.world.change(table, ident, delete=delete, copies=copies)

    @rule(ident=st.integers(0, IDENTS - 1), copies=st.tuples(st.integers(0, 2), st.integers(0, 2)))
    def remove(self, ident: int, copies: tuple[int, int]) -> None:
        self.world.remove(ident, copies=copies)

    @rule(place=small)
    def deliver(self, place: int) -> None:
        self.world.deliver(place)

    @rule(place=small)
    def read(self, place: int) -> None:
        self.world.read(place)

    @rule(place=small)
    def repair(self, place: int) -> None:
        self.world.repair(place)

    @rule(place=small)
    def check_head(self, place: int) -> None:
        self.world.check_head(place)

    @rule(place=small, took=st.floats(0, 0.5))
    def flush(self, place: int, took: float) -> None:
        self.world.flush(place, took=took)

    @rule(place=small)
    def send_command(self, place: int) -> None:
        self.world.send_command(place)

    @rule(place=small)
    def read_frame(self, place: int) -> None:
        self.world.read_frame(place)

    @rule(place=small, node=small)
    def cut_or_connect(self, place: int, node: int) -> None:
        self.world.cut_or_connect(place, node)

    @rule(place=small)
    def load_snapshot(self, place: int) -> None:
        self.world.load_snapshot(place)

    @invariant()
    def nobody_was_sent_what_they_should_not_be(self) -> None:
        assert self.world.complaints == []

    def teardown(self) -> None:
        assert self.world.come_to_rest() == []


TestAnything = pytest.mark.usefixtures("small_limits")(Anything.TestCase)
TestAnything.settings = settings(stateful_step_count=80)


def test_three_clients_on_two_nodes_converge_on_every_walk() -> None:
    assert [seed for seed in range(WALKS) if wander(seed)] == []


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.__name__)
def test_a_client_that_falls_is_reported(flaw: Flaw, monkeypatch: pytest.MonkeyPatch) -> None:
    flaw(monkeypatch)
    assert any(wander(seed) for seed in range(WALKS_TO_A_FLAW))
