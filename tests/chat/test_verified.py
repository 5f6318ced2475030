"""*Snapshot + pages + events == fresh snapshot*, for every service.

Once for each service by name, and for random actions of many people.
"""

import ast
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from chat import services
from chat.models import Membership, Message, Room
from chat.services import Post, ReadMark
from realtime.protocol.errors import HoldfastError
from tests.chat.conftest import fresh
from tests.conftest import make_user
from tests.support.replay import Verify

STEPS = 150
EMOJI = ["👍", "🎉", "👀"]
TEXTS = ["Hello", "**bold** @alice", "@bob @charlie", "@room", "xyzzy", "", "line\nline"]


# Of the tests, which call a service; or another service, which calls it.
HELPERS = {
    "finish_erasures": "erase_person",
    "post_message": "say",
    "mute_by_filter": "say",
    "decide_held": "accept",
    "mark_read": "read",
    "group_room": "begin",
    "post_system_message": "announce",
}
WITHOUT_STREAM = {
    *(
        "assign",
        "release",
        "save_filter",
        "switch_filter",
        "delete_filter",
        "begin_removal",
        "begin_undo",
    ),
    "set_receipts",
    *("check_may_see_links", "make_invite_link", "revoke_invite_link"),
    # Only moderators read these.
    *("claim", "let_go", "write_note", "save_template", "delete_template"),
    *("report_person", "report_room", "appeal_removal", "appeal_ban", "appeal_mute"),
    *("appeal_refusal", "appeal_room_mute"),
}


def verified_calls() -> Iterator[str]:
    """Yield what is called inside ``with verify()`` in the tests of this folder."""
    for path in Path(__file__).parent.glob("test_*.py"):
        for block in ast.walk(ast.parse(path.read_text())):
            if isinstance(block, ast.With) and "verify" in ast.dump(block.items[0].context_expr):
                yield from (
                    name
                    for call in ast.walk(block)
                    if isinstance(call, ast.Call) and (name := name_of(call.func))
                )


def name_of(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def test_every_service_is_verified() -> None:
    called = set(verified_calls())
    doing = {name for name in services.__all__ if name[0].islower()}
    assert {name for name in doing if HELPERS.get(name, name) not in called} == WITHOUT_STREAM


@pytest.mark.parametrize("seed", range(3))
def test_whatever_people_do_is_replayed(
    verify: Verify, alice: User, bob: User, charlie: User, mona: User, seed: int
) -> None:
    chance = random.Random(seed)
    people = [alice, bob, charlie, mona, make_user("dora")]
    rooms = [
        services.create_room(actor_id=alice.pk, name=f"Room {kind}", kind=kind).room
        for kind in ("public", "private")
    ]
    rooms.append(services.direct_room(actor_id=bob.pk, user_id=charlie.pk).room)
    for _ in range(3):
        with verify():
            for _ in range(STEPS // 3):
                with suppress(HoldfastError):  # what is not allowed changes nothing
                    _act(chance, people, rooms)
    for room in map(fresh, rooms):
        assert room.member_count == Membership.objects.filter(room=room, state="active").count()
        numbers = (
            Message.objects.filter(room=room).order_by("number").values_list("number", flat=True)
        )
        assert list(numbers) == list(range(1, room.last_number + 1))


def _act(chance: random.Random, people: list[User], rooms: list[Room]) -> None:
    actor, other, room = chance.choice(people).pk, chance.choice(people), chance.choice(rooms).pk
    message = chance.choice([0, *Message.objects.values_list("pk", flat=True)])
    target: dict[str, Any] = {"actor_id": actor, "room_id": room, "user_id": other.pk}
    acts: list[Callable[[], Any]] = [
        *[
            lambda: services.post_messages(
                [_post(chance, people, rooms) for _ in range(chance.randint(1, 5))]
            )
        ]
        * 6,
        *[
            lambda: services.mark_read(
                [
                    ReadMark(user_id=user.pk, room_id=room, number=chance.randint(0, 30))
                    for user in people
                ]
            )
        ]
        * 2,
        *[
            lambda: services.react(
                actor_id=actor,
                message_id=message,
                emoji=chance.choice(EMOJI),
                on=chance.random() < 0.7,
            )
        ]
        * 3,
        *[
            lambda: services.edit_message(
                actor_id=actor, message_id=message, body=chance.choice(TEXTS)
            )
        ]
        * 3,
        *[lambda: services.delete_message(actor_id=actor, message_id=message)] * 2,
        lambda: services.report(actor_id=actor, message_id=message, category="spam"),
        lambda: services.hide_message(actor_id=actor, message_id=message),
        lambda: services.show_message(actor_id=actor, message_id=message),
        lambda: services.decide(
            actor_id=actor, message_id=message, status=chance.choice(["resolved", "dismissed"])
        ),
        lambda: services.restore_message(actor_id=actor, message_id=message),
        *[lambda: services.join(actor_id=actor, room_id=room)] * 3,
        lambda: services.leave(actor_id=actor, room_id=room),
        *[lambda: services.invite(actor_id=actor, room_id=room, username=other.username)] * 3,
        lambda: services.add_members(room_id=room, user_ids=[other.pk]),
        lambda: services.set_role(role=chance.choice(["owner", "moderator", "member"]), **target),
        lambda: services.set_involvement(
            actor_id=actor,
            room_id=room,
            involvement=chance.choice(["everything", "mentions", "nothing"]),
        ),
        lambda: services.set_quiet(actor_id=actor, room_id=room, seconds=chance.choice([0, 3600])),
        lambda: services.change_room(
            actor_id=actor,
            room_id=room,
            topic=str(chance.random()),
            archived=chance.choice([None, None, False, True]),
        ),
        lambda: services.mute(seconds=chance.choice([0, 60]), **target),
        lambda: services.remove(**target),
        lambda: services.ban(**target),
        *[lambda: services.unban(**target)] * 2,
        lambda: services.direct_room(actor_id=actor, user_id=other.pk),
        lambda: services.group_room(actor_id=actor, user_ids=[user.pk for user in people[:3]]),
        lambda: services.block(actor_id=actor, user_id=other.pk),
        *[lambda: services.unblock(actor_id=actor, user_id=other.pk)] * 2,
        lambda: services.take_over(actor_id=actor, room_id=room),
        lambda: services.transfer(actor_id=actor, room_id=room, user_id=other.pk),
        lambda: services.rename(user_id=other.pk, first_name=chance.choice(["Ada", "Bo", "Cy"])),
    ]
    chance.choice(acts)()


def _post(chance: random.Random, people: list[User], rooms: list[Room]) -> Post:
    return Post(
        author_id=chance.choice(people).pk,
        room_id=chance.choice(rooms).pk,
        key=uuid4(),
        body=chance.choice(TEXTS),
    )
