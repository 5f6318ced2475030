"""A filter refuses a message and mutes its author, who can appeal."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from chat import services
from chat.errors import AlreadyReported, BlockedWord, Muted, MutingWord
from chat.models import Case, Filter, Message, ModerationLog, Room, SiteMute
from chat.moderation.own_data import SECTIONS
from chat.queries import queue
from notifications.models import Notification
from realtime.auth import MODERATORS
from realtime.protocol.errors import NotFound
from tests.chat.conftest import Say
from tests.conftest import make_user
from tests.support.notices import sentence_of
from tests.support.replay import Verify

WORD = "slurword"


@pytest.fixture(autouse=True)
def muting_word(mona: User) -> Filter:
    return services.save_filter(actor_id=mona.pk, text=WORD, kind="word", action="mute", is_on=True)


def test_the_message_is_refused_and_its_author_muted(
    verify: Verify, general: Room, bob: User, say: Say, settings: Any
) -> None:
    settings.HOLDFAST_FILTER_MUTE_MINUTES = 30
    with verify() as change, pytest.raises(BlockedWord):
        say(bob, general, f"you {WORD}")
    assert change.streams == [f"inbox.{bob.pk}"]
    until = SiteMute.objects.get(user=bob).until
    assert until is not None
    assert timedelta(minutes=29) < until - timezone.now() <= timedelta(minutes=30)
    with pytest.raises(Muted):
        say(bob, general, "sorry")
    notice = Notification.objects.get(user=bob)
    assert sentence_of(notice).startswith("A filter muted you in all rooms until ")
    assert WORD not in str(notice.params) + notice.body
    entry = ModerationLog.objects.get(action="site_mute")
    assert (entry.actor.username, entry.subject, entry.details["filter"]) == ("holdfast", bob, WORD)
    mine = next(section for section in SECTIONS if section.name == "moderation")
    assert WORD not in str(list(mine.rows(bob)))
    assert not Message.objects.exists()


@pytest.mark.parametrize("text", ["sl\u200burword", "SLURWORD", "\u0455lurword", "you\n slurword"])
def test_invisible_and_look_alike_characters_do_not_pass(
    general: Room, bob: User, say: Say, text: str
) -> None:
    with pytest.raises(BlockedWord):
        say(bob, general, text)
    assert SiteMute.objects.filter(user=bob).exists()


def test_an_edit_mutes_as_well_and_a_name_only_is_refused(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, general, "Hello")
    with pytest.raises(BlockedWord):
        services.change_room(actor_id=alice.pk, room_id=general.pk, topic=WORD)
    assert not SiteMute.objects.exists()
    with pytest.raises(BlockedWord):
        services.edit_message(actor_id=bob.pk, message_id=message.pk, body=WORD)
    assert SiteMute.objects.filter(user=bob).exists()


def test_a_moderator_of_the_site_is_refused_only(general: Room, mona: User, say: Say) -> None:
    services.join(actor_id=mona.pk, room_id=general.pk)
    with pytest.raises(BlockedWord):
        say(mona, general, WORD)
    assert not SiteMute.objects.exists()


def test_many_messages_at_once_make_one_mute(general: Room, bob: User) -> None:
    posts = [
        services.Post(author_id=bob.pk, room_id=general.pk, key=uuid4(), body=f"{number} {WORD}")
        for number in range(5)
    ]
    assert {type(answer) for answer in services.post_messages(posts)} == {MutingWord}
    assert ModerationLog.objects.filter(action="site_mute").count() == 1
    assert Notification.objects.filter(user=bob).count() == 1


def test_a_longer_mute_stays(general: Room, bob: User, mona: User) -> None:
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=86_400, reason="insults")
    services.mute_by_filter(user_id=bob.pk, filter_text=WORD)
    assert SiteMute.objects.get(user=bob).reason == "insults"


# -- appeals against mutes -------------------------------------------------------------------------


@pytest.fixture
def omar(mona: User) -> User:
    user = make_user("omar")
    user.groups.add(Group.objects.get(name=MODERATORS))
    return user


def test_a_muted_person_appeals_once_and_another_moderator_lifts_the_mute(
    general: Room, bob: User, mona: User, omar: User, say: Say
) -> None:
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=3600, reason="insults")
    appeal = services.appeal_mute(actor_id=bob.pk, text="It was a quote")
    with pytest.raises(AlreadyReported):
        services.appeal_mute(actor_id=bob.pk, text="Please")
    assert not queue.open_cases(mona.pk).exists()
    services.decide_appeal(
        actor_id=omar.pk, case_id=appeal.pk, is_accepted=True, answer="You are right"
    )
    say(bob, general, "Thank you")
    assert Case.objects.get().status == "resolved"
    with pytest.raises(NotFound):
        services.appeal_mute(actor_id=bob.pk, text="Once more")


def test_a_later_mute_stays_and_can_be_appealed_as_well(bob: User, mona: User, omar: User) -> None:
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=3600)
    appeal = services.appeal_mute(actor_id=bob.pk, text="It was a quote")
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=7200)
    services.decide_appeal(actor_id=omar.pk, case_id=appeal.pk, is_accepted=True, answer="Yes")
    until = SiteMute.objects.get(user=bob).until
    assert until is not None
    services.appeal_mute(actor_id=bob.pk, text="And this one")


def test_the_mute_of_a_filter_is_appealed_on_the_page_of_decisions(bob: User, mona: User) -> None:
    services.mute_by_filter(user_id=bob.pk, filter_text=WORD)
    assert Notification.objects.get(user=bob).url == "/decisions/"
    client = Client()
    client.force_login(bob)
    page = client.get("/decisions/").content.decode()
    assert "so a filter muted you" in page
    assert WORD not in page
    refused = client.post("/decisions/mute/", {"text": " "})
    assert refused.status_code == 400
    assert client.post("/decisions/mute/", {"text": "Not me"}).status_code == 302
    assert "Moderators have not answered yet." in client.get("/decisions/").content.decode()
    assert queue.open_cases(mona.pk).get().body == "Not me"


def test_nobody_appeals_a_mute_that_is_over(bob: User, mona: User) -> None:
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=3600)
    SiteMute.objects.update(until=timezone.now())
    with pytest.raises(NotFound):
        services.appeal_mute(actor_id=bob.pk, text="Too late")
