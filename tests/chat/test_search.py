"""Search: results, permissions and order.

A text that is gone from a room is gone from the index in the same transaction.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from chat import policies, services
from chat.models import Membership, Message, Room, State
from chat.queries.search import index
from chat.queries.search.query import parse
from chat.services import Post
from realtime.protocol.errors import BadRequest
from tests.chat.conftest import Say
from tests.conftest import People, make_user

pytestmark = pytest.mark.django_db(transaction=True)

Look = Callable[..., list[str]]


@pytest.fixture
def look() -> Look:
    """Search as a user: ``look(bob, "harbour")`` returns the texts that are found, newest first."""

    def find(user: User, q: str, *, before_id: int | None = None, limit: int = 20) -> list[str]:
        return [
            message.body
            for message in index.find(user.pk, parse(q), before_id=before_id, limit=limit).messages
        ]

    return find


def indexed(text: str) -> list[int]:
    """Return the messages that the index itself holds under a word, regardless of permissions."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT message_id FROM chat_search WHERE words @@ plainto_tsquery('simple', %s)",
                [text],
            )
        else:
            cursor.execute(
                "SELECT rowid FROM chat_search WHERE chat_search MATCH %s", [f'body : "{text}"']
            )
        return [row[0] for row in cursor.fetchall()]


def fill(user: User, room: Room, texts: list[str]) -> None:
    services.post_messages(
        [Post(author_id=user.pk, room_id=room.pk, key=uuid4(), body=text) for text in texts]
    )


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
        retime(message.pk)
    assert look(bob, "log before:2026-01-03") == ["Log of day 2", "Log of day 1"]
    assert look(bob, "log after:2026-01-02") == ["Log of day 3", "Log of day 2"]
    assert look(bob, "after:2026-01-02 before:2026-01-03") == ["Log of day 2"]
    assert look(bob, "log after:2030-01-01") == look(bob, "log before:2020-01-01") == []


def retime(message_id: int) -> None:
    """Give a message another time, and update the index, because messages never change theirs."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE chat_search s SET created_at = m.created_at"
                " FROM chat_message m WHERE m.id = s.message_id AND m.id = %s",
                [message_id],
            )


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


# -- who may see what ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Room.Kind.PUBLIC, Room.Kind.PRIVATE])
@pytest.mark.parametrize("state", [None, *State])
def test_one_finds_what_one_may_read_now(
    alice: User, charlie: User, say: Say, look: Look, kind: str, state: str | None
) -> None:
    room = services.create_room(actor_id=alice.pk, name="Attic", kind=kind).room
    say(alice, room, "The treasure")
    if state is not None:
        services.invite(actor_id=alice.pk, room_id=room.pk, username="charlie")
        Membership.objects.filter(room=room, user=charlie).update(state=state)
    allowed = policies.reading_problem(kind, state) is None
    assert look(charlie, "treasure") == (["The treasure"] if allowed else [])
    assert look(charlie, "from:alice") == (["The treasure"] if allowed else [])
    if not allowed:
        with pytest.raises(BadRequest, match="in:"):
            look(charlie, "in:attic")


def test_a_conversation_is_found_by_the_two_alone(
    direct: Room, alice: User, bob: User, charlie: User, say: Say, look: Look
) -> None:
    say(alice, direct, "Between us")
    assert look(bob, "between") == look(alice, "between") == ["Between us"]
    assert look(charlie, "between") == []


def test_pages_are_full_despite_unreadable_messages_in_between(
    alice: User, general: Room, secret: Room, charlie: User, look: Look
) -> None:
    for number in range(12):
        fill(alice, general, [f"Buoy {number}"])
        fill(alice, secret, [f"Buoy of ours {number}"] * 5)
    seen, before = [], None
    for _ in range(4):
        page = index.find(charlie.pk, parse("buoy"), before_id=before, limit=3)
        seen += [message.body for message in page.messages]
        before = page.messages[-1].pk
    assert seen == [f"Buoy {number}" for number in reversed(range(12))]
    assert not page.more


def test_many_private_rooms_are_searched(alice: User, look: Look, say: Say, charlie: User) -> None:
    for number in range(260):
        services.create_room(actor_id=alice.pk, name=f"Cellar {number}", kind=Room.Kind.PRIVATE)
    last = Room.objects.order_by("pk").last()
    assert last is not None
    say(alice, last, "Down here")
    assert look(alice, "down") == look(alice, "before:2100-01-01") == ["Down here"]
    assert look(charlie, "down") == []


def test_the_first_message_of_a_day_is_found_without_reading_all(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, general, "Buoy ahoy")
    with CaptureQueriesContext(connection) as asked:
        index.find(bob.pk, parse("buoy after:2020-01-01 before:2100-01-01"))
    bounds = [query["sql"] for query in asked.captured_queries if "halves" in query["sql"]]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # How it reads a table that is this small.
            cursor.execute("SET LOCAL enable_seqscan = off")
            explain, by_index, whole = "EXPLAIN", "Index Only Scan", "Seq Scan on chat_message"
        else:
            explain, by_index, whole = (
                "EXPLAIN QUERY PLAN",
                "SEARCH chat_message",
                "SCAN chat_message",
            )
        cursor.execute(f"{explain} {bounds[0]}")
        plan = [row[-1] for row in cursor.fetchall()]
    assert any(by_index in step for step in plan)
    assert [step for step in plan if whole in step] == []


# -- what changes ----------------------------------------------------------------------------------


def test_an_edited_message_is_found_by_its_new_words_alone(
    general: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    message = say(alice, general, "The password is swordfish")
    services.edit_message(actor_id=alice.pk, message_id=message.pk, body="The weather is fine")
    assert (look(bob, "swordfish"), indexed("swordfish")) == ([], [])
    assert look(bob, "weather") == ["The weather is fine"]


def test_a_deleted_text_is_in_no_index(
    general: Room, alice: User, mona: User, say: Say, look: Look
) -> None:
    mine, removed = (
        say(alice, general, "swordfish of mine"),
        say(alice, general, "swordfish of a moderator's"),
    )
    services.delete_message(actor_id=alice.pk, message_id=mine.pk)
    services.delete_message(actor_id=mona.pk, message_id=removed.pk, reason="Secret")
    assert (look(alice, "swordfish"), look(mona, "swordfish"), indexed("swordfish")) == ([], [], [])
    services.restore_message(actor_id=mona.pk, message_id=removed.pk)
    assert look(alice, "swordfish") == ["swordfish of a moderator's"]
    assert indexed("swordfish") == [removed.pk]


def test_a_hidden_text_is_in_no_index(
    general: Room, alice: User, bob: User, mona: User, say: Say, look: Look
) -> None:
    message = say(alice, general, "swordfish")
    services.report(actor_id=bob.pk, message_id=message.pk, category="spam")
    services.hide_message(actor_id=mona.pk, message_id=message.pk)
    assert (look(bob, "swordfish"), indexed("swordfish")) == ([], [])


def test_the_index_changes_in_the_transaction_of_the_message(
    general: Room, alice: User, say: Say
) -> None:
    message = say(alice, general, "swordfish")
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(body="")
        assert indexed("swordfish") == []
        transaction.set_rollback(True)
    assert indexed("swordfish") == [message.pk]


def test_a_reaction_leaves_the_index_alone(
    general: Room, alice: User, bob: User, say: Say, look: Look
) -> None:
    message = say(alice, general, "swordfish")
    services.react(actor_id=bob.pk, message_id=message.pk, emoji="🐟", on=True)
    assert look(bob, "swordfish") == ["swordfish"]


def test_rows_that_are_removed_are_removed_from_the_index(
    general: Room, alice: User, say: Say
) -> None:
    say(alice, general, "swordfish")
    Message.objects.all().delete()
    assert indexed("swordfish") == []


# -- the API and the page --------------------------------------------------------------------------


def test_the_api_answers_with_marked_parts_and_goes_on_behind_the_last(
    client: Client, people: People, general: Room
) -> None:
    fill(people.alice, general, [f"Buoy **{number}** <i>of the bay</i>" for number in range(5)])
    client.force_login(people.charlie)
    first = client.get("/api/search", {"q": "bay buoy", "limit": "3"}).json()
    assert (len(first["results"]), first["more"]) == (3, True)
    hit = first["results"][0]
    assert hit["url"] == "/rooms/general/5/"
    assert (hit["room"]["slug"], hit["room"]["title"], hit["message"]["author"]["name"]) == (
        "general",
        "General",
        "Alice",
    )
    assert [(part["text"], part["match"]) for part in hit["excerpt"]] == [
        ("Buoy", True),
        (" 4 <i>of the ", False),
        ("bay", True),
        ("</i>", False),
    ]
    rest = client.get(
        "/api/search", {"q": "bay buoy", "before_id": first["results"][-1]["message"]["id"]}
    ).json()
    assert ([each["message"]["number"] for each in rest["results"]], rest["more"]) == (
        [2, 1],
        False,
    )


@pytest.mark.parametrize(
    "fields",
    [{}, {"q": " "}, {"q": "x", "before_id": "y"}, {"q": "x", "limit": "-1"}, {"q": "after:soon"}],
)
def test_the_api_refuses_with_the_name_of_the_field(
    client: Client, people: People, fields: dict[str, Any]
) -> None:
    client.force_login(people.alice)
    answer = client.get("/api/search", fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_the_page_works_by_links(client: Client, people: People, general: Room) -> None:
    fill(
        people.alice,
        general,
        [f"Buoy *{number}* <script>alert(1)</script>" for number in range(25)],
    )
    client.force_login(people.bob)
    page = client.get(
        "/search/", {"q": "buoy", "in": "general", "from": "alice", "has": ""}
    ).content.decode()
    assert page.count('class="hit"') == index.LIMIT
    assert "<mark>Buoy</mark> 24 &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'href="/search/?q=buoy+from%3Aalice"' in page, "a chip leads to the search without it"
    last = Message.objects.get(number=6)
    assert f'href="/search/?q=buoy+in%3Ageneral+from%3Aalice&amp;before_id={last.pk}"' in page
    assert (
        client.get("/search/", {"q": "buoy", "before_id": str(last.pk)})
        .content.decode()
        .count('class="hit"')
        == 5
    )


def test_the_page_says_what_can_be_asked_and_what_was_wrong(
    client: Client, people: People, general: Room
) -> None:
    client.force_login(people.bob)
    assert "has:link" in client.get("/search/").content.decode()
    assert "No messages found" in client.get("/search/", {"q": "unheard"}).content.decode()
    assert (
        "before: expected a date"
        in client.get("/search/", {"q": "fish before:soon"}).content.decode()
    )


def test_a_search_costs_the_same_for_many_results(
    client: Client,
    people: People,
    general: Room,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(8):
        make_user(f"sailor{number}")
        room = services.direct_room(
            actor_id=people.bob.pk, user_id=User.objects.get(username=f"sailor{number}").pk
        ).room
        fill(people.bob, room, ["Buoy ahoy"])
    fill(people.alice, general, ["Buoy"] * 20)
    client.force_login(people.bob)
    with django_assert_max_num_queries(20):
        assert (
            len(
                client.get(
                    "/api/search",
                    {"q": "buoy from:bob in:@sailor1 after:2020-01-01 before:2100-01-01"},
                ).json()["results"]
            )
            == 1
        )
    with django_assert_max_num_queries(20):
        assert len(client.get("/api/search", {"q": "buoy", "limit": "50"}).json()["results"]) == 28
