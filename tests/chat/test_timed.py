"""Mutes and bans that end by themselves, and what the streams show of it."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import services
from chat.errors import Muted
from chat.models import Membership, ModerationLog, Room, SiteBan, SiteMute
from chat.payloads import moment
from chat.queries import members, room_lists, rooms, snapshots, stream_sources
from chat.queries.room_lists import directory
from chat.queries.search import index
from chat.queries.search.query import parse
from realtime.auth import banned
from realtime.core.streams import Claim, Reader
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound
from tests.chat.conftest import Say, bring, membership, notices
from tests.support.replay import Change, Verify

HOUR = 3600


def time_passes(**model_until: Any) -> None:
    """Let everything that has an end have ended a moment ago."""
    past = timezone.now() - timedelta(seconds=1)
    Membership.objects.exclude(banned_until=None).update(banned_until=past)
    SiteBan.objects.exclude(until=None).update(until=past)
    SiteMute.objects.update(until=past)


def may_follow(user: User, room: Room) -> bool:
    return not stream_sources.authorise([Claim(Reader(user.pk), str(room.pk))])


def api(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_ban_from_a_room_ends_by_itself(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    with verify() as change:
        row = services.ban(
            actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=HOUR, reason="spam"
        )
    told = change.data(f"room.{general.pk}")[-1]
    assert (told["state"], told["banned_until"][:13]) == (
        "banned",
        row.banned_until.isoformat()[:13] if row.banned_until else "",
    )
    assert "until" in notices(bob)[-1][1]
    assert ModerationLog.objects.latest("pk").details["until"]
    assert not may_follow(bob, general)
    with pytest.raises(Forbidden):
        services.join(actor_id=bob.pk, room_id=general.pk)
    assert general.pk not in [listed.room.pk for listed in room_lists.public_rooms(bob.pk)[0]]
    time_passes()
    assert may_follow(bob, general)
    assert general.pk in [listed.room.pk for listed in room_lists.public_rooms(bob.pk)[0]]
    snapshots.snapshot(general.pk, bob.pk)
    with verify() as change:
        services.join(actor_id=bob.pk, room_id=general.pk)
    assert "banned_until" not in change.data(f"room.{general.pk}")[-1]
    assert membership(general, bob).banned_until is None
    with verify():
        services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    assert membership(general, bob).banned_until is None


def test_search_and_directory_show_a_room_again_after_a_ban(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, general, "The treasure")
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=HOUR)
    for q in ("treasure", "from:alice"):
        assert found(bob, q) == []
    with pytest.raises(BadRequest, match="in:"):
        found(bob, "in:general")
    assert directory(bob.pk)[0] == []
    assert api(bob).get("/rooms/general/").status_code == 403
    time_passes()
    for q in ("treasure", "from:alice", "in:general"):
        assert found(bob, q) == ["The treasure"]
    assert [shown.room for shown in directory(bob.pk)[0]] == [general]
    assert api(bob).get("/rooms/general/").status_code == 200


def found(user: User, q: str) -> list[str]:
    return [message.body for message in index.find(user.pk, parse(q)).messages]


def test_a_link_admits_a_user_whose_ban_has_ended(
    verify: Verify, secret: Room, alice: User, bob: User
) -> None:
    token = services.make_invite_link(
        actor_id=alice.pk, room_id=secret.pk, seconds=HOUR, max_uses=1
    ).token
    services.ban(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk, seconds=HOUR)
    with pytest.raises(Forbidden):
        services.join_by_link(actor_id=bob.pk, token=token)
    assert api(bob).get(f"/invite/{token}/").status_code == 403
    time_passes()
    assert api(bob).get(f"/invite/{token}/").status_code == 200
    with verify():
        services.join_by_link(actor_id=bob.pk, token=token)
    assert may_follow(bob, secret)


def test_a_user_whose_ban_has_ended_can_be_invited_to_a_private_room(
    secret: Room, alice: User, bob: User
) -> None:
    services.ban(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk, seconds=HOUR)
    with pytest.raises(Forbidden):
        services.invite(actor_id=alice.pk, room_id=secret.pk, username="bob")
    assert services.add_members(room_id=secret.pk, user_ids=[bob.pk]) == 0
    time_passes()
    assert not may_follow(bob, secret)  # out, like a member who left
    bring(alice, secret, bob)
    assert may_follow(bob, secret)


def test_an_operator_can_add_a_user_whose_ban_has_ended(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=HOUR)
    time_passes()
    with verify():
        assert services.add_members(room_id=general.pk, user_ids=[bob.pk]) == 1
    assert membership(general, bob).banned_until is None


def test_a_ban_can_be_made_longer_or_lifted_before_its_time(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=HOUR)
    with verify():
        row = services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    assert row.banned_until is None
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=HOUR)
    with verify():
        assert (
            services.unban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk).banned_until
            is None
        )


def test_a_ban_from_the_site_ends_by_itself(
    general: Room, alice: User, bob: User, mona: User
) -> None:
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, seconds=HOUR, reason="spam")
    assert "until" in str(banned([bob.pk])[bob.pk])
    assert api(bob).get("/api/rooms/").status_code == 403
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, seconds=2 * HOUR, reason="more")
    assert SiteBan.objects.count() == 1
    time_passes()
    assert banned([bob.pk]) == {}
    assert api(bob).get("/api/rooms/").status_code == 200
    with pytest.raises(NotFound):
        services.site_unban(actor_id=mona.pk, user_id=bob.pk)
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="again")
    assert list(SiteBan.objects.order_by("pk").values_list("lifted_at", "until"))[1] == (None, None)
    assert SiteBan.objects.exclude(lifted_at=None).count() == 1
    assert str(banned([bob.pk])[bob.pk]) == "You've been banned. Reason: again"


def test_a_user_muted_on_the_site_can_post_nowhere(
    verify: Verify, general: Room, direct: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    mine = say(bob, general, "before")
    with verify():
        until = services.site_mute(
            actor_id=mona.pk, user_id=bob.pk, seconds=HOUR, reason="calm down"
        )
    assert until is not None
    for act in (
        lambda: say(bob, general, "x"),
        lambda: say(bob, direct, "x"),
        lambda: services.edit_message(actor_id=bob.pk, message_id=mine.pk, body="x"),
        lambda: services.react(actor_id=bob.pk, message_id=mine.pk, emoji="👍", on=True),
        lambda: rooms.writable_room(general.pk, bob.pk),
    ):
        with pytest.raises(Muted) as refused:
            act()
        assert 3590 < (refused.value.retry_after or 0) <= HOUR
    say(alice, general, "others do")
    assert "muted you in all rooms until" in notices(bob)[-1][1]
    time_passes()
    say(bob, general, "and so does Bob again")
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=HOUR)
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=0)
    say(bob, direct, "or when it is lifted")
    assert services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=0) is None
    assert list(ModerationLog.objects.order_by("pk").values_list("action", flat=True)) == [
        "site_mute",
        "site_mute",
        "site_unmute",
    ]


def test_the_inbox_shows_until_when_a_user_is_muted_on_the_site(
    verify: Verify, general: Room, alice: User, bob: User, mona: User
) -> None:
    def told(change: Change) -> list[Any]:
        assert change.streams == [f"inbox.{bob.pk}"], "nobody else hears of it"
        return [row["data"] for row in change.rows(f"inbox.{bob.pk}") if row["kind"] == "site_mute"]

    def asked() -> Any:
        boot = json.loads(
            re.findall(
                r'id="boot"[^>]*>(.*?)</script>', api(bob).get("/rooms/general/").content.decode()
            )[0]
        )
        answer = api(bob).get("/api/site-mute/").json()
        assert boot["site_mute"] == answer["site_mute"]
        assert boot["inbox"]["seq"] == answer["seq"]
        return answer["site_mute"]

    assert asked() is None
    with verify() as change:
        until = services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=HOUR)
        longer = services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=2 * HOUR)
    assert [row["muted_until"] for row in told(change)] == [moment(until), moment(longer)]
    assert asked() == told(change)[-1]
    with verify() as change:
        services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=0)
    assert [row["muted_until"] for row in told(change)] == [None]
    assert asked() == told(change)[-1]
    with verify() as change:
        services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=0)
    assert change.streams == [], "nothing was left to be lifted"
    with verify() as change:
        services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=HOUR)
    assert [row["id"] for row in told(change)] == [bob.pk]


def test_the_longer_of_two_mutes_counts(
    general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=2 * HOUR)
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=HOUR)
    with pytest.raises(Muted) as refused:
        say(bob, general, "x")
    assert (refused.value.retry_after or 0) > HOUR + 1


@pytest.mark.parametrize("seconds", [0, -1, 10**9])
def test_a_time_has_bounds(general: Room, alice: User, bob: User, mona: User, seconds: int) -> None:
    acts: list[Callable[[], Any]] = [
        lambda: services.ban(
            actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=seconds
        ),
        lambda: services.site_ban(actor_id=mona.pk, user_id=bob.pk, seconds=seconds, reason="x"),
    ]
    for act in acts:
        with pytest.raises(BadRequest):
            act()


def test_only_site_moderators_mute_on_the_site_but_not_themselves(
    general: Room, alice: User, bob: User, mona: User
) -> None:
    for actor, subject in ((alice, bob), (mona, mona)):
        with pytest.raises(HoldfastError):
            services.site_mute(actor_id=actor.pk, user_id=subject.pk, seconds=60)


def test_moderators_do_it_from_the_chat(general: Room, alice: User, bob: User, mona: User) -> None:
    member, person = f"/api/rooms/{general.pk}/members/{bob.pk}", f"/api/users/{bob.pk}/moderation"

    def patch(user: User, url: str, **change: Any) -> Any:
        answer = api(user).patch(url, change, content_type="application/json")
        return answer.status_code, answer.json()

    status, data = patch(alice, member, state="banned", banned_for=60)
    assert (status, data["membership"]["state"]) == (200, "banned")
    assert data["membership"]["banned_until"]
    assert patch(alice, member, muted_for=60, banned_for=60)[0] == 400
    assert patch(alice, person, muted_for=60)[0] == 403
    assert patch(mona, person, muted_for=60)[1]["muted_until"]
    assert patch(mona, person, muted_for=0) == (200, {"muted_until": None})
    assert patch(mona, person, banned=True, banned_for=60, reason="spam")[1]["banned_until"]
    assert patch(mona, person, banned=False) == (200, {"banned": False, "banned_until": None})
    for wrong in (
        {},
        {"muted_for": 1, "banned": True},
        {"banned": False, "banned_for": 1},
        {"banned_for": 1},
        {"banned": True},
    ):
        assert patch(mona, person, **wrong)[0] == 400


def test_an_unloaded_site_mute_is_an_error(general: Room, bob: User) -> None:
    row = Membership.objects.get(room=general, user=bob)
    with pytest.raises(KeyError):
        members.site_muted_until(row)
