"""Counts that nodes share: without a round trip for what is usual, and without the cache."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.core.cache import cache

from realtime.core.bounds import budgets, shared_counts
from realtime.core.bounds.shared_counts import Count, SharedCounts


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let two counts of this process be two nodes with one cache; the round trips to it."""
    found: list[int] = []
    increased = shared_counts._increased

    def noted(asked: Sequence[Any]) -> list[int]:
        found.append(len(asked))
        return increased(asked)

    monkeypatch.setattr(budgets, "is_shared", lambda: True)
    monkeypatch.setattr(shared_counts, "_increased", noted)
    cache.clear()
    yield found
    cache.clear()


def one(name: str = "posts:7", *, ask_from: int = 3, n: int = 1) -> list[Count]:
    return [Count(name, 60.0, ask_from, n)]


def test_what_is_usual_asks_no_other_node(trips: list[int]) -> None:
    here = SharedCounts()
    assert [here.add(one()) for _ in range(3)] == [[1], [2], [3]]
    assert [here.add_unasked(one(f"posts:{user}")) for user in range(8, 20)] == [True] * 12
    assert trips == []


def test_nodes_add_up_what_is_more(trips: list[int]) -> None:
    here, there = SharedCounts(), SharedCounts()
    for _ in range(5):
        here.add(one())
    assert there.add(one(n=4)) == [9]
    assert here.add(one()) == [10]
    assert there.add(one()) == [11]


def test_two_nodes_let_through_the_limit_and_what_one_does_not_ask_about(trips: list[int]) -> None:
    nodes, most = [SharedCounts(), SharedCounts()], 20
    accepted = sum(nodes[number % 2].add(one(ask_from=5))[0] <= most for number in range(100))
    assert most <= accepted <= most + 5


def test_all_names_of_a_call_take_one_round_trip(trips: list[int]) -> None:
    here = SharedCounts()
    many = [count for user in range(50) for count in one(f"posts:{user}", ask_from=0)]
    assert here.add(many) == [1] * 50
    # Of the same name, each sees those before it.
    assert here.add(one("text", ask_from=0) * 3) == [1, 2, 3]
    assert trips == [50, 1]


def test_what_has_to_be_asked_is_not_counted_without_asking(trips: list[int]) -> None:
    here = SharedCounts()
    assert [here.add_unasked(one()) for _ in range(5)] == [True] * 3 + [False] * 2
    assert here.total("posts:7", 60.0) == 3


def test_a_new_window_begins_at_nothing(trips: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = SharedCounts(), SharedCounts()
    now = time.time()
    assert here.add(one(n=10)) == [10]
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert there.add(one(n=5)) == [5]
    assert here.add(one(n=5)) == [10]
    assert 0 < shared_counts.seconds_left(60.0) <= 60


def test_while_the_cache_is_away_each_node_counts_alone_and_tells_later(
    trips: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def __getitem__(self, name: str) -> Any:
            raise ConnectionError("no cache")

    here, there = SharedCounts(), SharedCounts()
    with monkeypatch.context() as away:
        away.setattr(shared_counts, "caches", Away())
        assert here.add(one(n=5)) == [5]
        assert here.add(one(n=5)) == [10]
        assert len(trips) == 1  # the second one does not wait for it again
    here._away_until = 0.0
    assert here.add(one()) == [11]
    assert there.add(one(n=4)) == [15]


def test_without_a_shared_cache_a_process_never_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "_increased", None)
    here = SharedCounts()
    assert [here.add(one(ask_from=0))[0] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert not here.add_unasked(one(ask_from=5))


def test_the_longest_unused_names_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "MAX_NAMES", 2)
    here = SharedCounts()
    for name in ("a", "b", "a", "c"):
        here.add(one(name))
    assert list(here._names) == ["a", "c"]
