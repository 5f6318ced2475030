"""The texts that may be broadcast, and the addresses that may become a link."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.policies import BODY_MAX_LENGTH, Words, is_safe_url, problems_of_words

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def problems(words: Words, *, announced: bool = True) -> list[str]:
    return list(problems_of_words(words, now=NOW, announced=announced))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "http://example.org:8080/a?b=c#d",
        "/",
        "/rooms/general/7/",
        "HTTPS://EXAMPLE.ORG",
    ],
)
def test_a_link_leads_to_the_web_or_to_a_path_here(url: str) -> None:
    assert is_safe_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example/",
        "https://",
        "http://[::1",
        "rooms/general/",
        "ftp://example.org/",
        "https://example.org/\ud800",
        "/" + "x" * 500,
    ],
)
def test_a_link_never_leads_into_a_script_or_astray(url: str) -> None:
    assert not is_safe_url(url)


def test_plain_words_can_be_sent() -> None:
    assert (
        problems(
            Words(
                body="Two lines\nand a\ttab 🎉", title="Title", expires_at=NOW + timedelta(hours=1)
            )
        )
        == []
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (Words(body="\n "), "The text is empty."),
        (
            Words(body="x" * (BODY_MAX_LENGTH + 1)),
            "The text has 3001 characters; expected at most 3000.",
        ),
        (Words(body="x", title="x" * 201), "The title has 201 characters; expected at most 200."),
        (Words(body="x\x00"), "The text holds the character U+0000, which cannot be sent."),
        (Words(body="\ud83d"), "The text holds the character U+D83D, which cannot be sent."),
        (
            Words(body="x", title="two\nlines"),
            "The title holds the character U+000A, which cannot be sent.",
        ),
        (
            Words(body="x", expires_at=NOW),
            "It would have expired at 2026-11-24 10:00 UTC, before it is sent.",
        ),
    ],
)
def test_what_cannot_be_sent_is_explained(words: Words, problem: str) -> None:
    assert problems(words) == [problem]


def test_only_announcements_expire() -> None:
    assert problems(Words(body="x", expires_at=NOW + timedelta(hours=1)), announced=False) == [
        "Only an announcement to everyone can expire."
    ]
