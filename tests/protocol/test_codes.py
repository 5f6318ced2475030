"""A close code says why, and whether to come back."""

import pytest

from realtime.protocol.codes import CloseCode

CLOSE_FRAME_MAX_REASON = 123  # bytes; RFC 6455 §5.5 allows 125 with the code


@pytest.mark.parametrize("code", CloseCode)
def test_the_reason_is_words_that_fit_into_a_close_frame(code: CloseCode) -> None:
    assert " " in code.reason
    assert len(code.reason.encode()) <= CLOSE_FRAME_MAX_REASON


@pytest.mark.parametrize("code", [1009, 1012, 1013, 4001, 4002, 4003])
def test_alice_comes_back_by_herself(code: int) -> None:
    assert CloseCode(code).reconnect


@pytest.mark.parametrize("code", [4500, 4501, 4502, 4503, 4504])
def test_alice_stops_and_is_told_why(code: int) -> None:
    assert not CloseCode(code).reconnect


def test_no_other_codes_are_used() -> None:
    assert sorted(CloseCode) == [1009, 1012, 1013, 4001, 4002, 4003, 4500, 4501, 4502, 4503, 4504]
