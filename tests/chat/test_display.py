"""How people want to see the site: stored with the account, and on every page at first paint."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from chat import payloads, services
from chat.models import DisplaySettings, Room
from chat.queries import people
from realtime.protocol.errors import BadRequest
from tests.chat.conftest import Say
from tests.support.replay import Verify

PAGES = ("/rooms/general/", "/accounts/", "/accounts/password_change/", "/account/notifications/")


def page_of(user: User) -> Callable[[str], str]:
    client = Client()
    client.force_login(user)
    return lambda path: client.get(path).content.decode()


def test_a_choice_changes_only_the_inbox_of_its_owner(verify: Verify, bob: User) -> None:
    with verify() as change:
        services.set_display(user_id=bob.pk, theme="dark", language="de")
    assert change.streams == [f"inbox.{bob.pk}"]
    assert change.data(f"inbox.{bob.pk}") == [payloads.display(bob.pk, people.display(bob.pk))]
    with verify() as change:
        services.set_display(user_id=bob.pk, theme="dark", language="de")
    assert change.streams == []


def test_choices_that_are_not_named_stay(bob: User) -> None:
    services.set_display(user_id=bob.pk, theme="dark", folded=["rooms", "rooms"])
    services.set_display(user_id=bob.pk, density="compact")
    found = people.display(bob.pk)
    assert (found.theme, found.density, found.folded) == ("dark", "compact", ["rooms"])


def test_a_choice_that_there_is_not_is_refused_with_its_name(bob: User) -> None:
    for name, value in [
        ("theme", "pink"),
        ("density", ""),
        ("clock", "13"),
        ("language", "tlh"),
        ("folded", ["everything"]),
    ]:
        with pytest.raises(BadRequest, match=f"^{name}: expected one of"):
            services.set_display(user_id=bob.pk, **{name: value})  # type: ignore[arg-type]
    assert not DisplaySettings.objects.exists()


def test_every_page_has_the_choices_from_the_beginning(general: Room, bob: User) -> None:
    services.set_display(user_id=bob.pk, theme="dark", density="compact", clock="12")
    page = page_of(bob)
    for path in PAGES:
        head = page(path).partition("<head>")[0]
        for attribute in ('data-theme="dark"', 'data-density="compact"', 'data-clock="12"'):
            assert attribute in head, path
    assert "data-theme" not in Client().get("/accounts/login/").content.decode()


def test_times_follow_the_chosen_clock(general: Room, alice: User, bob: User, say: Say) -> None:
    said = say(alice, general, "Hello").created_at
    page = page_of(bob)
    services.set_display(user_id=bob.pk, clock="12")
    assert f"{said:%M} {said:%p}</time>" in page("/rooms/general/")
    services.set_display(user_id=bob.pk, clock="24")
    assert f"{said:%H:%M}</time>" in page("/rooms/general/")


def test_the_language_of_the_account_wins_on_a_device_that_is_signed_in_already(
    bob: User,
) -> None:
    device = Client()
    device.force_login(bob)
    english = {"accept-language": "en"}
    assert '<html lang="en"' in device.get("/accounts/", headers=english).content.decode()
    services.set_display(user_id=bob.pk, language="de")
    page = device.get("/accounts/", headers=english)
    assert '<html lang="de"' in page.content.decode()
    assert page.headers["Content-Language"] == "de"
    assert page.cookies[settings.LANGUAGE_COOKIE_NAME].value == "de"
    assert settings.LANGUAGE_COOKIE_NAME not in device.get("/accounts/", headers=english).cookies
    device.post("/accounts/preferences/", {"language": ""})
    assert '<html lang="en"' in device.get("/accounts/", headers=english).content.decode()


def test_the_form_saves_without_scripts(bob: User) -> None:
    device = Client()
    device.force_login(bob)
    path = "/accounts/preferences/"
    answer = device.post(path, {"theme": "light", "unread_first": "yes"}, follow=True)
    assert "Saved" in answer.content.decode()
    assert people.display(bob.pk).unread_first
    assert device.post(path, {"theme": "pink"}).status_code == 400
    assert people.display(bob.pk).theme == "light"


def test_the_sidebar_comes_with_its_folded_sections_and_unread_rooms_first(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    garden = services.create_room(actor_id=alice.pk, name="A garden").room
    services.join(actor_id=bob.pk, room_id=garden.pk)
    say(alice, general, "new")
    page = page_of(bob)

    def order() -> list[int]:
        shown = page(f"/rooms/{garden.slug}/")
        return sorted([garden.pk, general.pk], key=lambda pk: shown.index(f'data-room="{pk}"'))

    assert order() == [garden.pk, general.pk]
    services.set_display(user_id=bob.pk, unread_first=True, folded=["rooms"])
    assert order() == [general.pk, garden.pk]
    assert 'data-section="rooms" data-folded="true"' in page("/rooms/general/")
