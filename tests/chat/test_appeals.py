"""Appeals: against a removed message or a ban, once, and to another moderator."""

from functools import partial

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat import services
from chat.errors import AlreadyReported
from chat.models import Appeal, Case, Message, Room
from chat.moderation import site_bans
from chat.queries import queue
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
