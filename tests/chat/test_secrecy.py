"""Answers about secret rooms are exactly those about rooms that do not exist.

The same request names a private room, the conversation of two others, and nothing at all. Charlie
is an outsider; Mona moderates the site, which opens private rooms to her, but no conversation.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.api.handlers import commands
from chat.models import Room
from realtime.core import database
from realtime.core import writer as writers
from realtime.core.commands import Caller
from realtime.engine import hub as hubs
from realtime.protocol.errors import HoldfastError, NotFound
from tests.chat.conftest import Say
from tests.conftest import make_user

NOTHING = 987_654  # no room, message or person has this id

# Requests about a room. USER is a person in some of them, and nobody in others.
ROOM_REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/api/rooms/ROOM/", None),
    ("PATCH", "/api/rooms/ROOM/", {"topic": "x"}),
    ("PATCH", "/api/rooms/ROOM/", {"archived": True}),
    ("GET", "/api/rooms/ROOM/messages", None),
    ("GET", "/api/rooms/ROOM/messages?around=1", None),
    ("GET", "/api/rooms/ROOM/messages?after=0", None),
    ("GET", "/api/rooms/ROOM/members", None),
    ("POST", "/api/rooms/ROOM/members", {"username": "alice"}),
    ("POST", "/api/rooms/ROOM/members", {"username": "nobody"}),
    ("PATCH", "/api/rooms/ROOM/membership", {"involvement": "nothing"}),
    ("PATCH", "/api/rooms/ROOM/membership", {"favourite": True}),
    ("POST", "/api/rooms/ROOM/invitations", {"seconds": 3600, "max_uses": 1}),
    ("GET", "/api/rooms/ROOM/invitations", None),
    ("DELETE", "/api/rooms/ROOM/invitations/1", None),
    ("GET", "/api/rooms/?after=ROOM", None),
    ("GET", "/api/rooms/directory?after=ROOM", None),
    ("GET", "/api/inbox/excerpts?subjects=room.ROOM.1", None),
    *(
        (method, path.replace("USER", user), body)
        for user in ("ALICE", "CHARLIE", str(NOTHING))
        for method, path, body in (
            ("GET", "/api/rooms/ROOM/members/USER", None),
            ("PATCH", "/api/rooms/ROOM/members/USER", {"role": "member"}),
            ("PATCH", "/api/rooms/ROOM/members/USER", {"muted_for": 60}),
            ("PATCH", "/api/rooms/ROOM/members/USER", {"state": "removed"}),
            ("PATCH", "/api/rooms/ROOM/members/USER", {"state": "banned"}),
            ("PATCH", "/api/rooms/ROOM/members/USER", {"state": "active"}),
            ("POST", "/api/rooms/ROOM/owner", {"user": "USER"}),
        )
    ),
]
COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("message.post", {"room": "ROOM", "key": "KEY", "body": "x"}),
    ("message.post", {"room": "ROOM", "key": "KEY", "body": "x", "reply_to": "MESSAGE"}),
    ("message.edit", {"message": "MESSAGE", "body": "x"}),
    ("message.delete", {"message": "MESSAGE"}),
    ("message.react", {"message": "MESSAGE", "emoji": "👍", "on": True}),
    ("message.report", {"message": "MESSAGE", "category": "spam"}),
    ("room.join", {"room": "ROOM"}),
    ("room.leave", {"room": "ROOM"}),
    ("room.read", {"room": "ROOM", "number": 1}),
    ("room.unread", {"room": "ROOM", "number": 1}),
    ("room.typing", {"room": "ROOM"}),
    ("room.presence", {"room": "ROOM"}),
]


@pytest.fixture
def places(
    secret: Room, direct: Room, alice: User, charlie: User, say: Say
) -> dict[str, tuple[int, int]]:
    """The id of each kind of room and of a message in it."""
    return {
        "private": (secret.pk, say(alice, secret, "xyzzy").pk),
        "direct": (direct.pk, say(alice, direct, "xyzzy").pk),
        "nothing": (NOTHING, NOTHING),
    }


def filled(text: str, room: int, names: dict[str, str]) -> str:
    text = text.replace("ROOM", str(room))
    for name, value in names.items():
        text = text.replace(f'"{name}"', value).replace(name, value)
    return text


@pytest.mark.parametrize(("method", "path", "body"), ROOM_REQUESTS)
def test_a_request_about_a_room_is_answered_alike(
    client: Client,
    places: dict[str, tuple[int, int]],
    alice: User,
    charlie: User,
    method: str,
    path: str,
    body: Any,
) -> None:
    client.force_login(charlie)
    names = {"ALICE": str(alice.pk), "CHARLIE": str(charlie.pk), "USER": str(alice.pk)}
    answers = {}
    for kind, (room, _) in places.items():
        sent = filled(json.dumps(body), room, names) if body is not None else None
        answer = client.generic(
            method, filled(path, room, names), sent or "", content_type="application/json"
        )
        answers[kind] = (answer.status_code, answer.content.replace(str(room).encode(), b"ROOM"))
    assert answers["private"] == answers["direct"] == answers["nothing"]
    assert b"xyzzy" not in answers["private"][1]


@pytest.mark.parametrize("path", ["/api/messages/MESSAGE/", "/rooms/SLUG/", "/rooms/SLUG/1/"])
def test_a_message_and_a_page_are_answered_alike(
    client: Client,
    places: dict[str, tuple[int, int]],
    secret: Room,
    direct: Room,
    charlie: User,
    path: str,
) -> None:
    client.force_login(charlie)
    client.get("/accounts/")  # the first page of all names the epoch
    slugs = {"private": secret.slug, "direct": direct.slug, "nothing": "void"}
    answers = set()
    for kind, (_, message) in places.items():
        asked = path.replace("MESSAGE", str(message)).replace("SLUG", slugs[kind])
        answer = client.get(asked)
        text = answer.content.decode().replace(asked, "PATH")
        answers.add((answer.status_code, text.replace(slugs[kind], "SLUG")))
    (found,) = answers
    assert found[0] == 404


@pytest.fixture
async def hub(transactional_db: None) -> AsyncIterator[None]:
    await hubs.started()
    yield
    await hubs.stop()
    writers.close_all()
    database.close()


@pytest.mark.django_db(transaction=True)
async def test_a_command_is_answered_alike(
    hub: None, secret: Room, direct: Room, alice: User, charlie: User, say: Say
) -> None:
    messages = [(await sync_to_async(say)(alice, room, "xyzzy")).pk for room in (secret, direct)]
    places = [(secret.pk, messages[0]), (direct.pk, messages[1]), (NOTHING, NOTHING)]
    for name, fields in COMMANDS:
        answers = set()
        for room, message in places:
            values: dict[str, Any] = {"ROOM": room, "MESSAGE": message, "KEY": str(uuid4())}
            raw = {
                field: values.get(value, value) if isinstance(value, str) else value
                for field, value in fields.items()
            }
            try:
                caller = Caller(charlie.pk, charlie.username, "session:1")
                await commands.find(name).run(caller, {"id": 1, "command": name, **raw})
                answers.add("accepted")
            except HoldfastError as error:
                answers.add(f"{error.code}: {error.message}")
        assert len(answers) == 1, (name, answers)


def test_no_name_of_a_room_betrays_a_private_one(client: Client, alice: User, bob: User) -> None:
    made = services.create_room(actor_id=alice.pk, name="Layoffs", kind="private").room
    assert made.slug.startswith("layoffs-")
    client.force_login(bob)

    def create(**fields: str) -> Any:
        return client.post("/api/rooms/", fields, content_type="application/json")

    assert create(name="Layoffs", kind="public").json()["room"]["slug"] == "layoffs"
    assert create(name="Other", kind="private", slug="x").status_code == 400


# -- moderators of the site ------------------------------------------------------------------------


def moderator_acts(room: int, message: int, user: int, mona: int) -> list[Callable[[], Any]]:
    target: dict[str, Any] = {"actor_id": mona, "room_id": room, "user_id": user}
    return [
        lambda: services.set_role(role="member", **target),
        lambda: services.mute(seconds=60, **target),
        lambda: services.remove(**target),
        lambda: services.ban(**target),
        lambda: services.unban(**target),
        lambda: services.change_room(actor_id=mona, room_id=room, topic="x"),
        lambda: services.make_invite_link(actor_id=mona, room_id=room, seconds=3600, max_uses=1),
        lambda: services.check_may_see_links(actor_id=mona, room_id=room),
        lambda: services.delete_message(actor_id=mona, message_id=message),
        lambda: services.restore_message(actor_id=mona, message_id=message),
        lambda: services.hide_message(actor_id=mona, message_id=message),
    ]


def test_a_site_moderator_learns_nothing_of_the_conversations_of_others(
    places: dict[str, tuple[int, int]], alice: User, mona: User
) -> None:
    (room, message) = places["direct"]
    conversation = moderator_acts(room, message, alice.pk, mona.pk)
    nothing = moderator_acts(NOTHING, NOTHING, alice.pk, mona.pk)
    for asked, made_up in zip(conversation, nothing, strict=True):
        said = []
        for attempt in (asked, made_up):
            with pytest.raises(NotFound) as refused:
                attempt()
            said.append(refused.value.message)
        assert said[0] == said[1]


def test_a_report_opens_one_message_of_a_conversation(
    direct: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    message, other = say(alice, direct, "a threat"), say(alice, direct, "private")
    services.report(actor_id=bob.pk, message_id=message.pk, category="abuse")
    services.delete_message(actor_id=mona.pk, message_id=message.pk)
    services.restore_message(actor_id=mona.pk, message_id=message.pk)
    with pytest.raises(NotFound):
        services.delete_message(actor_id=mona.pk, message_id=other.pk)


def test_a_site_moderator_opens_a_private_room_after_a_report(
    secret: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    link: dict[str, Any] = {"actor_id": mona.pk, "room_id": secret.pk}
    with pytest.raises(HoldfastError, match="reported a message"):
        services.make_invite_link(seconds=3600, max_uses=1, **link)
    message = say(alice, secret, "a threat")
    services.report(actor_id=bob.pk, message_id=message.pk, category="abuse")
    made = services.make_invite_link(seconds=3600, max_uses=1, **link)
    assert services.join_by_link(actor_id=mona.pk, token=made.token).state == "active"


# -- after a ban -----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["ban", "remove", "leave"])
def test_an_old_key_is_answered_as_it_was_after_the_end_of_a_membership(
    secret: Room, alice: User, bob: User, say: Say, end: str
) -> None:
    key = uuid4()
    first = say(bob, secret, "Hello", key=key)
    if end == "leave":
        services.leave(actor_id=bob.pk, room_id=secret.pk)
    else:
        act = getattr(services, end)
        act(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk)
    services.react(actor_id=alice.pk, message_id=first.pk, emoji="👍", on=True)
    for room in (secret, services.create_room(actor_id=bob.pk, name="Mine").room):
        again = services.post_message(author_id=bob.pk, room_id=room.pk, body="Hello", key=key)
        assert again.duplicate
        assert again.data["reactions"] == {}
        assert (again.data["body"], again.data["number"]) == ("Hello", first.number)
    services.delete_message(actor_id=alice.pk, message_id=first.pk)
    again = services.post_message(author_id=bob.pk, room_id=secret.pk, body="Hello", key=key)
    assert (again.data["body"], again.data["deleted_at"]) == ("Hello", None)


def test_a_member_still_gets_a_message_as_it_is(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    key = uuid4()
    first = say(bob, general, "Hello", key=key)
    services.react(actor_id=alice.pk, message_id=first.pk, emoji="👍", on=True)
    again = services.post_message(author_id=bob.pk, room_id=general.pk, body="Hello", key=key)
    assert again.data["reactions"] == {"👍": [alice.pk]}


def test_the_forms_of_the_desk_find_no_conversation(direct: Room, mona: User, say: Say) -> None:
    from chat.admin.evidence import EvidenceForm
    from chat.admin.forms import InRoomForm

    stranger = make_user("stranger")
    message = say(User.objects.get(username="alice"), direct, "xyzzy")
    for slug in (direct.slug, f"direct_{stranger.pk}_{mona.pk}"):
        form = InRoomForm({"room_id": slug, "reason": "x"})
        assert form.errors["room_id"] == ["There is no room with this name."]
    said = [
        EvidenceForm({"message": pk, "reason": "x"}).errors["message"]
        for pk in (message.pk, NOTHING)
    ]
    assert said[0] == said[1]
