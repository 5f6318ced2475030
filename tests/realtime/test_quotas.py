"""Limits of one account in an hour."""

import time

import pytest

from realtime.core.bounds import quotas
from realtime.protocol.errors import RateLimited


def test_the_fourth_of_three_is_refused_with_the_time_to_wait() -> None:
    for _ in range(3):
        quotas.take("reports", 1, most=3)
    with pytest.raises(RateLimited, match="3 times") as error:
        quotas.take("reports", 1, most=3)
    assert 0 < (error.value.retry_after or 0) <= quotas.HOUR_SECONDS * 4 / 3
    quotas.take("reports", 2, most=3)
    quotas.take("directory", 1, most=3)


def test_a_new_hour_is_not_a_new_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    hour = time.time() // 3600 * 3600
    monkeypatch.setattr(time, "time", lambda: hour + 3599)
    for _ in range(3):
        quotas.take("reports", 1, most=3)
    monkeypatch.setattr(time, "time", lambda: hour + 3601)
    with pytest.raises(RateLimited) as error:
        quotas.take("reports", 1, most=3)
    wait = error.value.retry_after or 0
    assert wait == pytest.approx(1199)  # a third of the hour: then one of the three is over
    monkeypatch.setattr(time, "time", lambda: hour + 3601 + wait)
    quotas.take("reports", 1, most=3)


def test_zero_is_no_limit() -> None:
    for _ in range(10):
        quotas.take("reports", 1, most=0)
