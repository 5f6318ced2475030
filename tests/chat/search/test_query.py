"""Search: words and filters of a query, and the order of results."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from chat.models import Message, Room
from chat.queries.search import index
from chat.queries.search.query import parse
from realtime.protocol.errors import BadRequest
from tests.chat.conftest import Say
from tests.chat.search.conftest import Look

pytestmark = pytest.mark.django_db(transaction=True)


# -- words -----------------------------------------------------------------------------------------


def test_all_words_are_in_what_is_found_newest_first(
    general: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    for text in ("The harbour at night", "A night at sea", "Night falls on the Harbour"):
        say(alice, general, text)
    assert look(bob, "night harbour ") == ["Night falls on the Harbour", "The harbour at night"]


def test_the_last_word_may_be_the_beginning_of_one(
    general: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    say(alice, general, "The harbour is closed")
    assert look(bob, "harb") == ["The harbour is closed"]
    assert look(bob, "harb closed ") == [], "only the word that is being typed"
    assert look(bob, "harb ") == []
    assert look(bob, "ha") == [], "too short to be a beginning"


def test_a_phrase_matches_as_it_was_typed(
    general: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    say(alice, general, "high tide at six")
    say(alice, general, "the tide is high")
    assert look(bob, '"high tide"') == ["high tide at six"]
    assert look(bob, '"high ti"') == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "see https://example.org/path/page.html?x=1",
            ["example", "https://example.org/path", "page.html", "path"],
        ),
        ("the well-known main.py of <b>us</b>", ["known", "well-known", "main.py", "main", "us"]),
        (
            "write to bob@example.org or foo_bar",
            ["bob@example.org", "bob", "foo_bar", "foo", "bar"],
        ),
        ("Größe ÄRGER über Ελλάδα", ["größe", "ärger", "ÜBER", "ελλάδα"]),
        ("it costs 12.50 or -7", ["12.50", "7", "50"]),
        ("O'Brien wrote \"don't\"", ["o'brien", "don't", "brien"]),
    ],
)
def test_words_are_found_however_they_are_joined(
    general: Room, alice: User, say: Say, look: Look, text: str, words: list[str]
) -> None:
    say(alice, general, text)
    assert [word for word in words if look(alice, f"{word} ") != [text]] == []


@pytest.mark.parametrize(
    "q",
    [
        '"',
        '""',
        "((",
        "a AND",
        "NOT",
        "marks:r1",
        "body:x",
        "*",
        "'",
        "' | 'x",
        "x:*",
        "^a",
        "& | !",
        "²",
        "%",
        "{body}:x",
    ],
)
def test_no_question_is_a_command_to_the_index(
    general: Room, alice: User, say: Say, look: Look, q: str
) -> None:
    say(alice, general, "Something else")
    query = parse(q)
    assert not query or index.find(alice.pk, query).messages == []


def test_nobody_types_a_mark(
    general: Room, secret: Room, alice: User, charlie: User, say: Say, look: Look
) -> None:
    say(alice, general, f"r{general.pk} a{alice.pk} public #{general.pk} @{alice.pk} +public +link")
    say(alice, general, "Plain")
    assert len(look(charlie, "from:alice")) == 2
    assert look(charlie, f"r{secret.pk} ") == []
    assert look(charlie, "has:link") == []


# -- filters ---------------------------------------------------------------------------------------


def test_people_rooms_and_links_narrow(
    general: Room, secret: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    say(alice, general, "Tide table: https://tides.example")
    say(bob, general, "Thanks for the tide table")
    say(bob, secret, "The tide is ours")
    assert look(bob, "tide from:alice ") == ["Tide table: https://tides.example"]
    assert look(bob, "tide from:me in:general") == ["Thanks for the tide table"]
    assert look(bob, "IN:#secret") == ["The tide is ours"]
    assert look(bob, "has:link") == ["Tide table: https://tides.example"]
    assert look(bob, "from:alice from:@Bob tide in:general") == [
        "Thanks for the tide table",
        "Tide table: https://tides.example",
    ]


def test_a_conversation_of_two_is_named_by_the_other(
    direct: Room, general: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    say(bob, direct, "Between us")
    say(bob, general, "Between all of us")
    assert look(alice, "between in:@bob") == ["Between us"]


def test_days_are_those_of_the_reader(
    general: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    for day in (1, 2, 3):
        message = say(alice, general, f"Log of day {day}")
        Message.objects.filter(pk=message.pk).update(
            created_at=datetime(2026, 1, day, 12, tzinfo=UTC)
        )
    assert look(bob, "log before:2026-01-03") == ["Log of day 2", "Log of day 1"]
    assert look(bob, "log after:2026-01-02") == ["Log of day 3", "Log of day 2"]
    assert look(bob, "after:2026-01-02 before:2026-01-03") == ["Log of day 2"]
    assert look(bob, "log after:2030-01-01") == look(bob, "log before:2020-01-01") == []


@pytest.mark.parametrize(
    ("q", "field"),
    [
        ("before:yesterday", "before:"),
        ("after:2026-02-30", "after:"),
        ("after:20260101", "after:"),
        ("from:nobody", "from:"),
        ("in:nowhere", "in:"),
        ("x" * 201, "q:"),
        ("a\0b", "q:"),
        (" ".join("abcdefghijklm"), "q:"),
    ],
)
def test_what_cannot_be_is_answered_with_its_field(
    general: Room, alice: User, q: str, field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        index.find(alice.pk, parse(q))
    assert refused.value.message.startswith(field)


def test_what_is_no_operator_is_a_word(general: Room, alice: User, say: Say, look: Look) -> None:
    say(alice, general, "The colour:red and has:wings")
    assert look(alice, "colour:red has:wings ") == ["The colour:red and has:wings"]
    assert look(alice, "wings from:") == ["The colour:red and has:wings"], (
        "an operator that is being typed is none yet"
    )
