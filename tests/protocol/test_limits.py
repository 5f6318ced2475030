"""A token bucket grants a burst, and then a rate; a count covers the last seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.limits import SlidingCount, TokenBucket


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


def _accepted(tries: list[float], most: int, seconds: float) -> list[float]:
    count, found = SlidingCount(since=tries[0]), []
    for now in tries:
        count.move(now, seconds)
        if count.total(now, seconds) < most:
            count.current += 1
            found.append(now)
    return found


def test_no_border_grants_the_limit_twice() -> None:
    """One try begins the first window, so that all others are at its end."""
    tries = [0.0] + [59.0] * 30 + [60.0] * 30
    assert _accepted(tries, 20, 60) == [0.0] + [59.0] * 19
    assert _accepted([*tries, 62.9], 20, 60)[20:] == []
    assert _accepted([*tries, 63.0], 20, 60)[20:] == [63.0]


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=300).map(sorted),
    st.integers(1, 20),
)
def test_who_waits_as_long_as_said_is_accepted(tries: list[float], most: int) -> None:
    count, seconds = SlidingCount(since=0.0), 30.0
    for now in tries:
        count.move(now, seconds)
        if count.total(now, seconds) < most:
            assert count.wait(now, seconds, most) == 0.0
            count.current += 1
        else:
            wait = count.wait(now, seconds, most)
            assert 0 < wait <= 2 * seconds
            after = SlidingCount(count.since)
            after.current, after.before = count.current, count.before
            after.move(now + wait, seconds)
            assert after.total(now + wait, seconds) < most
