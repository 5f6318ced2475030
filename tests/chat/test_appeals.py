"""Appeals: once against each decision, and to another moderator."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from chat import services
from chat.errors import AlreadyReported, Held
from chat.models import Appeal, Case, HeldPost, Membership, Message, Room
from chat.moderation import site_bans
from chat.queries import queue
from chat.services.retention import run
from notifications.kinds import sentence
from notifications.models import Notification
from notifications.payloads import notification
from realtime.auth import MODERATORS
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import Say
from tests.conftest import make_user
from tests.support.replay import Verify


@pytest.fixture
def omar(mona: User) -> User:
    user = make_user("omar")
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name=MODERATORS))
    return user


@pytest.fixture
def removed(general: Room, bob: User, mona: User, say: Say) -> Message:
    message = say(bob, general, "It was irony")
    services.delete_message(actor_id=mona.pk, message_id=message.pk, reason="insult")
    return message


def newest(user: User) -> tuple[str, str]:
    row = Notification.objects.filter(user=user).latest("pk")
    return sentence(notification(row, {})), row.body


def test_the_author_appeals_once_and_another_moderator_restores_the_message(
    removed: Message, bob: User, mona: User, omar: User
) -> None:
    appeal = services.appeal_removal(actor_id=bob.pk, message_id=removed.pk, text="Read it again")
    with pytest.raises(AlreadyReported):
        services.appeal_removal(actor_id=bob.pk, message_id=removed.pk, text="Please")
    assert list(queue.open_cases(mona.pk)) == []
    assert [case.pk for case in queue.open_cases(omar.pk)] == [appeal.case_id]
    accept = partial(services.decide_appeal, case_id=appeal.case_id, is_accepted=True)
    with pytest.raises(Forbidden, match="about you"):
        accept(actor_id=mona.pk, answer="It is not")
    with pytest.raises(BadRequest, match="answer"):
        accept(actor_id=omar.pk, answer=" ")
    accept(actor_id=omar.pk, answer="You are right")
    removed.refresh_from_db()
    assert removed.body == "It was irony"
    assert newest(bob) == ("Your appeal was accepted", "You are right")
    assert Case.objects.get().status == "resolved"


def test_a_rejected_appeal_changes_nothing_but_is_answered(
    verify: Verify, removed: Message, bob: User, omar: User
) -> None:
    appeal = services.appeal_removal(actor_id=bob.pk, message_id=removed.pk, text="Read it again")
    with verify():
        services.decide_appeal(
            actor_id=omar.pk, case_id=appeal.case_id, is_accepted=False, answer="It stays removed"
        )
    removed.refresh_from_db()
    assert removed.is_deleted
    assert newest(bob) == ("Your appeal was rejected", "It stays removed")


def test_only_the_author_appeals_and_only_a_removal(
    removed: Message, general: Room, alice: User, bob: User, say: Say
) -> None:
    with pytest.raises(NotFound):
        services.appeal_removal(actor_id=alice.pk, message_id=removed.pk, text="x")
    mine = say(bob, general, "hello")
    with pytest.raises(NotFound):
        services.appeal_removal(actor_id=bob.pk, message_id=mine.pk, text="x")
    with pytest.raises(BadRequest, match="text"):
        services.appeal_removal(actor_id=bob.pk, message_id=removed.pk, text=" ")
    assert not Appeal.objects.exists()


def test_a_banned_person_appeals_on_the_page_of_the_ban(bob: User, mona: User, omar: User) -> None:
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    client = Client()
    client.force_login(bob)
    assert "Why is this decision wrong?" in client.get("/").content.decode()
    client.post("/decisions/ban/", {"text": "I did not"})
    page = client.get("/").content.decode()
    assert "Moderators have not answered yet" in page
    assert "I did not" in page
    again = client.post("/decisions/ban/", {"text": "Really"})
    assert Appeal.objects.count() == 1
    assert again.status_code in (302, 403)
    appeal = Appeal.objects.get()
    services.decide_appeal(
        actor_id=omar.pk, case_id=appeal.case_id, is_accepted=False, answer="You did"
    )
    assert "You did" in client.get("/").content.decode()


def test_an_accepted_appeal_lifts_the_ban(bob: User, mona: User, omar: User) -> None:
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    appeal = services.appeal_ban(actor_id=bob.pk, text="I did not")
    services.decide_appeal(
        actor_id=omar.pk, case_id=appeal.case_id, is_accepted=True, answer="Sorry"
    )
    assert site_bans.current_ban(bob.pk) is None
    assert newest(bob) == ("Your appeal was accepted", "Sorry")


def test_the_author_reads_the_decision_and_appeals_on_its_page(
    removed: Message, bob: User, alice: User
) -> None:
    client = Client()
    client.force_login(bob)
    notice = Notification.objects.filter(user=bob).latest("pk")
    assert notice.url == f"/decisions/{removed.pk}/"
    page = client.get(notice.url).content.decode()
    for expected in ("It was irony", "insult", "Send appeal"):
        assert expected in page
    assert client.post(notice.url, {"text": ""}).status_code == 400
    assert client.post(notice.url, {"text": "Read it again"}).status_code == 302
    assert "Moderators have not answered yet" in client.get(notice.url).content.decode()
    assert f"/decisions/{removed.pk}/" in client.get("/decisions/").content.decode()
    stranger = Client()
    stranger.force_login(alice)
    assert stranger.get(notice.url)["Location"] == "/decisions/"


# -- refused posts ---------------------------------------------------------------------------------


@pytest.fixture
def refused(general: Room, bob: User, mona: User, say: Say) -> HeldPost:
    services.save_filter(actor_id=mona.pk, text="giveaway", kind="word", action="hold", is_on=True)
    with pytest.raises(Held):
        say(bob, general, "No giveaway here")
    row = HeldPost.objects.get()
    services.decide_held(actor_id=mona.pk, case_id=row.pk, is_accepted=False, reason="advertising")
    return row


def test_a_refused_post_is_posted_after_an_accepted_appeal(
    verify: Verify, refused: HeldPost, bob: User, mona: User, omar: User
) -> None:
    client = Client()
    client.force_login(bob)
    notice = Notification.objects.filter(user=bob).latest("pk")
    assert notice.url == f"/decisions/held/{refused.pk}/"
    page = client.get(notice.url).content.decode()
    for expected in ("No giveaway here", "advertising", "did not accept", "Send appeal"):
        assert expected in page
    assert notice.url in client.get("/decisions/").content.decode()
    assert client.post(notice.url, {"text": "I warn of them"}).status_code == 302
    with pytest.raises(AlreadyReported):
        services.appeal_refusal(actor_id=bob.pk, case_id=refused.pk, text="Please")
    appeal = Appeal.objects.get()
    assert list(queue.open_cases(mona.pk)) == []
    desk = Client()
    desk.force_login(omar)
    shown = desk.get(f"/admin/chat/case/{appeal.pk}/change/").content.decode()
    for expected in ("refusal of a held message", "No giveaway here", "advertising", "I warn of"):
        assert expected in shown
    with verify():
        services.decide_appeal(
            actor_id=omar.pk, case_id=appeal.pk, is_accepted=True, answer="Right"
        )
    assert Message.objects.get(author=bob).body == "No giveaway here"
    refused.refresh_from_db()
    assert refused.state == "accepted"
    assert newest(bob) == ("Your appeal was accepted", "Right")


def test_an_author_who_may_not_post_now_learns_nothing_of_an_accepted_appeal(
    refused: HeldPost, bob: User, mona: User, omar: User
) -> None:
    appeal = services.appeal_refusal(actor_id=bob.pk, case_id=refused.pk, text="Please")
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=3600)
    decide = partial(services.decide_appeal, actor_id=omar.pk, case_id=appeal.pk, answer="Right")
    with pytest.raises(Forbidden, match="can't post it now"):
        decide(is_accepted=True)
    assert Case.objects.get(pk=appeal.pk).is_open
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=0)
    decide(is_accepted=True)
    assert Message.objects.filter(author=bob).exists()


def test_a_refusal_that_was_taken_back_meanwhile_is_posted_once(
    refused: HeldPost, bob: User, mona: User, omar: User
) -> None:
    appeal = services.appeal_refusal(actor_id=bob.pk, case_id=refused.pk, text="Please")
    services.reopen(actor_id=mona.pk, case_id=refused.pk)
    services.decide_appeal(actor_id=omar.pk, case_id=appeal.pk, is_accepted=True, answer="Right")
    assert Message.objects.filter(author=bob).count() == 1
    assert not Case.objects.filter(status="open").exists()


def test_nobody_appeals_the_refusal_of_another_or_one_that_is_no_longer_kept(
    refused: HeldPost, alice: User, bob: User, omar: User
) -> None:
    with pytest.raises(NotFound):
        services.appeal_refusal(actor_id=alice.pk, case_id=refused.pk, text="x")
    appeal = services.appeal_refusal(actor_id=bob.pk, case_id=refused.pk, text="Please")
    later = timezone.now() + timedelta(days=400)
    run.run(now=later)
    refused.case.refresh_from_db()
    assert refused.case.body == "No giveaway here"  # the appeal is open
    services.decide_appeal(actor_id=omar.pk, case_id=appeal.pk, is_accepted=False, answer="No")
    run.run(now=later)
    refused.case.refresh_from_db()
    assert refused.case.body == ""
    with pytest.raises(NotFound):
        services.appeal_refusal(actor_id=bob.pk, case_id=refused.pk, text="Please")


# -- mutes in a room -------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["alice", "mona"])
def test_a_mute_in_a_room_is_lifted_after_an_accepted_appeal(
    by: str, verify: Verify, general: Room, alice: User, bob: User, mona: User, omar: User
) -> None:
    """By the owner of the room or by a moderator of the site."""
    actor = {"alice": alice, "mona": mona}[by]
    services.mute(
        actor_id=actor.pk, room_id=general.pk, user_id=bob.pk, seconds=3600, reason="shouting"
    )
    client = Client()
    client.force_login(bob)
    notice = Notification.objects.filter(user=bob).latest("pk")
    assert notice.url == f"/decisions/rooms/{general.pk}/"
    page = client.get(notice.url).content.decode()
    for expected in ("You are muted until", "shouting", "General", "Send appeal"):
        assert expected in page
    assert client.post(notice.url, {"text": " "}).status_code == 400
    assert client.post(notice.url, {"text": "It was a song"}).status_code == 302
    assert "Moderators have not answered yet" in client.get(notice.url).content.decode()
    assert notice.url in client.get("/decisions/").content.decode()
    appeal = Appeal.objects.get()
    assert queue.open_cases(mona.pk).exists() == (by == "alice")
    desk = Client()
    desk.force_login(omar)
    shown = desk.get(f"/admin/chat/case/{appeal.pk}/change/").content.decode()
    for expected in ("mute in a room", "shouting", "It was a song", "#general"):
        assert expected in shown
    with verify():
        services.decide_appeal(
            actor_id=omar.pk, case_id=appeal.pk, is_accepted=True, answer="Right"
        )
    assert Membership.objects.get(user=bob, room=general).muted_until is None
    assert newest(bob) == ("Your appeal was accepted", "Right")
    assert client.get(notice.url)["Location"] == "/decisions/"


def test_a_later_mute_in_the_room_stays_and_has_its_own_appeal(
    general: Room, bob: User, mona: User, omar: User
) -> None:
    mute = partial(services.mute, actor_id=mona.pk, room_id=general.pk, user_id=bob.pk)
    mute(seconds=3600)
    appeal = services.appeal_room_mute(actor_id=bob.pk, room_id=general.pk, text="Please")
    with pytest.raises(AlreadyReported):
        services.appeal_room_mute(actor_id=bob.pk, room_id=general.pk, text="Please")
    mute(seconds=7200)
    services.decide_appeal(actor_id=omar.pk, case_id=appeal.pk, is_accepted=True, answer="Yes")
    assert Membership.objects.get(user=bob, room=general).muted_until is not None
    services.appeal_room_mute(actor_id=bob.pk, room_id=general.pk, text="And this one")


def test_only_a_mute_that_lasts_is_appealed_and_only_by_a_member(
    general: Room, alice: User, bob: User, mona: User
) -> None:
    services.mute(actor_id=mona.pk, room_id=general.pk, user_id=bob.pk, seconds=3600)
    with pytest.raises(NotFound):
        services.appeal_room_mute(actor_id=alice.pk, room_id=general.pk, text="x")
    Membership.objects.filter(user=bob).update(muted_until=timezone.now())
    with pytest.raises(NotFound):
        services.appeal_room_mute(actor_id=bob.pk, room_id=general.pk, text="x")
