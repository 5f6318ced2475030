"""A close code has a reason and says whether to reconnect."""

import pytest

from realtime.protocol.codes import CloseCode

CLOSE_FRAME_MAX_REASON = 123  # bytes; RFC 6455 §5.5 allows 125 with the code


@pytest.mark.parametrize("code", CloseCode)
def test_the_reason_is_words_that_fit_into_a_close_frame(code: CloseCode) -> None:
    assert " " in code.reason
    assert len(code.reason.encode()) <= CLOSE_FRAME_MAX_REASON


def test_final_codes_start_at_4500() -> None:
    """Clients reconnect below 4500 and stop from there on (docs/protocol.md)."""
    assert [code for code in CloseCode if code >= 4500] == [
        CloseCode.BAD_FRAME,
        CloseCode.NOT_AUTHENTICATED,
        CloseCode.SESSION_ENDED,
        CloseCode.BANNED,
        CloseCode.TOO_MANY_CONNECTIONS,
    ]


def test_no_other_codes_are_used() -> None:
    assert sorted(CloseCode) == [1009, 1012, 1013, 4001, 4002, 4003, 4500, 4501, 4502, 4503, 4504]
