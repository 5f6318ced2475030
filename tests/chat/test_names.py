"""Names: what they may be, what they may look like, and every way in which one is chosen."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from chat import payloads, services
from chat.models import ModerationLog, Room, UsernameLook
from chat.services.people.erasure import erase_person
from chat.services.persistence import system_user
from chat.text import names
from realtime.protocol.errors import BadRequest
from tests.conftest import make_user

PASSWORD = "a long and unusual sentence"

BAD_USERNAMES = [
    # reserved words, in any case, alphabet and company
    *("room", "Everyone", "HERE", "all", "me", "system", "support", "moderator", "admin"),
    *(
        "deleted-49",
        "DELETED-x",
        "deIeted-49",
        "moderator1",
        "moderator2",
        "0admin",
        "_everyone_",
        "the.moderator",
    ),
    *("Holdfast", "hоldfast", "Administrаtor"),
    # mixed alphabets, and digits of two kinds
    *("аlice2", "мaya", "bоb", "αlex", "user1\u0661"),
    # what nobody sees
    *("al\u200bice", "ali\u00adce", "alice\u202e", "ali\u2066ce", "x\u3164", "\u115fx", "a\ufe0f"),
    # too long
    "ﷺ" * 10,
    "W" * 150,
]
BAD_PERSONAL = [
    *("\u200b", "\u202eevil", "a\u200db", "Al\u00adice", "\u2800", "\u3164", "Мaya", "Adа"),
    *("W" * 300, "Z\u0351\u0352\u0353\u0354\u0355", "a\nb", "...", "\ufeffBob"),
    *("Möderator Bob", "المشرف علي"),  # combining marks separate no words
    *("Moderator", "Site Moderator", "The Administrators", "Holdfast", "Мoderator", "everyone"),
]
GOOD_USERNAMES = [
    "ali",
    "anna-lena",
    "иван",
    "محمد",
    "田中さん",
    "김철수",
    "zoë",
    "o.neil",
    "ada_99",
]
GOOD_PERSONAL = [
    "",
    "Zoë",
    "O'Neil",
    "Anna-Lena",
    "Иван",
    "محمد",
    "می\u200cخواهم",
    "田中",
    "Ada 🌻",
]


@pytest.mark.parametrize("name", BAD_USERNAMES)
def test_a_username_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        names.clean_username(name)


@pytest.mark.parametrize("name", GOOD_USERNAMES)
def test_a_username_of_any_language_is_accepted(name: str) -> None:
    assert names.clean_username(name) == name


@pytest.mark.parametrize("name", BAD_PERSONAL)
def test_a_first_name_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        names.check_full_name(names.clean_personal(name, field="first_name"), "")


@pytest.mark.parametrize("name", GOOD_PERSONAL)
def test_a_first_name_of_any_language_is_accepted(name: str) -> None:
    assert names.clean_personal(name, field="first_name") == name


def finished_erasure(user: User) -> None:
    bulk = erase_person(actor_id=system_user().pk, user_id=user.pk, seconds=60)
    assert bulk.finished_at is not None


def sign_up(client: Client, username: str, **more: str) -> Any:
    form = {"username": username, "password1": PASSWORD, "password2": PASSWORD}
    names = {"first_name": "", "last_name": ""}
    return client.post("/accounts/signup/", {**form, **names, **more})


LOOK_ALIKES = ["аlice", "ALICE", "aIice", "a1ice", "ａlice", "alicе", "𝐚lice", "Alice"]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_nobody_signs_up_as_a_copy_of_alice(client: Client, alice: User, name: str) -> None:
    answer = sign_up(client, name)
    assert answer.status_code == 400
    assert not User.objects.filter(username=name).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "everyone"), ("first_name", "\u200b"), ("last_name", "Moderator")],
)
def test_sign_up_names_the_field(client: Client, field: str, value: str) -> None:
    answer = sign_up(client, **{"username": "carol", field: value})
    assert answer.status_code == 400
    assert f"id_{field}_error" in answer.content.decode()
    assert sign_up(client, "carol").status_code == 302


def test_a_renaming_follows_the_same_rules(alice: User, bob: User) -> None:
    refused: list[dict[str, Any]] = [
        {"username": "аlice"},
        {"username": "here"},
        {"first_name": "\u202eevil"},
    ]
    for wanted in refused:
        with pytest.raises(BadRequest):
            services.rename(user_id=bob.pk, **wanted)
    assert services.rename(user_id=bob.pk, username="Robert").username == "Robert"
    # the old name is free again, the new one is not
    services.rename(user_id=alice.pk, username="bob")
    with pytest.raises(BadRequest):
        services.rename(user_id=alice.pk, username="rоbert")


def test_the_admin_follows_the_same_rules(client: Client, alice: User, bob: User) -> None:
    client.force_login(User.objects.create_superuser("chief", password=PASSWORD))
    new = {"username": "аlice", "usable_password": "true", "password1": PASSWORD}
    answer = client.post("/admin/auth/user/add/", {**new, "password2": PASSWORD})
    assert answer.status_code == 200  # the form, with an error
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    change = {"username": "bob", "first_name": "Moderator", "last_name": "", "email": "", **joined}
    assert client.post(f"/admin/auth/user/{bob.pk}/change/", change).status_code == 200
    assert User.objects.get(pk=bob.pk).first_name == "Bob"


def test_names_from_before_the_rules_keep_working(client: Client, bob: User) -> None:
    old = User.objects.create_user("moderator", password=PASSWORD, first_name="\u200b")
    client.force_login(old)
    assert client.get("/accounts/").status_code == 200
    assert payloads.person(old)["name"] == "moderator"
    turned = User(username="eve", first_name="\u202eevil")
    assert payloads.person(turned)["name"] == "evil"
    services.rename(user_id=old.pk, last_name="Old")
    copy = User.objects.create_user("BOB", password=PASSWORD)
    assert UsernameLook.objects.get(user=copy).is_shared
    out = StringIO()
    call_command("check_names", stdout=out)
    listed = out.getvalue()
    assert "'moderator': username: this name is reserved" in listed
    assert "'BOB': username: looks like that of another account" in listed
    assert "first_name: invisible" in listed


@pytest.mark.parametrize("name", ["\u202eGeneral", "Gеneral", "everyone", "Moderators", "a\u200bb"])
def test_a_room_is_not_called_so(alice: User, name: str) -> None:
    with pytest.raises(BadRequest):
        services.create_room(actor_id=alice.pk, name=name)


def test_a_public_room_is_no_copy_of_another(alice: User, bob: User) -> None:
    made = services.create_room(actor_id=alice.pk, name="General").room
    for name in ("general", "GENERAL", "Genera1"):
        with pytest.raises(BadRequest):
            services.create_room(actor_id=bob.pk, name=name)
    other = services.create_room(actor_id=bob.pk, name="Other").room
    with pytest.raises(BadRequest):
        services.change_room(actor_id=bob.pk, room_id=other.pk, name="general")
    with pytest.raises(BadRequest):
        services.change_room(actor_id=bob.pk, room_id=other.pk, topic="\u202etxt.exe")
    # a private one is nobody else's business, and its name is no secret that an error may tell
    services.create_room(actor_id=alice.pk, name="Plans", kind=Room.Kind.PRIVATE)
    assert services.create_room(actor_id=bob.pk, name="Plans").room.name == "Plans"
    assert services.change_room(actor_id=alice.pk, room_id=made.pk, name="General").pk == made.pk


def test_an_erasure_finds_a_name_though_it_is_taken(bob: User) -> None:
    squatter = make_user(f"deleted-{bob.pk}")
    finished_erasure(bob)
    bob.refresh_from_db()
    assert bob.username.startswith(f"deleted-{bob.pk}-")
    assert not bob.is_active
    squatter.refresh_from_db()
    assert squatter.username == f"deleted-{bob.pk}"


def test_a_name_is_no_proof_of_an_erasure(bob: User, alice: User) -> None:
    User.objects.filter(pk=bob.pk).update(username=f"deleted-{bob.pk}", is_active=False)
    finished_erasure(bob)
    bob.refresh_from_db()
    assert not bob.has_usable_password()
    assert ModerationLog.objects.filter(subject=bob, action="erase").count() == 1


def test_an_account_that_is_called_like_an_erased_one_is_activated(bob: User) -> None:
    chief = User.objects.create_superuser("chief", password=PASSWORD)
    User.objects.filter(pk=bob.pk).update(username=f"deleted-{bob.pk}", is_active=False)
    services.activate(actor_id=chief.pk, user_id=bob.pk)
    bob.refresh_from_db()
    assert bob.is_active
