"""Making rooms, direct conversations, and changing what rooms are."""

import re
from itertools import product

import pytest
from django.contrib.auth.models import User

from chat import policies, services
from chat.errors import ReadOnly
from chat.models import SLUG_MAX_LENGTH, ModerationLog, Room
from chat.pages import urls
from chat.services.rooms import direct as conversations
from chat.services.rooms import rooms
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, TooMany
from realtime.protocol.page import AccessEnd
from tests.chat.conftest import Say, fresh, membership
from tests.conftest import make_user
from tests.support.replay import Verify


def test_the_creator_of_a_room_owns_it(verify: Verify, alice: User) -> None:
    with verify() as change:
        made = services.create_room(
            actor_id=alice.pk, name="  Long   walks ", topic="Where to?", kind="private"
        )
    room = fresh(made.room)
    assert re.fullmatch("long-walks-[0-9a-f]{6}", room.slug)  # nobody guesses a private one
    assert (room.name, room.topic, room.kind, room.member_count) == (
        "Long walks",
        "Where to?",
        "private",
        1,
    )
    assert (made.role, made.state, made.user_id) == ("owner", "active", alice.pk)
    assert change.kinds(f"room.{room.pk}") == ["room", "membership"]
    assert change.kinds(f"inbox.{alice.pk}") == ["membership"]


def test_a_name_that_is_taken_gets_a_number(alice: User) -> None:
    slugs = [
        services.create_room(actor_id=alice.pk, name=name).room.slug
        for name in ("Über uns", "Über (uns)", "Über: uns", "茶", "茶茶")
    ]
    assert slugs == ["uber-uns", "uber-uns-2", "uber-uns-3", "room", "room-2"]


def test_a_slug_that_was_taken_at_the_same_moment_gets_a_number(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = rooms._create

    def after_somebody_else(room: Room, actor_id: int) -> object:
        if room.slug == "walks":
            Room.objects.create(slug="walks", name="Walks")
        return create(room, actor_id)

    monkeypatch.setattr(rooms, "_create", after_somebody_else)
    assert services.create_room(actor_id=alice.pk, name="Walks").room.slug == "walks-2"


def test_after_the_numbers_come_slugs_that_nobody_has(alice: User) -> None:
    slugs = [
        services.create_room(actor_id=alice.pk, name="茶" * (number + 1)).room.slug
        for number in range(rooms.MAX_NUMBERED_SLUGS + 2)
    ]
    assert slugs[-3] == f"room-{rooms.MAX_NUMBERED_SLUGS}"
    assert all(re.fullmatch(r"room-[0-9a-f]{6}", slug) for slug in slugs[-2:])
    longest = [
        services.create_room(actor_id=alice.pk, name="a" * 78 + first + second).room.slug
        for first, second in list(product("茶水火木金", repeat=2))[: rooms.MAX_NUMBERED_SLUGS + 1]
    ]
    assert len(longest[-1]) == SLUG_MAX_LENGTH


def test_names_do_not_run_out_unnoticed(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MAX_NUMBERED_SLUGS", 2)
    monkeypatch.setattr(rooms, "MAX_RANDOM_SLUGS", 0)
    for name in ("Walks", "(Walks)"):
        services.create_room(actor_id=alice.pk, name=name)
    with pytest.raises(BadRequest, match="walks is already taken"):
        services.create_room(actor_id=alice.pk, name="[Walks]")


def test_no_room_takes_an_address_of_ours(alice: User) -> None:
    assert services.create_room(actor_id=alice.pk, name="New").room.slug == "new-2"
    with pytest.raises(BadRequest, match="slug: new is reserved"):
        services.create_room(actor_id=alice.pk, name="News", slug="new")


def test_the_addresses_of_ours_are_those_that_are_served() -> None:
    literal = re.compile(r"rooms/([-\w]+)/")
    assert {
        found[1] for route in urls.urlpatterns if (found := literal.match(str(route.pattern)))
    } == policies.RESERVED_SLUGS


def test_a_slug_can_be_chosen(alice: User) -> None:
    assert (
        services.create_room(actor_id=alice.pk, name="Walks", slug="long-2").room.slug == "long-2"
    )
    for slug in ("long-2", "Long", "a_b", "-a", "a--b", "direct_1_2", "a" * 81, "ü"):
        with pytest.raises(BadRequest, match="slug"):
            services.create_room(actor_id=alice.pk, name="Other walks", slug=slug)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \u200b"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a", "topic": "x" * 251}, "topic"),
        ({"name": "a", "kind": "direct"}, "kind"),
        ({"name": "a", "kind": "secret"}, "kind"),
    ],
)
def test_a_room_needs_a_name(alice: User, values: dict[str, str], field: str) -> None:
    with pytest.raises(BadRequest, match=field):
        services.create_room(actor_id=alice.pk, **values)
    assert not Room.objects.exists()


def test_a_deactivated_account_makes_no_room(alice: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(NotFound):
        services.create_room(actor_id=alice.pk, name="Walks")
    assert not Room.objects.exists()


def test_nobody_is_in_more_rooms_than_a_list_shows(
    general: Room, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_ROOMS_PER_USER", 1)
    with pytest.raises(TooMany):
        services.create_room(actor_id=alice.pk, name="Walks")
    with pytest.raises(TooMany):
        services.direct_room(actor_id=alice.pk, user_id=bob.pk)
    services.leave(actor_id=bob.pk, room_id=general.pk)
    services.create_room(actor_id=bob.pk, name="Walks")
    with pytest.raises(TooMany):
        services.join(actor_id=bob.pk, room_id=general.pk)


# -- direct rooms ----------------------------------------------------------------------------------


def test_two_people_have_one_conversation(verify: Verify, alice: User, bob: User) -> None:
    with verify() as change:
        mine = services.direct_room(actor_id=alice.pk, user_id=bob.pk)
    assert (mine.user_id, mine.role, mine.involvement) == (alice.pk, "member", "everything")
    assert change.kinds(f"room.{mine.room_id}") == ["room", "membership", "membership"]
    with verify() as change:
        theirs = services.direct_room(actor_id=bob.pk, user_id=alice.pk)
    assert (theirs.room_id, theirs.user_id) == (mine.room_id, bob.pk)
    assert change.streams == []
    room = fresh(mine.room)
    assert (room.kind, room.name, room.member_count) == ("direct", "", 2)


def test_a_conversation_that_was_made_at_the_same_moment_is_found(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = services.direct_room(actor_id=bob.pk, user_id=alice.pk)
    find, blind = conversations._membership, [True]
    monkeypatch.setattr(
        conversations,
        "_membership",
        lambda key, user_id: None if blind and blind.pop() else find(key, user_id),
    )
    assert services.direct_room(actor_id=alice.pk, user_id=bob.pk).room_id == there.room_id


def test_nobody_talks_to_themselves_or_to_nobody(alice: User, bob: User) -> None:
    with pytest.raises(BadRequest):
        services.direct_room(actor_id=alice.pk, user_id=alice.pk)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    for user_id in (bob.pk, 0, -1, 10**30):
        with pytest.raises(NotFound):
            services.direct_room(actor_id=alice.pk, user_id=user_id)


def test_a_conversation_of_two_has_no_owner(
    direct: Room, alice: User, bob: User, mona: User
) -> None:
    for actor in (alice, bob, mona):
        with pytest.raises((Forbidden, NotFound)):
            services.change_room(actor_id=actor.pk, room_id=direct.pk, name="Ours")
        with pytest.raises((Forbidden, NotFound)):
            services.ban(actor_id=actor.pk, room_id=direct.pk, user_id=bob.pk)
    with pytest.raises(Forbidden):
        services.leave(actor_id=alice.pk, room_id=direct.pk)
    make_user("dora")
    with pytest.raises(Forbidden):
        services.invite(actor_id=alice.pk, room_id=direct.pk, username="dora")


# -- changes ---------------------------------------------------------------------------------------


def test_owners_and_moderators_change_a_room(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, general, "Hello")
    with verify() as change:
        room = services.change_room(
            actor_id=alice.pk,
            room_id=general.pk,
            name="Plaza",
            topic="All",
            slow_mode=5,
            read_only=True,
            reason="spring",
        )
    assert (room.name, room.topic, room.slow_mode, room.read_only) == ("Plaza", "All", 5, True)
    assert room.slug == "general"  # addresses stay
    [data] = change.data(f"room.{general.pk}")
    assert (data["name"], data["last_number"]) == ("Plaza", 1)
    assert list(
        ModerationLog.objects.order_by("pk").values_list("action", "reason", "details")
    ) == [
        ("rename", "spring", {"name": ["General", "Plaza"]}),
        ("topic", "spring", {"topic": ["", "All"]}),
        ("slow_mode", "spring", {"seconds": 5}),
        ("lock", "spring", {}),
    ]
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    assert (
        services.change_room(actor_id=bob.pk, room_id=general.pk, read_only=False).read_only
        is False
    )


def test_another_topic_is_not_called_another_name(general: Room, alice: User) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, name="General", topic="All")
    [entry] = ModerationLog.objects.all()
    assert (entry.action, entry.get_action_display(), entry.details) == (
        "topic",
        "Topic changed",
        {"topic": ["", "All"]},
    )


def test_what_is_already_so_is_no_change(verify: Verify, general: Room, alice: User) -> None:
    with verify() as change:
        services.change_room(
            actor_id=alice.pk,
            room_id=general.pk,
            name="General",
            slow_mode=0,
            read_only=False,
            archived=False,
        )
        services.change_room(actor_id=alice.pk, room_id=general.pk)
    assert change.streams == []
    assert not ModerationLog.objects.exists()


def test_permission_to_change_a_room(
    general: Room, secret: Room, bob: User, charlie: User, mona: User
) -> None:
    for actor, room, error in [
        (bob, general, Forbidden),
        (charlie, general, Forbidden),
        (bob, secret, Forbidden),
        (charlie, secret, NotFound),
    ]:
        with pytest.raises(error):
            services.change_room(actor_id=actor.pk, room_id=room.pk, name="Mine")
    assert services.change_room(actor_id=mona.pk, room_id=secret.pk, read_only=True).read_only


@pytest.mark.parametrize(
    "values",
    [
        {"slow_mode": -1},
        {"slow_mode": 10**30},
        {"slow_mode": 6 * 3600 + 1},
        {"name": ""},
        {"topic": "x" * 251},
    ],
)
def test_a_change_is_checked(general: Room, alice: User, values: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        services.change_room(actor_id=alice.pk, room_id=general.pk, **values)  # type: ignore[arg-type]


def test_an_archived_room_ends_all_subscriptions_and_can_come_back(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    with pytest.raises(Forbidden):
        services.change_room(actor_id=bob.pk, room_id=general.pk, archived=True)
    with verify() as change:
        services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
        services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
    assert change.ends(f"room.{general.pk}") == [AccessEnd(None, None, None, "archived")]
    with verify() as change:
        with pytest.raises(ReadOnly):
            services.change_room(actor_id=alice.pk, room_id=general.pk, name="New")
        services.change_room(actor_id=alice.pk, room_id=general.pk, archived=False)
    assert change.ends(f"room.{general.pk}") == []
    assert fresh(general).archived_at is None
    assert membership(general, alice).role == "owner"


@pytest.mark.parametrize("room_id", [0, -1, 10**30, 2**63, 999])
def test_there_is_no_such_room(alice: User, room_id: int) -> None:
    with pytest.raises(NotFound):
        services.change_room(actor_id=alice.pk, room_id=room_id, name="x")
    with pytest.raises(NotFound):
        services.join(actor_id=alice.pk, room_id=room_id)
    with pytest.raises(NotFound):
        services.leave(actor_id=alice.pk, room_id=room_id)
    with pytest.raises(NotFound):
        services.set_involvement(actor_id=alice.pk, room_id=room_id, involvement="nothing")
