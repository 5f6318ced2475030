"""Each person gets their language: on pages, in errors, on a socket, on the next device."""

from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import Client

from chat import services
from tests.conftest import PASSWORD, People

pytestmark = pytest.mark.django_db(transaction=True)

GERMAN = "de-AT,de;q=0.9,en;q=0.5"


def test_a_page_is_in_the_language_that_the_browser_asks_for(client: Client) -> None:
    page = client.get("/accounts/login/", headers={"accept-language": GERMAN})
    assert '<html lang="de">' in page.content.decode()
    assert "Willkommen zurück" in page.content.decode()


def test_arabic_runs_from_the_right(client: Client) -> None:
    assert (
        '<html lang="ar" dir="rtl">'
        in client.get("/accounts/login/", headers={"accept-language": "ar"}).content.decode()
    )


def test_a_language_that_nobody_speaks_here_is_answered_in_the_first(client: Client) -> None:
    assert (
        '<html lang="en">'
        in client.get("/accounts/login/", headers={"accept-language": "tlh"}).content.decode()
    )


def test_a_refusal_is_in_the_language_of_whoever_is_refused_and_its_code_is_not(
    client: Client, people: People
) -> None:
    client.force_login(people.alice)
    answers = [
        client.get("/api/rooms/999/", headers={"accept-language": language}).json()["error"]
        for language in ("en", GERMAN)
    ]
    assert answers == [
        {"code": "not_found", "message": "There is no such room."},
        {"code": "not_found", "message": "Diesen Raum gibt es nicht."},
    ]


def test_errors_with_values_are_translated(client: Client, people: People) -> None:
    room = services.create_room(actor_id=people.alice.pk, name="Lab").room
    client.force_login(people.alice)
    headers = {"accept-language": "de"}
    answer = client.patch(
        f"/api/rooms/{room.pk}/",
        {"name": "x" * 200},
        content_type="application/json",
        headers=headers,
    )
    assert answer.json()["error"] == {
        "code": "bad_request",
        "message": "name: höchstens 80 Zeichen sind möglich, es sind 200",
    }


def test_a_chosen_language_overrides_the_browsers(client: Client, people: People) -> None:
    client.force_login(people.alice)
    page = client.post(
        "/accounts/preferences/", {"language": "de"}, headers={"accept-language": "ar"}, follow=True
    )
    assert "Einstellungen · Holdfast" in page.content.decode()
    assert '<option value="de" lang="de" selected>' in page.content.decode()


def test_the_choice_comes_along_to_the_next_device(client: Client, people: People) -> None:
    client.force_login(people.alice)
    client.post("/accounts/preferences/", {"language": "de"})
    other = Client()
    answer = other.post("/accounts/login/", {"username": "alice", "password": PASSWORD})
    assert answer.cookies[settings.LANGUAGE_COOKIE_NAME].value == "de"
    assert "Konto · Holdfast" in other.get("/accounts/").content.decode()


def test_without_a_choice_the_browsers_language_is_kept(people: People) -> None:
    answer = Client().post("/accounts/login/", {"username": "alice", "password": PASSWORD})
    assert settings.LANGUAGE_COOKIE_NAME not in answer.cookies


def test_a_language_that_nobody_speaks_here_cannot_be_chosen(
    client: Client, people: People
) -> None:
    client.force_login(people.alice)
    assert (
        settings.LANGUAGE_COOKIE_NAME
        not in client.post("/accounts/preferences/", {"language": "tlh"}).cookies
    )


def test_only_signed_in_users_choose_a_language(client: Client) -> None:
    assert (
        client.post("/accounts/preferences/", {"language": "de"})
        .headers["Location"]
        .startswith("/accounts/login/")
    )


def test_times_are_in_the_readers_zone_on_pages_and_at_the_desk(
    client: Client, people: People
) -> None:
    room = services.create_room(actor_id=people.alice.pk, name="Lab").room
    said = services.post_message(author_id=people.alice.pk, room_id=room.pk, body="Hello").message
    # A quarter of an hour apart from everyone else.
    shown = f"{said.created_at.astimezone(ZoneInfo('Asia/Kathmandu')):%H:%M}"
    people.alice.is_staff = people.alice.is_superuser = True
    people.alice.save()
    client.force_login(people.alice)
    client.cookies["timezone"] = "Asia%2FKathmandu"
    assert f">{shown}</time>" in client.get("/rooms/lab/").content.decode()
    assert shown in client.get("/admin/chat/message/").content.decode()
