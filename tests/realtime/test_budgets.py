"""Tokens of an account: over all sockets, over HTTP, and on all nodes that share a cache."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from realtime.core.bounds import budgets
from realtime.core.bounds.budgets import Budgets
from tests.support.waiting import until


@pytest.fixture
def small(settings: Any) -> None:
    settings.HOLDFAST_COMMAND_RATE, settings.HOLDFAST_COMMAND_BURST = 10, 20
    settings.HOLDFAST_ADDRESS_RATE, settings.HOLDFAST_ADDRESS_BURST = 10, 40


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let two budgets of this process be two nodes with one cache."""
    monkeypatch.setattr(budgets, "is_shared", lambda: True)
    monkeypatch.setattr(budgets, "SETTLE_SECONDS", 0.05)
    yield
    cache.clear()


async def test_an_account_has_one_budget_and_an_address_another(small: None) -> None:
    found = Budgets()
    assert [found.take_of_user(1, 0.0) for _ in range(20)] == [0.0] * 20
    assert found.take_of_user(1, 0.0) > 0
    assert found.take_of_user(2, 0.0) == 0.0
    assert [found.take_of_address("192.0.2.1", 0.0) for _ in range(40)] == [0.0] * 40
    assert found.take_of_address("192.0.2.1", 0.0) > 0


async def test_a_command_dearer_than_the_burst_takes_all_of_it(small: None) -> None:
    found = Budgets()
    assert found.take_of_user(1, 0.0, 500) == 0.0
    assert found.take_of_user(1, 0.0) > 0


async def test_the_longest_idle_are_forgotten(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "MAX_CLIENTS", 2)
    found = Budgets()
    for user in (1, 2, 1, 3):
        found.take_of_user(user, 0.0)
    assert list(found._clients) == ["user:1", "user:3"]


async def test_what_one_node_gave_another_does_not_give_again(small: None, shared: None) -> None:
    here, there = Budgets(), Budgets()
    now = time.monotonic()
    for node in (here, there):
        assert [node.take_of_user(1, now) for _ in range(15)] == [0.0] * 15
    await until(lambda: here._task is None and there._task is None)
    # The node that settled last knows of both.
    waits = [node.take_of_user(1, now) for node in (here, there)]
    assert max(waits) > 0.5


async def test_a_cache_that_is_away_changes_nothing(
    small: None, shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def __getitem__(self, name: str) -> Any:
            raise ConnectionError("no cache")

    monkeypatch.setattr(budgets, "caches", {"default": Away()})
    monkeypatch.setattr(budgets, "AWAY_SECONDS", 0.01)
    found = Budgets()
    now = time.monotonic()
    assert [found.take_of_user(1, now) for _ in range(15)] == [0.0] * 15
    await until(lambda: found._task is None)
    assert found.take_of_user(1, now) == 0.0
    await asyncio.sleep(0)
