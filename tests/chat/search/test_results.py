"""Search: who finds what, and the index, which changes with its message in one transaction."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat import policies, services
from chat.models import Membership, Message, Room, State
from chat.queries.search import index
from chat.queries.search.query import parse
from realtime.protocol.errors import BadRequest
from tests.chat.conftest import Say
from tests.chat.search.conftest import Look, fill, indexed
from tests.conftest import People, make_user

pytestmark = pytest.mark.django_db(transaction=True)


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
    with django_assert_max_num_queries(21):
        assert (
            len(
                client.get(
                    "/api/search",
                    {"q": "buoy from:bob in:@sailor1 after:2020-01-01 before:2100-01-01"},
                ).json()["results"]
            )
            == 1
        )
    with django_assert_max_num_queries(21):
        assert len(client.get("/api/search", {"q": "buoy", "limit": "50"}).json()["results"]) == 28


def test_a_message_of_a_public_room_is_found_however_it_was_inserted(
    general: Room, alice: User, charlie: User, look: Look
) -> None:
    Message.objects.bulk_create(
        [
            Message(
                room=general,
                number=1,
                seq=100,
                author=alice,
                key=uuid4(),
                body="The harbour",
                created_at=timezone.now(),
            )
        ]
    )
    if connection.vendor == "postgresql":
        assert Message.objects.get().is_public
    assert look(charlie, "harbour") == ["The harbour"]
