"""The JSON API of rooms."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from chat import payloads, services
from chat.models import Room
from realtime.auth import issue_token
from tests.chat.conftest import Say, fresh, membership

pytestmark = pytest.mark.urls("chat.api.urls")

Call = Callable[..., Any]


@pytest.fixture
def call(db: None) -> Call:
    """``call(alice, "POST", "/api/rooms/", {...})``: the answer to a user with a token."""

    def request(user: User, method: str, path: str, data: Any = None, **query: Any) -> HttpResponse:
        headers = {"Authorization": f"Bearer {issue_token(user)}"}
        if method == "GET":
            return Client(headers=headers).get(path, query)  # type: ignore[return-value]
        return Client(headers=headers).generic(
            method, path, encoded(data), content_type="application/json"
        )  # type: ignore[return-value]

    return request


def encoded(data: Any) -> bytes:
    import msgspec

    return data if isinstance(data, bytes) else msgspec.json.encode(data)


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# -- rooms -----------------------------------------------------------------------------------------


def test_a_room_is_made(call: Call, alice: User) -> None:
    answer = call(
        alice,
        "POST",
        "/api/rooms/",
        {"name": "Walks", "kind": "public", "topic": "Long", "slug": "w"},
    )
    assert answer.status_code == 201
    room = Room.objects.get(slug="w")
    assert answer.json() == {
        "room": payloads.room(room),
        "membership": payloads.my_membership(membership(room, alice)),
        "partner": None,
        "people": [],
        "member_count": 1,
        "seq": 2,
        "mentions": [],
        "uncounted": [],
        "may_take_over": False,
        "staff": {str(alice.pk): "owner"},
        "messages": [],
        "quoted": [],
    }
    assert answer.headers["Stream-Epoch"]


def test_a_conversation_is_found_by_id_and_by_name(call: Call, alice: User, bob: User) -> None:
    first = call(alice, "POST", "/api/rooms/direct", {"user": bob.pk}).json()
    again = call(bob, "POST", "/api/rooms/direct", {"username": "alice"}).json()
    assert first["room"] == again["room"]
    assert (first["partner"]["username"], again["partner"]["username"]) == ("bob", "alice")
    assert (first["seq"], first["membership"]["user"]["id"]) == (3, alice.pk)
    for wrong in (
        {},
        {"user": bob.pk, "username": "bob"},
        {"user": 0},
        {"user": 10**30},
        {"user": alice.pk},
    ):
        assert error(call(alice, "POST", "/api/rooms/direct", wrong)) == (400, "bad_request")
    assert error(call(alice, "POST", "/api/rooms/direct", {"username": "nobody"})) == (
        404,
        "not_found",
    )
    assert error(call(alice, "POST", "/api/rooms/direct", {"user": 2**63 - 1})) == (
        404,
        "not_found",
    )


def test_rooms_are_listed_mine_first(
    call: Call, general: Room, secret: Room, alice: User, bob: User, say: Say
) -> None:
    other = services.create_room(actor_id=alice.pk, name="Art").room
    say(alice, general, "Hello")
    listed = call(bob, "GET", "/api/rooms/").json()
    assert listed["more"] is False
    assert listed["inbox_seq"] == 4  # two memberships, and an invitation with its notification
    assert [(item["room"]["slug"], item["unread"], item["seq"]) for item in listed["rooms"]] == [
        ("general", 1, 4),
        ("secret", 0, 4),
        ("art", 0, 2),
    ]
    assert listed["rooms"][0]["membership"] == payloads.my_membership(membership(general, bob))
    assert listed["rooms"][2]["membership"] is None
    assert call(bob, "GET", "/api/rooms/", after=other.pk).json()["rooms"] == []


def test_a_snapshot_of_a_room(
    call: Call, general: Room, secret: Room, alice: User, charlie: User, say: Say
) -> None:
    question = say(alice, general, "Why?")
    say(alice, general, "So.", reply_to=question.pk)
    found = call(charlie, "GET", f"/api/rooms/{general.pk}/").json()
    assert (found["seq"], found["membership"], found["member_count"]) == (5, None, 2)
    assert [message["body"] for message in found["messages"]] == ["Why?", "So."]
    assert error(call(charlie, "GET", f"/api/rooms/{secret.pk}/")) == (404, "not_found")


def test_a_room_is_changed(call: Call, general: Room, alice: User, bob: User) -> None:
    path = f"/api/rooms/{general.pk}/"
    assert call(
        alice, "PATCH", path, {"name": "Plaza", "slow_mode": 5, "archived": None}
    ).json() == {"room": payloads.room(fresh(general))}
    assert fresh(general).name == "Plaza"
    assert error(call(bob, "PATCH", path, {"name": "Mine"})) == (403, "forbidden")
    bad: list[Any] = [
        {"slow_mode": "5"},
        {"slow_mode": -1},
        {"slow_mode": 10**30},
        {"name": ""},
        {"read_only": 1},
        [],
        "x",
        None,
    ]
    for wrong in bad:
        assert error(call(alice, "PATCH", path, wrong)) == (400, "bad_request")


def test_a_misspelt_field_is_refused_by_its_name(call: Call, general: Room, alice: User) -> None:
    room = f"/api/rooms/{general.pk}"
    for method, path, data in [
        ("POST", "/api/rooms/", {"name": "Walks", "kind": "public"}),
        ("POST", "/api/rooms/direct", {"username": "bob"}),
        ("PATCH", f"{room}/", {"topic": "x"}),
        ("POST", f"{room}/members", {"username": "charlie"}),
        ("PATCH", f"{room}/members/{alice.pk}", {"role": "member"}),
        ("PATCH", f"{room}/membership", {"involvement": "nothing"}),
    ]:
        answer = call(alice, method, path, data | {"slowmode": 5})
        assert error(answer) == (400, "bad_request"), path
        assert "slowmode" in answer.json()["error"]["message"]
    assert Room.objects.count() == 1


# -- messages --------------------------------------------------------------------------------------


def test_history_over_http(call: Call, general: Room, alice: User, say: Say) -> None:
    question = say(alice, general, "Why?")
    for number in range(2, 60):
        say(alice, general, f"message {number}", reply_to=question.pk if number == 59 else None)

    def numbers(**query: Any) -> tuple[list[int], bool]:
        found = call(alice, "GET", f"/api/rooms/{general.pk}/messages", **query).json()
        return [message["number"] for message in found["messages"]], found["more"]

    assert numbers() == (list(range(59, 9, -1)), True)
    assert numbers(before=4) == ([3, 2, 1], False)
    assert numbers(before=30, limit=2) == ([29, 28], True)
    assert numbers(after=57) == ([58, 59], False)
    assert numbers(around=30, limit=4) == ([28, 29, 30, 31], True)
    assert len(numbers(limit=5000)[0]) == 59
    found = call(alice, "GET", f"/api/rooms/{general.pk}/messages", limit=1).json()
    assert found["quoted"] == [payloads.message(question)]
    assert call(alice, "GET", f"/api/messages/{question.pk}/").json() == {
        "message": payloads.message(question)
    }


BAD_NUMBERS = [
    "abc",
    "-1",
    "1.5",
    "",
    " 7",
    "1_0",
    "+1",
    "٣",
    "9223372036854775808",
    "9" * 5000,
    "\x00",
    "1e3",
]


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_a_bad_number_is_a_bad_request(call: Call, general: Room, alice: User, number: str) -> None:
    for name in ("before", "after", "around", "limit"):
        assert error(call(alice, "GET", f"/api/rooms/{general.pk}/messages", **{name: number})) == (
            400,
            "bad_request",
        )
    assert error(call(alice, "GET", f"/api/rooms/{general.pk}/members", after=number)) == (
        400,
        "bad_request",
    )
    assert error(call(alice, "GET", "/api/rooms/", after=number)) == (400, "bad_request")


def test_two_directions_at_once_are_none(call: Call, general: Room, alice: User) -> None:
    assert error(call(alice, "GET", f"/api/rooms/{general.pk}/messages", before=1, after=1)) == (
        400,
        "bad_request",
    )


def test_the_largest_numbers_are_just_numbers(
    call: Call, general: Room, alice: User, say: Say
) -> None:
    say(alice, general, "Hello")
    for name, count in [("before", 1), ("after", 0), ("around", 1)]:
        found = call(alice, "GET", f"/api/rooms/{general.pk}/messages", **{name: 2**63 - 1})
        assert len(found.json()["messages"]) == count


@pytest.mark.parametrize(
    "ident", ["0", "999", "9223372036854775807", "9223372036854775808", "9" * 1000]
)
def test_unknown_ids_are_not_found(call: Call, general: Room, alice: User, ident: str) -> None:
    for method, path, data in [
        ("GET", f"/api/rooms/{ident}/", None),
        ("PATCH", f"/api/rooms/{ident}/", {"name": "x"}),
        ("GET", f"/api/rooms/{ident}/messages", None),
        ("GET", f"/api/rooms/{ident}/members", None),
        ("POST", f"/api/rooms/{ident}/members", {"username": "bob"}),
        ("PATCH", f"/api/rooms/{ident}/members/{alice.pk}", {"role": "member"}),
        ("PATCH", f"/api/rooms/{general.pk}/members/{ident}", {"role": "member"}),
        ("PATCH", f"/api/rooms/{general.pk}/members/{ident}", {"state": "banned"}),
        ("PATCH", f"/api/rooms/{ident}/membership", {"involvement": "nothing"}),
        ("GET", f"/api/messages/{ident}/", None),
    ]:
        assert error(call(alice, method, path, data)) == (404, "not_found"), path


# -- people ----------------------------------------------------------------------------------------


def test_members_are_listed_and_invited(
    call: Call, secret: Room, alice: User, bob: User, charlie: User
) -> None:
    path = f"/api/rooms/{secret.pk}/members"
    answer = call(alice, "POST", path, {"username": "charlie"})
    assert answer.status_code == 201
    assert answer.json() == {"membership": payloads.membership(membership(secret, charlie))}
    services.join(actor_id=charlie.pk, room_id=secret.pk)
    first = call(bob, "GET", path, limit=2).json()
    assert ([row["user"]["username"] for row in first["members"]], first["more"]) == (
        ["alice", "bob"],
        True,
    )
    assert first["member_count"] == 3
    rest = call(bob, "GET", path, after=bob.pk).json()
    assert ([row["user"]["username"] for row in rest["members"]], rest["more"]) == (
        ["charlie"],
        False,
    )


def test_members_are_promoted_muted_removed_and_banned(
    call: Call, general: Room, alice: User, bob: User
) -> None:
    path = f"/api/rooms/{general.pk}/members/{bob.pk}"

    def change(**values: Any) -> dict[str, Any]:
        return call(alice, "PATCH", path, values).json()["membership"]  # type: ignore[no-any-return]

    assert change(role="moderator", reason="helps")["role"] == "moderator"
    assert change(muted_for=60)["muted_until"] is not None
    assert change(muted_for=0)["muted_until"] is None
    assert change(state="banned", reason="spam")["state"] == "banned"
    assert change(state="active")["state"] == "left"
    services.join(actor_id=bob.pk, room_id=general.pk)
    assert change(state="removed")["state"] == "removed"
    for wrong in (
        {},
        {"role": "moderator", "muted_for": 1},
        {"state": "left"},
        {"state": "gone"},
        {"role": "king"},
        {"muted_for": -1},
        {"muted_for": "1"},
    ):
        assert error(call(alice, "PATCH", path, wrong)) == (400, "bad_request")


def test_my_own_membership(call: Call, general: Room, bob: User, charlie: User) -> None:
    path = f"/api/rooms/{general.pk}/membership"
    assert (
        call(bob, "PATCH", path, {"involvement": "nothing"}).json()["membership"]["involvement"]
        == "nothing"
    )
    changed = call(bob, "PATCH", path, {"favourite": True, "favourite_order": 1.5}).json()[
        "membership"
    ]
    assert (changed["favourite"], changed["favourite_order"]) == (True, 1.5)
    assert call(bob, "GET", f"/api/rooms/{general.pk}/").json()["membership"] == changed
    assert (
        "favourite" not in call(bob, "GET", f"/api/rooms/{general.pk}/members").json()["members"][0]
    )
    muted = call(bob, "PATCH", path, {"quiet_for": 3600}).json()["membership"]
    assert muted["quiet_until"] > timezone.now().isoformat()
    assert call(bob, "PATCH", path, {"quiet_for": 0}).json()["membership"]["quiet_until"] is None
    for wrong in (
        {"involvement": "loud"},
        {"quiet_for": -1},
        {"quiet_for": "3600"},
        {"quiet_for": 367 * 24 * 3600},
        {"quiet_for": 60, "involvement": "nothing"},
        {},
        {"favourite": 1},
        {"favourite_order": 1},
        {"favourite": True, "favourite_order": 1e10},
        {"favourite": True, "involvement": "nothing"},
    ):
        assert error(call(bob, "PATCH", path, wrong)) == (400, "bad_request"), wrong
    assert error(call(charlie, "PATCH", path, {"involvement": "nothing"})) == (403, "forbidden")


def test_my_display(call: Call, bob: User) -> None:
    shown = call(bob, "GET", "/api/display").json()["display"]
    assert (shown["theme"], shown["language"], shown["seq"]) == ("device", "", 0)
    changed = call(bob, "PATCH", "/api/display", {"theme": "dark", "folded": ["directs"]}).json()
    assert changed["display"] == call(bob, "GET", "/api/display").json()["display"]
    assert changed["display"]["folded"] == ["directs"]
    for wrong in ({"theme": 1}, {"theme": "pink"}, {"colour": "red"}, {"folded": "rooms"}):
        assert error(call(bob, "PATCH", "/api/display", wrong)) == (400, "bad_request"), wrong


def test_people_are_suggested(call: Call, alice: User, bob: User) -> None:
    assert call(bob, "GET", "/api/users/", q="al").json() == {
        "users": [{"id": alice.pk, "username": "alice", "name": "Alice"}]
    }
    assert error(call(bob, "GET", "/api/users/", q="\0")) == (400, "bad_request")
    assert error(call(bob, "GET", "/api/users/", q="x" * 151)) == (400, "bad_request")


# -- bad bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"nul",
        b'{"name": "a\\u0000b", "kind": "public"}',
        b'{"name": "\\ud800", "kind": "public"}',
        b'{"name": "\xff", "kind": "public"}',
        b"[" * 5000,
    ],
)
def test_a_bad_body_is_a_bad_request(call: Call, alice: User, raw: bytes) -> None:
    assert error(call(alice, "POST", "/api/rooms/", raw)) == (400, "bad_request")


@pytest.mark.parametrize(
    "path",
    ["/api/rooms/", "/api/rooms/1/", "/api/rooms/1/messages", "/api/users/", "/api/messages/1/"],
)
def test_strangers_get_nothing(db: None, path: str) -> None:
    assert error(Client().get(path)) == (401, "not_authenticated")
