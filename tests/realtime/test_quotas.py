"""Limits of one account in an hour."""

from typing import Any

import pytest
from django.core.cache import cache

from realtime.core.bounds import quotas
from realtime.core.bounds.quotas import Quotas
from realtime.protocol.errors import RateLimited


@pytest.fixture
def found() -> Quotas:
    cache.clear()
    return Quotas()


def test_the_fourth_of_three_is_refused_with_the_time_to_wait(found: Quotas) -> None:
    for _ in range(3):
        found.take("reports", 1, most=3)
    with pytest.raises(RateLimited, match="3 times") as error:
        found.take("reports", 1, most=3)
    assert 0 < (error.value.retry_after or 0) <= quotas.HOUR_SECONDS
    found.take("reports", 2, most=3)
    found.take("directory", 1, most=3)


def test_zero_is_no_limit(found: Quotas) -> None:
    for _ in range(10):
        found.take("reports", 1, most=0)


def test_without_the_cache_this_process_counts(
    found: Quotas, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def add(self, *_: Any) -> None:
            raise ConnectionError("no cache")

    monkeypatch.setattr(quotas, "caches", {"default": Away()})
    found.take("reports", 77, most=1)
    with pytest.raises(RateLimited):
        found.take("reports", 77, most=1)
