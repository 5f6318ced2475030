"""The HTML pages: who gets which, what they show, and that they cost the same for long lists."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django import shortcuts
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

import chat
from chat import services
from chat.models import Room
from chat.pages.page_data import GROUP_SECONDS
from chat.queries import room_lists
from tests.conftest import People

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_counts() -> None:
    cache.clear()


@pytest.fixture
def lab(people: People) -> Room:
    room = services.create_room(actor_id=people.alice.pk, name="Lab").room
    services.join(actor_id=people.bob.pk, room_id=room.pk)
    return room


def post(people: People, room: Room, *texts: str) -> None:
    for text in texts:
        services.post_message(author_id=people.alice.pk, room_id=room.pk, body=text)


def data_of(page: str, name: str) -> dict[str, Any]:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', page)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize(
    "path", ["/rooms/", "/rooms/lab/", "/inbox/", "/search/?q=x", "/accounts/"]
)
def test_no_page_holds_the_database_while_it_is_rendered(
    client: Client, people: People, lab: Room, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(people, lab, "Hello **you**", "@bob")
    client.force_login(people.bob)
    render, queries = shortcuts.render, list[str]()

    def note(execute: Any, sql: str, *more: Any) -> Any:
        queries.append(sql)
        return execute(sql, *more)

    def watched(*args: Any, **kwargs: Any) -> Any:
        assert connection.connection is None or connection.vendor == "sqlite"
        with connection.execute_wrapper(note):
            return render(*args, **kwargs)

    monkeypatch.setattr(shortcuts, "render", watched)
    assert client.get(path).status_code == 200
    assert queries == []


def test_the_directory_is_read_so_often_in_an_hour(
    client: Client, people: People, lab: Room, settings: Any
) -> None:
    settings.HOLDFAST_DIRECTORY_READS = 2
    client.force_login(people.bob)
    assert client.get("/rooms/").status_code == 200
    assert client.get("/api/users/?q=al").status_code == 200
    page, data = client.get("/rooms/"), client.get("/api/rooms/directory")
    assert (page.status_code, data.status_code) == (429, 429)
    assert b"Try again in" in page.content
    # Until half of what counts is an hour old: with two reads, at most half an hour more.
    assert 0 < int(page.headers["Retry-After"]) <= 5400
    client.force_login(people.alice)
    assert client.get("/rooms/").status_code == 200


def test_nobody_reads_without_signing_in(client: Client, lab: Room) -> None:
    for path in ("/", "/rooms/", "/rooms/lab/", "/rooms/new/", "/inbox/", "/accounts/"):
        response = client.get(path)
        assert (response.status_code, response.headers["Location"]) == (
            302,
            f"/accounts/login/?next={path}",
        )


def test_home_is_the_last_room_then_any_room_then_the_directory(
    client: Client, people: People, lab: Room
) -> None:
    garden = services.create_room(actor_id=people.bob.pk, name="Garden").room
    client.force_login(people.charlie)
    assert client.get("/").headers["Location"] == "/rooms/"
    client.force_login(people.bob)
    assert client.get("/").headers["Location"] == "/rooms/garden/"
    client.get("/rooms/lab/")
    assert client.get("/").headers["Location"] == "/rooms/lab/"
    services.leave(actor_id=people.bob.pk, room_id=lab.pk)
    assert client.get("/").headers["Location"] == garden.get_absolute_url()


def test_a_public_room_is_read_by_all_a_private_one_by_its_members(
    client: Client, people: People, lab: Room
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Secret", kind=Room.Kind.PRIVATE)
    client.force_login(people.charlie)
    assert client.get("/rooms/lab/").status_code == 200
    assert client.get("/rooms/secret/").status_code == 404
    services.ban(actor_id=people.alice.pk, room_id=lab.pk, user_id=people.charlie.pk)
    assert client.get("/rooms/lab/").status_code == 403


def test_a_user_banned_from_the_site_sees_only_the_reason(
    client: Client, people: People, lab: Room
) -> None:
    people.alice.is_superuser = True
    people.alice.save()
    client.force_login(people.bob)
    services.site_ban(actor_id=people.alice.pk, user_id=people.bob.pk, reason="Spam everywhere")
    response = client.get("/rooms/lab/")
    assert response.status_code == 403
    assert "Spam everywhere" in response.content.decode()


def test_the_page_carries_the_position_from_which_the_socket_goes_on(
    client: Client, people: People, lab: Room
) -> None:
    post(people, lab, "One", "Two")
    client.force_login(people.bob)
    page = client.get("/rooms/lab/").content.decode()
    snapshot = client.get(f"/api/rooms/{lab.pk}/").json()
    view, boot = data_of(page, "view-data"), data_of(page, "boot")
    assert (view["seq"], view["messages"], view["newest"]) == (
        snapshot["seq"],
        snapshot["messages"],
        True,
    )
    assert [item["unread"] for item in boot["rooms"]] == [2]
    assert boot["rooms"][0]["seq"] == snapshot["seq"]


def test_what_people_write_is_text(client: Client, people: People, lab: Room) -> None:
    post(people, lab, "<script>alert(1)</script>", "</script><b>bold</b>")
    client.force_login(people.bob)
    page = client.get("/rooms/lab/").content.decode()
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_messages_of_one_author_stand_together(client: Client, people: People, lab: Room) -> None:
    post(people, lab, "One", "Two")
    client.force_login(people.bob)
    page = client.get("/rooms/lab/").content.decode()
    assert page.count('class="message message--continued"') == 1


def test_the_browser_groups_messages_by_the_same_time() -> None:
    script = (Path(chat.__file__).parent / "static/chat/timeline/dividers.js").read_text()
    assert f"const GROUP_MS = {GROUP_SECONDS * 1000:_};" in script


def test_history_is_paged_by_links(client: Client, people: People, lab: Room) -> None:
    lines = [
        services.Post(
            author_id=people.alice.pk, room_id=lab.pk, key=uuid4(), body=f"Line {number}."
        )
        for number in range(1, 121)
    ]
    services.post_messages(lines)
    client.force_login(people.bob)
    newest = client.get("/rooms/lab/").content.decode()
    assert 'href="/rooms/lab/?before=71"' in newest
    assert "?after=" not in newest
    older = client.get("/rooms/lab/?before=71").content.decode()
    assert 'href="/rooms/lab/?before=21"' in older
    assert 'href="/rooms/lab/?after=70"' in older
    around = data_of(client.get("/rooms/lab/60/").content.decode(), "view-data")
    assert (around["number"], around["newest"]) == (60, False)
    assert client.get("/rooms/lab/121/").status_code == 404
    assert client.get("/rooms/lab/?before=99999999999999999999").status_code == 200


def test_a_page_costs_the_same_for_many_messages_and_rooms(
    client: Client, people: People, lab: Room, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        room = services.create_room(actor_id=people.bob.pk, name=f"Room {number}").room
        services.direct_room(actor_id=people.bob.pk, user_id=people.charlie.pk)
        post_by_bob = services.post_message(author_id=people.bob.pk, room_id=room.pk, body="Hello")
        services.post_message(
            author_id=people.bob.pk, room_id=room.pk, body="Again", reply_to=post_by_bob.message.pk
        )
    post(people, lab, *(f"**Line** {number} @bob" for number in range(20)))
    client.force_login(people.bob)
    client.get("/inbox/")  # the first page of all names the epoch
    # The inbox reads the people and the texts that its rows name, one query for each kind.
    # Each page reads its session: where no hub runs, there are no copies of sessions.
    for path, limit in {
        "/rooms/lab/": 28,
        "/rooms/room-0/": 28,
        "/inbox/": 30,
        "/rooms/": 25,
    }.items():
        with django_assert_max_num_queries(limit):
            assert client.get(path).status_code == 200


def test_a_room_is_made_by_a_form_and_refused_with_a_reason(client: Client, people: People) -> None:
    client.force_login(people.bob)
    made = client.post("/rooms/new/", {"name": "Paper", "kind": "public"})
    assert made.headers["Location"] == "/rooms/paper/"
    made = client.post("/rooms/new/", {"name": "Paper", "kind": "private"})
    assert made.headers["Location"].startswith("/rooms/paper-")
    refused = client.post("/rooms/new/", {"name": "", "topic": "Kept topic"})
    assert refused.status_code == 400
    assert "Kept topic" in refused.content.decode()


def test_a_sign_up_leads_only_to_addresses_of_this_site(client: Client, people: People) -> None:
    fields = {
        "username": "dora",
        "password1": "a long enough phrase",
        "password2": "a long enough phrase",
    }
    assert (
        client.post("/accounts/signup/?next=//elsewhere.example/", fields).headers["Location"]
        == "/"
    )
    client.logout()
    fields["username"] = "emil"
    assert client.post("/accounts/signup/?next=/inbox/", fields).headers["Location"] == "/inbox/"


def rooms_of(people: People, count: int, *, start: int = 0) -> None:
    for number in range(start, start + count):
        services.create_room(actor_id=people.alice.pk, name=f"Room {number}")


@pytest.mark.parametrize("path", ["/rooms/lab/", "/inbox/", "/rooms/", "/search/?q=tide"])
def test_a_view_for_a_page_that_is_open_is_the_same_without_the_frame(
    people: People, lab: Room, client: Client, path: str
) -> None:
    post(people, lab, "Low tide at six")
    client.force_login(people.alice)
    whole = client.get(path).content.decode()
    alone = client.get(path, headers={"Holdfast-View": "alone"}).content.decode()
    view, title = (
        re.compile(r"<main[^>]*>(.*)</main>", re.DOTALL),
        re.compile(r"<title>(.*)</title>"),
    )
    assert [found.search(alone)[1] for found in (view, title)] == [  # type: ignore[index]
        found.search(whole)[1]  # type: ignore[index]
        for found in (view, title)
    ]
    assert 'id="sidebar"' not in alone
    assert "<template" not in alone.replace('<template id="hit', "")


def test_changing_rooms_costs_the_same_with_many_rooms(
    people: People, lab: Room, client: Client
) -> None:
    client.force_login(people.alice)

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            answer = client.get("/rooms/lab/", headers={"Holdfast-View": "alone"})
        return len(answer.content), len(queries)

    cost()
    before = cost()
    rooms_of(people, 50)
    assert cost() == before


def test_a_page_paints_the_first_rooms_and_those_that_must_be_seen(
    people: People, lab: Room, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_lists, "FIRST_ROOMS", 3)
    rooms_of(people, 8)
    unread = Room.objects.get(name="Room 7")
    services.join(actor_id=people.bob.pk, room_id=unread.pk)
    services.post_message(author_id=people.bob.pk, room_id=unread.pk, body="Anyone here?")
    client.force_login(people.alice)

    def listed(path: str) -> list[str]:
        page = client.get(path).content.decode()
        sidebar = page[page.index('data-places="rooms"') : page.index('data-places="directs"')]
        return re.findall(r'data-slot="name">([^<]+)<', sidebar)

    assert listed("/rooms/room-5/") == ["Lab", "Room 0", "Room 1", "Room 5", "Room 7"]
    assert len(listed("/rooms/room-5/?all-rooms")) == 9
    page = client.get("/rooms/room-5/").content.decode()
    assert "Show all rooms" in page
    boot = json.loads(re.search(r'id="boot" type="application/json">(.*?)</script>', page)[1])  # type: ignore[index]
    assert len(boot["rooms"]) == 5
    assert boot["more_rooms"]
    answer = client.get("/api/rooms/mine").json()
    assert len(answer["rooms"]) == 9
    by_id = {item["room"]["id"]: item for item in answer["rooms"]}
    assert all(by_id[item["room"]["id"]] == item for item in boot["rooms"])


def test_my_rooms_come_in_pages(
    people: People, lab: Room, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_lists, "MAX_MY_ROOMS", 4)
    rooms_of(people, 8)
    client.force_login(people.alice)
    found: list[int] = []
    more = True
    while more:
        answer = client.get("/api/rooms/mine", {"after": found[-1] if found else 0}).json()
        assert len(answer["rooms"]) <= 4
        found += [item["room"]["id"] for item in answer["rooms"]]
        more = answer["more"]
    assert found == sorted(item.room.pk for item in room_lists.my_rooms(people.alice.pk))
    assert client.get("/api/rooms/mine", {"after": "x"}).status_code == 400


def test_a_first_page_costs_the_same_with_many_rooms(
    people: People, lab: Room, client: Client
) -> None:
    client.force_login(people.alice)

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            answer = client.get("/rooms/lab/")
        return len(answer.content), len(queries)

    few = room_lists.FIRST_ROOMS + 10
    rooms_of(people, few)
    cost()
    before, queries = cost()
    rooms_of(people, 100, start=few)
    after, same = cost()
    assert same == queries
    assert after < before * 1.02  # longer ids and names
