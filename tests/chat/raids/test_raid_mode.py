"""Raid mode: its rules, who is exempt, how long it lasts, and what a refusal says."""

import time
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from chat import services
from chat.errors import LinksNotAllowed, RaidModeOn, SlowMode
from chat.models import RAID_CHOICES, ModerationLog, RaidMode, Room, SignUpSettings
from chat.moderation import raid_mode
from chat.services import Post, Posted
from chat.services.moderation import raids
from realtime.protocol.errors import BadRequest, Forbidden
from tests.chat.conftest import Say, notices
from tests.chat.test_sign_up import sign_up

LINK = "look https://elsewhere.example/"


@pytest.fixture
def raid(mona: User) -> Any:
    """Switch raid mode on with nothing but: ``raid(refuse_links=True)``."""

    def on(**choices: bool | int) -> RaidMode:
        nothing: dict[str, Any] = {**dict.fromkeys(RAID_CHOICES, False), "slow_mode": 0}
        return raids.switch_on(actor_id=mona.pk, hours=2, **nothing | choices)

    return on


# -- what it does ----------------------------------------------------------------------------------


def test_new_accounts_post_no_links(
    raid: Any, lobby: Room, charlie: User, bob: User, say: Say
) -> None:
    before = say(charlie, lobby, "nothing yet")
    raid(refuse_links=True)
    with pytest.raises(LinksNotAllowed, match="for now"):
        say(charlie, lobby, LINK)
    with pytest.raises(LinksNotAllowed):
        services.edit_message(actor_id=charlie.pk, message_id=before.pk, body=LINK)
    say(charlie, lobby, "without one")
    say(bob, lobby, LINK)


def test_new_accounts_begin_nothing_with_strangers(
    raid: Any, lobby: Room, charlie: User, bob: User, alice: User, say: Say
) -> None:
    known = services.direct_room(actor_id=charlie.pk, user_id=bob.pk).room
    say(charlie, known, "hi")
    say(bob, known, "welcome")
    stranger = services.direct_room(actor_id=charlie.pk, user_id=alice.pk).room
    raid(refuse_contacts=True)
    for words in ("hi", "**hi**"):
        with pytest.raises(RaidModeOn, match="never answered"):
            say(charlie, stranger, words)
    say(charlie, known, "an old acquaintance")
    dora = User.objects.create(username="dora")
    with pytest.raises(RaidModeOn):
        services.direct_room(actor_id=charlie.pk, user_id=dora.pk)
    with pytest.raises(RaidModeOn):
        services.group_room(actor_id=charlie.pk, user_ids=[bob.pk, dora.pk])
    with pytest.raises(RaidModeOn):
        services.invite(actor_id=charlie.pk, room_id=lobby.pk, username="dora")
    with pytest.raises(RaidModeOn):
        services.create_room(actor_id=charlie.pk, name="Crypto")
    assert services.direct_room(actor_id=charlie.pk, user_id=bob.pk).room == known
    say(alice, stranger, "who are you?")
    say(charlie, stranger, "Charlie")
    services.direct_room(actor_id=bob.pk, user_id=dora.pk)
    services.create_room(actor_id=bob.pk, name="As ever")


def test_slow_mode_is_on_in_all_rooms(
    raid: Any, lobby: Room, charlie: User, bob: User, alice: User, mona: User, say: Say
) -> None:
    conversation = services.direct_room(actor_id=bob.pk, user_id=alice.pk).room
    raid(slow_mode=30)
    for user in (charlie, bob):
        say(user, lobby, "first")
        with pytest.raises(SlowMode, match="in all rooms") as error:
            say(user, lobby, "second")
        assert 0 < (error.value.retry_after or 0) <= 30
    for number in range(3):
        say(alice, lobby, f"her own room {number}")
        say(bob, conversation, f"between two people {number}")
    services.change_room(actor_id=alice.pk, room_id=lobby.pk, slow_mode=60)
    with pytest.raises(SlowMode) as slower:
        say(bob, lobby, "the slower one counts")
    assert (slower.value.retry_after or 0) > 30


def test_one_batch_has_one_post_of_each(raid: Any, lobby: Room, bob: User) -> None:
    raid(slow_mode=30)
    answers = services.post_messages(
        [
            Post(author_id=bob.pk, room_id=lobby.pk, key=uuid4(), body=f"{number}")
            for number in range(4)
        ]
    )
    assert [type(answer) for answer in answers] == [Posted] + [SlowMode] * 3


def test_nobody_but_moderators_of_the_site_mentions_everyone(
    raid: Any, lobby: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    services.join(actor_id=mona.pk, room_id=lobby.pk)
    services.set_role(actor_id=alice.pk, room_id=lobby.pk, user_id=mona.pk, role="moderator")
    say(alice, lobby, "@room before")
    raid(refuse_room_mentions=True)
    with pytest.raises(RaidModeOn, match="@room is off"):
        say(alice, lobby, "@room hello")
    say(alice, lobby, "@bob hello")
    say(mona, lobby, "@room we know of it")


def test_sign_up_is_by_approval(raid: Any, mona: User, db: None) -> None:
    assert sign_up(Client(), "before").status_code == 302
    raid(approve_sign_ups=True)
    assert "Waiting for approval" in sign_up(Client(), "during").content.decode()
    assert not User.objects.get(username="during").is_active
    assert not SignUpSettings.objects.exclude(mode="").exists()  # what was set before stays


# -- for how long, and who does it -----------------------------------------------------------


def test_it_ends_by_itself(
    raid: Any, lobby: Room, charlie: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    raid(refuse_links=True)
    assert raid_mode.current().is_on
    later = timezone.now() + timedelta(hours=2, seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert not raid_mode.current().is_on
    raid_mode.process.forget()
    assert not raid_mode.current().is_on
    say(charlie, lobby, LINK)


def test_another_node_knows_within_a_second(raid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, now = raid_mode.RaidModeCache(), time.monotonic()
    assert not elsewhere.current().is_on
    raid(slow_mode=5)
    assert not elsewhere.current().is_on  # no query for each post
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.1)
    assert elsewhere.current().slow_mode == 5


def test_a_browser_that_is_told_reads_what_is_stored(raid: Any, mona: User) -> None:
    """It asks once, and its node may not have read the change yet."""
    raid(slow_mode=5)
    raid_mode.process._held = (raid_mode.NO_RAID, float("inf"))
    assert raid_mode.payload() is not None
    client = Client()
    client.force_login(mona)
    assert client.get("/api/raid-mode/").json()["raid"]["slow_mode"] == 5
    raids.switch_off(actor_id=mona.pk)
    assert client.get("/api/raid-mode/").json() == {"raid": None}


def test_the_log_has_each_change_and_all_moderators_are_notified(
    raid: Any, mona: User, bob: User
) -> None:
    other = User.objects.create_superuser("olivia")
    raid(refuse_links=True, slow_mode=30)
    raids.switch_off(actor_id=mona.pk)
    raids.switch_off(actor_id=mona.pk)
    entries = ModerationLog.objects.filter(action="raid_mode").order_by("pk")
    assert [entry.details["raid"] for entry in entries] == ["on", "off"]
    assert entries[0].details["choices"] == ["refuse_links"]
    assert [sentence.split(" until")[0] for _kind, sentence in notices(other)] == [
        "Mona switched on raid mode",
        "Mona switched off raid mode",
    ]
    assert len(notices(mona)) == 2  # her chat shows the banner as well
    assert notices(bob) == []


def test_the_choices_stay_for_the_next_time(raid: Any, mona: User) -> None:
    raid(refuse_links=True, slow_mode=30)
    raids.switch_off(actor_id=mona.pk)
    raids.switch_on(actor_id=mona.pk, hours=1)
    found = raid_mode.current()
    assert (found.refuse_links, found.refuse_contacts, found.slow_mode) == (True, False, 30)


def test_only_moderators_switch_it_and_only_for_a_while(bob: User, mona: User) -> None:
    with pytest.raises(Forbidden):
        raids.switch_on(actor_id=bob.pk, hours=1)
    with pytest.raises(Forbidden):
        raids.switch_off(actor_id=bob.pk)
    for hours in (0, raids.MAX_HOURS + 1):
        with pytest.raises(BadRequest, match="hours"):
            raids.switch_on(actor_id=mona.pk, hours=hours)
    with pytest.raises(BadRequest, match="slow_mode"):
        raids.switch_on(actor_id=mona.pk, hours=1, slow_mode=-1)


def test_operators_have_a_command(db: None) -> None:
    def told(*arguments: str) -> str:
        out = StringIO()
        call_command("raid_mode", *arguments, stdout=out)
        return out.getvalue()

    assert told("status") == "Raid mode is off.\n"
    shown = told("on", "--hours", "3")
    assert shown.startswith("Raid mode is on until ")
    assert "- new accounts cannot post links\n" in shown
    assert told("status") == shown
    assert told("off") == "Raid mode is off.\n"
    with pytest.raises(CommandError, match="hours"):
        told("on", "--hours", "9999")
    assert ModerationLog.objects.filter(action="raid_mode", actor__username="holdfast").count() == 2


def test_only_moderators_read_it_over_http(raid: Any, mona: User, bob: User) -> None:
    client = Client()
    client.force_login(mona)
    assert client.get("/api/raid-mode/").json() == {"raid": None}
    raid(slow_mode=5)
    assert client.get("/api/raid-mode/").json()["raid"]["slow_mode"] == 5
    client.force_login(bob)
    assert client.get("/api/raid-mode/").status_code == 403


@pytest.mark.parametrize("body", ["plain", "**rendered**"])
def test_without_a_raid_nothing_changes(lobby: Room, charlie: User, say: Say, body: str) -> None:
    for number in range(3):
        say(charlie, lobby, f"{body} {number} {LINK}")
