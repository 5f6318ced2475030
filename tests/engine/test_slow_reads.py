"""Which places the reading threads remember as slow; `tests/chat/test_locks.py` has real locks."""

import pytest

from realtime.core import slow_reads
from realtime.core.slow_reads import MANY_PLACES, SlowPlaces


def slow(stream: str) -> str:
    return stream


def test_a_place_is_slow_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    places = SlowPlaces()
    places.note((slow, "room.1"))
    assert places.holds((slow, "room.1"))
    assert not places.holds((slow, "room.2"))
    assert not places.holds((print, "room.1"))
    now += slow_reads.REMEMBERED_SECONDS
    assert not places.holds((slow, "room.1"))


def test_a_function_is_slow_when_many_of_its_places_are() -> None:
    places = SlowPlaces()
    for number in range(MANY_PLACES + 1):
        assert not places.holds((slow, "room.99"))
        places.note((slow, f"room.{number}"))
    assert places.holds((slow, "room.99"))
    assert not places.holds((print, "room.99"))
