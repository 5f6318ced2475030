"""The directory of rooms: all public ones, by words, page by page."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Room
from chat.queries.room_lists import MAX_WORDS, directory
from tests.chat.conftest import Say, fresh


@pytest.fixture
def rooms(alice: User, bob: User, general: Room, secret: Room, direct: Room) -> dict[str, Room]:
    """Public rooms beside General, by name. Bob is a member of General only.

    One room is archived, and Bob is banned from another.
    """
    made = {
        name: services.create_room(actor_id=alice.pk, name=name, topic=topic).room
        for name, topic in [
            ("Art", "Painting and clay"),
            ("Garden", "Roses"),
            ("Gardens", "Tomatoes"),
            ("Old garden", ""),
            ("Walks", ""),
        ]
    }
    services.change_room(actor_id=alice.pk, room_id=made["Old garden"].pk, archived=True)
    services.ban(actor_id=alice.pk, room_id=made["Walks"].pk, user_id=bob.pk)
    return made


def names(user: User, query: str = "") -> list[str]:
    return [shown.room.name for shown in directory(user.pk, query=query)[0]]


def test_public_rooms_are_listed_by_name_with_mine_among_them(
    rooms: dict[str, Room], bob: User, charlie: User
) -> None:
    assert names(bob) == ["Art", "Garden", "Gardens", "General"]
    assert [shown.joined for shown in directory(bob.pk)[0]] == [False, False, False, True]
    assert names(charlie) == ["Art", "Garden", "Gardens", "General", "Walks"]


def test_all_words_are_found_in_name_or_topic(rooms: dict[str, Room], bob: User) -> None:
    assert names(bob, "gard") == ["Garden", "Gardens"]
    assert names(bob, "ROSES gar") == ["Garden"]
    assert names(bob, "clay") == ["Art"]
    assert names(bob, "clay roses") == []
    assert names(bob, "%") == names(bob, "_") == []
    assert names(bob, "secret") == []


def test_pages_follow_each_other_without_gaps_and_repeats(
    rooms: dict[str, Room], charlie: User
) -> None:
    seen, after, more = [], None, True
    while more:
        found, more = directory(charlie.pk, after=after, limit=2)
        seen += [shown.room.pk for shown in found]
        after = found[-1].room
    assert len(seen) == len(set(seen)) == 5


def test_a_page_is_one_query_whatever_is_typed(rooms: dict[str, Room], bob: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        directory(bob.pk, query="a " * 1000)
    assert len(queries) == 1
    assert queries[0]["sql"].count("LIKE") <= 2 * MAX_WORDS


def test_over_http(
    client: Client, rooms: dict[str, Room], bob: User, secret: Room, say: Say
) -> None:
    client.force_login(bob)
    first = client.get("/api/rooms/directory", {"q": "garden", "limit": "1"}).json()
    assert ([item["room"]["topic"] for item in first["rooms"]], first["more"]) == (["Roses"], True)
    rest = client.get(
        "/api/rooms/directory", {"q": "garden", "after": str(first["rooms"][0]["room"]["id"])}
    ).json()
    assert ([item["room"]["topic"] for item in rest["rooms"]], rest["more"]) == (
        ["Tomatoes"],
        False,
    )
    assert (rest["rooms"][0]["joined"], rest["rooms"][0]["member_count"]) == (
        False,
        fresh(rooms["Garden"]).member_count,
    )
    assert (
        client.get("/api/rooms/directory", {"q": "x" * 101}).json()["error"]["code"]
        == "bad_request"
    )
    assert (
        client.get("/api/rooms/directory", {"after": "x"}).json()["error"]["code"] == "bad_request"
    )
    services.leave(actor_id=bob.pk, room_id=secret.pk)
    assert (
        client.get("/api/rooms/directory", {"after": secret.pk}).json()["error"]["code"]
        == "not_found"
    )


def test_the_page_leads_on_without_javascript(client: Client, alice: User, bob: User) -> None:
    for number in range(60):
        services.create_room(actor_id=alice.pk, name=f"Room {number:02}")
    client.force_login(bob)
    page = client.get("/rooms/", {"q": "room"}).content.decode()
    assert page.count('class="directory__room"') == 50 + 1  # the template of the scripts
    assert f'href="?q=room&amp;after={Room.objects.get(name="Room 49").pk}"' in page
    rest = client.get(
        "/rooms/", {"q": "room", "after": str(Room.objects.get(name="Room 49").pk)}
    ).content.decode()
    assert "Room 59" in rest
    assert "Room 49" not in rest
