"""A token bucket grants a burst, and then a rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.limits import TokenBucket


def test_a_burst_is_granted_at_once() -> None:
    bucket = TokenBucket(rate=2, burst=3, now=100.0)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(100.0) == pytest.approx(0.5)


def test_what_is_refused_takes_nothing() -> None:
    bucket = TokenBucket(rate=2, burst=1, now=100.0)
    bucket.take(100.0)
    assert bucket.take(100.1) == pytest.approx(0.4)
    assert bucket.take(100.2) == pytest.approx(0.3)
    assert bucket.take(100.5) == 0.0


def test_no_more_than_a_burst_is_saved_up() -> None:
    bucket = TokenBucket(rate=2, burst=3, now=100.0)
    assert [bucket.take(900.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(900.0) > 0


def test_a_heavy_command_takes_several() -> None:
    bucket = TokenBucket(rate=2, burst=5, now=100.0)
    assert bucket.take(100.0, 4) == 0.0
    assert bucket.take(100.0, 3) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at most 5"):
        bucket.take(100.0, 6)


@pytest.mark.parametrize(("rate", "burst"), [(0, 5), (-1, 5), (5, 0)])
def test_a_bucket_without_tokens_is_a_mistake(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="expected a rate"):
        TokenBucket(rate, burst, 0.0)


@given(st.floats(0.01, 1e4), st.integers(1, 1000), st.lists(st.floats(0, 10), max_size=50))
def test_a_client_that_waits_as_long_as_asked_is_granted(
    rate: float, burst: int, pauses: list[float]
) -> None:
    now, granted = 1e6, 0
    bucket = TokenBucket(rate, burst, now)
    for pause in pauses:
        now += pause
        wait = bucket.take(now)
        if wait:
            now += wait
            assert bucket.take(now) == 0.0
        granted += 1
    assert granted <= burst + (now - 1e6) * rate + 1e-3


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5)), max_size=100))
def test_no_more_than_the_burst_and_the_rate_is_granted(takes: list[tuple[float, int]]) -> None:
    bucket, now, granted = TokenBucket(rate=3, burst=5, now=0.0), 0.0, 0
    for pause, count in takes:
        now += pause
        granted += count if bucket.take(now, count) == 0.0 else 0
    assert granted <= 5 + now * 3 + 1e-6


def test_what_was_used_elsewhere_is_owed_up_to_one_burst() -> None:
    bucket = TokenBucket(10, 20, 0.0)
    bucket.charge(0.0, 25)
    assert bucket.take(0.0) == pytest.approx(0.6)
    bucket.charge(0.0, 1000)
    assert bucket.take(0.0) == pytest.approx(2.1)
    assert bucket.take(2.2) == 0.0
