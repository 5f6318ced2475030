"""Counts that nodes share: without a round trip for what is usual, and without the cache."""

import time
from collections.abc import Callable, Iterator, Sequence
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
    assert trips == [100, 1 + 1]  # of each, this window and the one before


def test_what_has_to_be_asked_is_not_counted_without_asking(trips: list[int]) -> None:
    here = SharedCounts()
    assert [here.add_unasked(one()) for _ in range(5)] == [True] * 3 + [False] * 2
    assert here.total("posts:7", 60.0) == 3


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock to so many seconds after the beginning of a window."""
    begin = time.time() // 60 * 60
    return lambda seconds: monkeypatch.setattr(time, "time", lambda: begin + seconds)


def test_the_last_seconds_count_whatever_window_they_are_in(
    trips: list[int], at: Callable[[float], None]
) -> None:
    here, there = SharedCounts(), SharedCounts()
    at(59.9)
    assert here.add(one(n=20)) == [20]
    at(60.1)
    assert there.add(one(n=5)) == [25]  # one round trip for both windows
    assert len(trips) == 2
    at(90)
    assert here.add(one()) == [16]  # half of the twenty, the five, and this one
    assert there.add(one()) == [17]
    assert len(trips) == 4
    at(120)
    assert there.add(one()) == [8]
    at(240)
    assert there.add(one()) == [1]


@pytest.mark.parametrize("borders", [1, 3])
def test_a_border_lets_nobody_have_twice_the_limit(
    trips: list[int], at: Callable[[float], None], borders: int
) -> None:
    nodes, most = [SharedCounts(), SharedCounts()], 20
    accepted: list[float] = []
    for tenth in range(550, 600 * (borders + 1)):
        at(tenth / 10)
        count = one(ask_from=5)
        if nodes[tenth % 2].add(count)[0] <= most:
            accepted.append(tenth / 10)
        else:
            nodes[tenth % 2].give_back(count)
    at_border = [second for second in accepted if second < 62]
    assert most <= len(at_border) <= most + 5 + 1
    # Afterwards about the limit in each window, though each was tried six hundred times.
    assert len(accepted) <= (most + 5) * (borders + 1)
    assert len(accepted) >= most * (borders + 1) - 5


def test_what_was_refused_counts_no_longer_and_says_when_to_try_again(
    trips: list[int], at: Callable[[float], None]
) -> None:
    here, (count,) = SharedCounts(), one()
    at(59)
    assert here.add([count] * 20)[-1] == 20
    for _ in range(50):  # tries that do not wait
        assert here.add([count]) == [21]
        here.give_back([count])
    assert here.wait(count, most=20) == pytest.approx(1 + 3)
    at(61)
    assert here.add([count])[0] > 20
    here.give_back([count])
    assert here.wait(count, most=20) == pytest.approx(2)
    at(63)
    assert here.wait(count, most=20) == pytest.approx(0)
    assert here.add([count]) == [20]
    assert SharedCounts().add(one(n=0, ask_from=-1)) == [20]


def test_what_is_given_back_after_a_border_is_missing_nowhere_else(
    trips: list[int], at: Callable[[float], None]
) -> None:
    here, (count,) = SharedCounts(), one()
    at(59)
    here.add([count])
    at(61)
    here.give_back([count])
    assert here.add([count]) == [1]


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


def test_a_window_that_the_cache_did_not_tell_of_is_asked_for_again(
    trips: list[int], at: Callable[[float], None]
) -> None:
    here, there = SharedCounts(), SharedCounts()
    at(59.9)
    there.add(one(n=10))
    at(60)
    here._away_until = float("inf")
    assert here.add(one(n=5)) == [5]
    here._away_until = 0.0
    assert here.add(one()) == [16]


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
