"""A filter holds a post: its author and moderators see it until a moderator has decided."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.errors import BlockedWord, Held, Rejected, SlowMode, TooLate
from chat.models import Case, Filter, HeldPost, Message, ModerationLog, Room
from chat.queries import queue
from chat.services.messages.review import holding
from chat.services.retention import run
from notifications.models import Notification
from realtime.core import reads
from realtime.protocol.errors import Forbidden, NotFound
from tests.chat.conftest import Say, fresh
from tests.support.notices import sentence_of
from tests.support.replay import Verify

WORD = "giveaway"


@pytest.fixture(autouse=True)
def held_word(mona: User) -> Filter:
    return services.save_filter(actor_id=mona.pk, text=WORD, kind="word", action="hold", is_on=True)


@pytest.fixture
def hold(say: Say) -> Callable[..., HeldPost]:
    def held(author: User, room: Room, body: str = f"A {WORD} for all", **more: Any) -> HeldPost:
        with pytest.raises(Held):
            say(author, room, body, **more)
        return HeldPost.objects.select_related("case").latest("pk")

    return held


Hold = Callable[..., HeldPost]


def accept(mona: User, row: HeldPost, **more: Any) -> None:
    services.decide_held(actor_id=mona.pk, case_id=row.pk, is_accepted=True, **more)


def refuse(mona: User, row: HeldPost, **more: Any) -> None:
    services.decide_held(actor_id=mona.pk, case_id=row.pk, is_accepted=False, **more)


def everything_in(stream: str) -> str:
    events = reads.page(stream, 0, 10_000).events
    return b"".join(event.body or b"" for event in events).decode()


def test_only_the_author_and_the_desk_see_it(
    verify: Verify, general: Room, alice: User, bob: User, mona: User, hold: Hold
) -> None:
    with verify() as change:
        row = hold(bob, general)
    assert change.streams == [f"inbox.{bob.pk}"]
    assert change.data(f"inbox.{bob.pk}")[0] == {
        "id": row.pk,
        "seq": row.seq,
        "room": general.pk,
        "key": str(row.key),
        "body": f"A {WORD} for all",
        "reply_to": None,
        "state": "waiting",
        "created_at": change.data(f"inbox.{bob.pk}")[0]["created_at"],
    }
    assert not Message.objects.exists()
    assert WORD not in everything_in(f"room.{general.pk}")
    assert WORD not in everything_in(f"inbox.{alice.pk}")
    assert [case.body for case in queue.open_cases(mona.pk)] == [f"A {WORD} for all"]
    assert not Notification.objects.exists()


def test_accepted_it_is_an_ordinary_message_after_those_posted_meanwhile(
    verify: Verify, general: Room, alice: User, bob: User, mona: User, hold: Hold, say: Say
) -> None:
    original = say(alice, general, "Who is it for?")
    key = uuid4()
    row = hold(bob, general, f"A {WORD}, @alice", key=key, reply_to=original.pk)
    say(alice, general, "Still there?")
    with verify():
        accept(mona, row)
    message = Message.objects.get(key=key)
    assert (message.author, message.number, message.reply_to_id) == (bob, 3, original.pk)
    assert message.mentions == [alice.pk]
    assert Notification.objects.filter(user=alice).exists()
    row.refresh_from_db()
    assert row.state == "accepted"
    assert Case.objects.get().status == "dismissed"
    entry = ModerationLog.objects.latest("pk")
    assert (entry.action, entry.actor, entry.message_id) == ("release", mona, message.pk)
    again = services.post_message(author_id=bob.pk, room_id=general.pk, body="x", key=key)
    assert again.duplicate


def test_refused_it_is_nowhere_and_its_author_reads_why(
    verify: Verify, general: Room, bob: User, mona: User, hold: Hold, say: Say
) -> None:
    row = hold(bob, general)
    with verify():
        refuse(mona, row, reason="advertising")
    assert not Message.objects.exists()
    assert WORD not in everything_in(f"inbox.{bob.pk}")
    notice = Notification.objects.get(user=bob)
    assert sentence_of(notice) == "Mona, a site moderator, did not accept your message in General"
    assert notice.body == "advertising"
    with pytest.raises(Rejected):
        say(bob, general, f"A {WORD} for all", key=row.key)


def test_the_same_post_twice_is_held_once(general: Room, bob: User, say: Say) -> None:
    post = partial(say, bob, general, f"A {WORD}", key=uuid4())
    for _ in range(2):
        with pytest.raises(Held):
            post()
    both = [
        services.Post(author_id=bob.pk, room_id=general.pk, key=key, body=f"The {WORD}")
        for key in [uuid4()] * 2
    ]
    assert [type(answer) for answer in services.post_messages(both)] == [Held, Held]
    assert HeldPost.objects.count() == Case.objects.count() == 2


def test_two_moderators_decide_once(
    general: Room, alice: User, bob: User, mona: User, hold: Hold
) -> None:
    omar = alice
    omar.groups.set(mona.groups.all())
    row = hold(bob, general)
    refuse(mona, row)
    with pytest.raises(TooLate, match="Mona already closed"):
        accept(omar, row)
    assert not Message.objects.exists()
    other = hold(bob, general)
    services.assign(actor_id=omar.pk, case_id=other.pk)
    with pytest.raises(TooLate, match="already reviewing"):
        accept(mona, other)
    accept(mona, other, instead_of=omar.pk)


def test_nobody_but_another_moderator_decides(
    general: Room, alice: User, bob: User, mona: User, hold: Hold
) -> None:
    row = hold(bob, general)
    with pytest.raises(Forbidden):
        accept(alice, row)
    bob.groups.set(mona.groups.all())
    with pytest.raises(Forbidden, match="about you"):
        accept(bob, row)
    assert list(queue.open_cases(bob.pk)) == []


def test_an_author_who_may_no_longer_write_cannot_be_posted_for(
    general: Room, bob: User, mona: User, hold: Hold
) -> None:
    row = hold(bob, general)
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=600)
    with pytest.raises(Forbidden, match="can't post it now: "):
        accept(mona, row)
    assert queue.open_cases(mona.pk).exists()
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=0)
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    with pytest.raises(Forbidden, match="banned or deactivated"):
        accept(mona, row)
    services.site_unban(actor_id=mona.pk, user_id=bob.pk)
    accept(mona, row)
    assert Message.objects.count() == 1


def test_acceptance_asks_no_filter_and_no_limit_again(
    general: Room, alice: User, bob: User, mona: User, hold: Hold, settings: Any
) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, slow_mode=600)
    row = hold(bob, general)
    settings.HOLDFAST_POSTS = 1
    with pytest.raises(SlowMode):  # it has counted
        services.post_message(author_id=bob.pk, room_id=general.pk, body="Hello?")
    services.save_filter(actor_id=mona.pk, text=WORD, kind="word", action="mute", is_on=True)
    accept(mona, row)
    assert Message.objects.count() == 1


def test_in_a_direct_conversation_it_is_refused_because_no_moderator_reads_there(
    direct: Room, bob: User, say: Say
) -> None:
    with pytest.raises(BlockedWord):
        say(bob, direct, f"A {WORD}")
    assert not Case.objects.exists()


def test_an_edit_and_a_name_cannot_wait(general: Room, alice: User, bob: User, say: Say) -> None:
    message = say(bob, general, "Hello")
    with pytest.raises(BlockedWord, match="as a new message"):
        services.edit_message(actor_id=bob.pk, message_id=message.pk, body="A give\u200baw\u0430y")
    with pytest.raises(BlockedWord):
        services.change_room(actor_id=alice.pk, room_id=general.pk, topic=f"A {WORD}")
    with pytest.raises(BlockedWord):
        services.create_room(actor_id=bob.pk, name=f"{WORD}  room")
    assert fresh(general).topic == ""


def test_nobody_fills_the_queue(
    general: Room, bob: User, mona: User, hold: Hold, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "MAX_WAITING", 2)
    rows = [hold(bob, general), hold(bob, general)]
    with pytest.raises(Forbidden, match="2 of your messages wait"):
        say(bob, general, f"A {WORD}")
    refuse(mona, rows[0])
    hold(bob, general)


def test_a_refusal_can_be_taken_back_and_an_acceptance_cannot(
    verify: Verify, general: Room, bob: User, mona: User, hold: Hold
) -> None:
    row, other = hold(bob, general), hold(bob, general)
    refuse(mona, row)
    with verify():
        services.reopen(actor_id=mona.pk, case_id=row.pk)
    assert f"A {WORD} for all" in everything_in(f"inbox.{bob.pk}")
    accept(mona, row)
    accept(mona, other)
    for each in (row, other):
        with pytest.raises(Forbidden, match="Remove it in the room"):
            services.reopen(actor_id=mona.pk, case_id=each.pk)


def test_its_author_withdraws_it_and_its_text_is_gone(
    verify: Verify, general: Room, alice: User, bob: User, mona: User, hold: Hold, say: Say
) -> None:
    row = hold(bob, general)
    with pytest.raises(NotFound):
        services.withdraw_held(actor_id=alice.pk, key=row.key)
    with verify():
        services.withdraw_held(actor_id=bob.pk, key=row.key)
    assert WORD not in everything_in(f"inbox.{bob.pk}")
    assert Case.objects.get().body == ""
    assert not queue.open_cases(mona.pk).exists()
    with pytest.raises(TooLate):
        accept(mona, row)
    with pytest.raises(NotFound):
        services.withdraw_held(actor_id=bob.pk, key=row.key)
    with pytest.raises(Rejected, match="You withdrew"):
        say(bob, general, f"A {WORD}", key=row.key)
    with pytest.raises(NotFound):
        services.reopen(actor_id=mona.pk, case_id=row.pk)


def test_cleaning_up_refuses_all_of_a_person(
    verify: Verify, general: Room, bob: User, mona: User, hold: Hold
) -> None:
    hold(bob, general), hold(bob, general)
    with verify():
        assert services.refuse_all_of(actor_id=mona.pk, user_id=bob.pk, reason="spam") == 2
    assert not queue.open_cases(mona.pk).exists()


def test_the_text_ends_with_the_time_to_appeal(
    general: Room, bob: User, mona: User, hold: Hold, settings: Any
) -> None:
    settings.HOLDFAST_APPEAL_DAYS = 0
    waits, row = hold(bob, general, f"{WORD} one"), hold(bob, general, f"{WORD} two")
    refuse(mona, row)
    run.run()
    assert list(Case.objects.order_by("pk").values_list("body", flat=True)) == [f"{WORD} one", ""]
    assert holding.waiting(bob.pk).get() == waits


def test_an_erasure_leaves_none(general: Room, bob: User, mona: User, hold: Hold) -> None:
    row, other = hold(bob, general), hold(bob, general)
    refuse(mona, other)
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=10)
    assert not HeldPost.objects.exists()
    assert set(Case.objects.values_list("body", "author_name", "status")) == {("", "", "resolved")}
    assert not queue.open_cases(mona.pk).exists()
    assert row


def test_the_page_of_its_author_has_it_and_no_other_page(
    general: Room, alice: User, bob: User, hold: Hold
) -> None:
    hold(bob, general)
    for user, sees in ((bob, True), (alice, False)):
        client = Client()
        client.force_login(user)
        assert (WORD in client.get(general.get_absolute_url()).content.decode()) is sees
        assert (WORD in client.get("/api/held-posts/").content.decode()) is sees
