"""Errors say what a person and a program need."""

import pytest

from realtime.protocol import errors
from realtime.protocol.errors import BadRequest, HoldfastError, RateLimited, Reset


def test_an_error_has_a_code_and_words() -> None:
    assert BadRequest("body: expected a string").as_object() == {
        "code": "bad_request",
        "message": "body: expected a string",
    }


def test_values_stand_in_their_places() -> None:
    assert (
        BadRequest("{field}: expected {what}", field="body", what="{text}").message
        == "body: expected {text}"
    )


def test_an_error_speaks_the_language_that_is_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HoldfastError, "translate", {"Wait {seconds} s.": "Warte {seconds} s."}.get)
    error = RateLimited("Wait {seconds} s.", seconds=4)
    assert (error.message, str(error)) == ("Warte 4 s.", "Wait 4 s.")


def test_an_error_without_words_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        HoldfastError, "translate", lambda text: text or "the header of a catalogue"
    )
    assert BadRequest("").message == ""


def test_a_wait_is_given_in_milliseconds() -> None:
    assert RateLimited("Wait.", retry_after=0.12345).as_object()["retry_after"] == 0.124


def test_a_wait_of_zero_is_given_too() -> None:
    assert RateLimited("Try again.", retry_after=0.0).as_object()["retry_after"] == 0.0


def test_a_reset_names_the_head() -> None:
    assert Reset("You are ahead of this history.", head=12).as_object()["data"] == {"head": 12}


def test_a_mistake_of_ours_tells_nothing_of_the_inside() -> None:
    assert errors.failed().as_object() == {
        "code": "unavailable",
        "message": "Something went wrong. Try again in a moment.",
        "retry_after": 5.0,
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("bad_request", 400),
        ("unknown_command", 400),
        ("not_authenticated", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("reset", 409),
        ("not_subscribed", 409),
        ("too_many", 429),
        ("rate_limited", 429),
        ("unavailable", 503),
    ],
)
def test_each_code_of_the_protocol_is_one_error(code: str, status: int) -> None:
    classes = [
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, HoldfastError)
    ]
    assert [found.status for found in classes if found.code == code] == [status]
