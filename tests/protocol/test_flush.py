"""An idle stream is flushed at once; a busy one pauses, as long as no one notices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.flush import MAX_PAUSE_SECONDS, UNNOTICED_SECONDS, FlushPolicy


def test_the_first_flush_starts_at_once() -> None:
    assert FlushPolicy().delay(100.0) == 0.0


@pytest.mark.parametrize(
    ("took", "pause"),
    [
        (0.0001, 0.0005),
        (0.004, 0.02),
        (0.02, UNNOTICED_SECONDS),
        (UNNOTICED_SECONDS, UNNOTICED_SECONDS),
        (0.07, 0.07),
    ],
)
def test_a_room_rests_longer_than_it_works_while_nobody_notices(took: float, pause: float) -> None:
    policy = FlushPolicy()
    policy.flushed(100.0, 100.0 + took)
    assert policy.delay(100.0 + took) == pytest.approx(pause)


def test_the_next_flush_waits_at_least_as_long_as_the_last_one_took() -> None:
    policy = FlushPolicy()
    policy.flushed(100.0, 100.25)
    assert policy.delay(100.25) == 0.25
    assert policy.delay(100.5) == 0.0


def test_nobody_waits_longer_than_a_second() -> None:
    policy = FlushPolicy()
    policy.flushed(100.0, 130.0)
    assert policy.delay(130.0) == MAX_PAUSE_SECONDS


def test_a_clock_that_was_set_back_does_no_harm() -> None:
    policy = FlushPolicy()
    policy.flushed(100.0, 99.0)
    assert policy.delay(99.0) == 0.0


@given(st.lists(st.floats(0.001, MAX_PAUSE_SECONDS), min_size=1))
def test_flushing_takes_at_most_half_of_the_time(durations: list[float]) -> None:
    policy, now = FlushPolicy(), 0.0
    for took in durations:
        now += policy.delay(now)
        policy.flushed(now, now + took)
        now += took
    now += policy.delay(now)
    assert sum(durations) <= now / 2 + 1e-9 * now
