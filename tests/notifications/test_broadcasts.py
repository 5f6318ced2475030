"""Broadcasts: their recipients, no recipient gets one twice, and they can be recalled."""

import uuid

import pytest
from django.contrib.auth.models import Group, User

from notifications import payloads, queries, services, targets
from notifications.models import Broadcast, Notification
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience
from notifications.services import broadcasts, inbox
from realtime.core.heads import changing
from realtime.protocol.errors import Forbidden, NotFound
from tests.conftest import People, make_user
from tests.notifications.conftest import Announce, Notify, Rooms
from tests.support.notices import sentences
from tests.support.replay import Verify

HELLO = Words(body="Hello", title="News")


def test_a_group_gets_a_notification_each(
    verify: Verify, alice: User, bob: User, charlie: User
) -> None:
    group = Group.objects.create(name="finance")
    group.user_set.add(alice, bob)
    with verify() as change:
        sent = services.broadcast(words=HELLO, audience=Audience(groups=["finance"]))
    assert sent.recipients == 2
    assert change.streams == sorted([payloads.inbox(alice.pk), payloads.inbox(bob.pk)])
    assert [
        (data["kind"], data["title"], data["body"], data["unread"])
        for data in change.data(payloads.inbox(bob.pk))
    ] == [("broadcast", "News", "Hello", 1)]


def test_a_user_who_is_mentioned_three_times_is_notified_once(alice: User, bob: User) -> None:
    group = Group.objects.create(name="finance")
    group.user_set.add(alice)
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    sent = services.broadcast(
        words=HELLO,
        audience=Audience(staff=True, groups=["finance"], users=["alice", "bob", "alice"]),
    )
    assert sent.recipients == 2
    assert sentences(alice) == sentences(bob) == ["News"]


def test_a_notification_without_a_title_names_its_sender(alice: User) -> None:
    services.broadcast(words=Words(body="Hello"), audience=Audience(users=["alice"]))
    assert sentences(alice) == ["A message from the administrators"]


def test_a_broadcast_goes_in_batches(
    verify: Verify, people: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 2)
    transactions = []

    def counting(*streams: str) -> object:
        transactions.append(len(streams))
        return changing(*streams)

    monkeypatch.setattr(broadcasts, "changing", counting)
    with verify():
        services.broadcast(words=HELLO, audience=Audience(users=["alice", "bob", "charlie"]))
    assert transactions == [0, 2, 1, 0]  # the beginning and the end


def test_the_same_key_continues_where_an_interrupted_broadcast_ended(
    verify: Verify, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    key, audience = uuid.uuid4(), Audience(users=["alice", "bob", "charlie"])
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "notify_many", interrupted_after(2, inbox.notify_many))
        with pytest.raises(KeyboardInterrupt):
            services.broadcast(words=HELLO, audience=audience, key=key)
    assert sentences(charlie) == []
    with verify() as change:
        services.broadcast(words=HELLO, audience=audience, key=key)
    assert change.streams == [payloads.inbox(charlie.pk)]
    assert sentences(alice) == sentences(bob) == sentences(charlie) == ["News"]


def interrupted_after(calls: int, function: object) -> object:
    """Return ``function``, interrupted when it is called once more than ``calls`` times."""
    left = calls

    def limited(*args: object, **kwargs: object) -> object:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return function(*args, **kwargs)  # type: ignore[operator]

    return limited


def test_a_key_belongs_to_one_broadcast(verify: Verify, alice: User) -> None:
    key = uuid.uuid4()
    first = services.broadcast(words=HELLO, audience=Audience(users=["alice"]), key=key)
    with (
        verify() as change,
        pytest.raises(
            BadBroadcast, match=f"belongs to broadcast {first.pk}, which says something else"
        ),
    ):
        services.broadcast(words=Words(body="Other"), audience=Audience(users=["alice"]), key=key)
    services.recall(broadcast_id=first.pk)
    with pytest.raises(BadBroadcast, match="was taken back"):
        services.broadcast(words=HELLO, audience=Audience(users=["alice"]), key=key)
    assert change.streams == []


def test_an_account_that_goes_while_a_broadcast_is_sent_stops_nobody_else(
    alice: User, bob: User, charlie: User
) -> None:
    sent = Broadcast.objects.create(body="Hello")
    gone, deactivated = bob.pk, charlie.pk
    bob.delete()
    User.objects.filter(pk=deactivated).update(is_active=False)
    broadcasts._notify(sent.pk, [alice.pk, gone, deactivated])
    assert list(sent.notifications.values_list("user_id", flat=True)) == [alice.pk]


def test_all_wrong_names_are_reported_at_once_and_nothing_is_sent(
    verify: Verify, people: object, rooms: Rooms
) -> None:
    Group.objects.create(name="finance")
    make_user("dora")
    User.objects.filter(username="dora").update(is_active=False)
    audience = Audience(
        groups=["finanse"],
        users=["alcie", "bob", "dora", "zzz"],
        places={"room": ["genral", "random"]},
    )
    with verify() as change, pytest.raises(BadBroadcast) as refused:
        services.broadcast(
            words=Words(body=" ", level="loud", url="javascript:alert(1)"), audience=audience
        )
    assert refused.value.problems == [
        "The text is empty.",
        'There is no level "loud"; expected one of info, success, warning, critical.',
        'The URL "javascript:alert(1)" cannot be linked to; expected http://… or https://… '
        "without a user name, or a path of this site such as /rooms/general/.",
        'There is no group "finanse". Did you mean finance?',
        'There is no user "alcie". Did you mean alice?',
        'There is no user "zzz".',
        'The account of "dora" is deactivated.',
        'There is no room "genral". Did you mean general?',
    ]
    assert change.streams == []
    assert rooms.posted == {}
    assert not Broadcast.objects.exists()


def test_names_are_found_in_any_spelling_and_reach_everyone_once(people: People) -> None:
    Group.objects.create(name="Finance").user_set.add(people.bob)
    found = queries.reach(
        Audience(groups=["finance"], users=["ALICE", "alice", "ｂｏｂ", "Charlie"])
    )
    assert found.problems == []
    assert found.user_ids == sorted([people.alice.pk, people.bob.pk, people.charlie.pk])


def test_of_groups_that_differ_in_case_the_spelling_decides(people: People) -> None:
    for name, person in (("Finance", people.alice), ("finance", people.bob)):
        Group.objects.create(name=name).user_set.add(person)
    assert queries.reach(Audience(groups=["finance"])).user_ids == [people.bob.pk]
    (problem,) = queries.reach(Audience(groups=["FINANCE"])).problems
    assert problem.startswith('There is no group "FINANCE". Did you mean')


def test_everybody_includes_everybody(people: object) -> None:
    with pytest.raises(BadBroadcast, match="they would get it twice"):
        services.broadcast(words=HELLO, audience=Audience(everybody=True, users=["alice"]))


@pytest.mark.parametrize(
    ("audience", "problem"),
    [(Audience(), "Nobody is addressed."), (Audience(staff=True), "This would reach nobody.")],
)
def test_a_broadcast_to_nobody_is_refused(people: object, audience: Audience, problem: str) -> None:
    with pytest.raises(BadBroadcast, match=problem):
        services.broadcast(words=HELLO, audience=audience)


def test_a_room_gets_a_message_once(alice: User, rooms: Rooms) -> None:
    key, audience = uuid.uuid4(), Audience(users=["alice"], places={"room": ["general", "general"]})
    for _ in range(2):
        sent = services.broadcast(words=HELLO, audience=audience, key=key, created_by_id=alice.pk)
    assert sent.recipients == 13
    assert [
        (message["room"], message["title"], message["body"], message["author_id"])
        for message in rooms.posted.values()
    ] == [(1, "News", "Hello", alice.pk)]
    assert sent.places == [["room", 1, 1]]


def test_where_a_room_does_not_take_it_nobody_else_has_got_it(
    verify: Verify, people: object, rooms: Rooms
) -> None:
    def refusing(ident: int, **said: object) -> int:
        raise Forbidden("The room is archived.")

    targets.register_target("room", rooms.resolve, refusing, rooms.recall)
    with verify() as change, pytest.raises(Forbidden):
        services.broadcast(
            words=HELLO, audience=Audience(everybody=True, places={"room": ["general"]})
        )
    assert change.streams == []


def test_without_an_app_that_has_rooms_none_can_be_addressed(
    people: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "_targets", {})
    with pytest.raises(BadBroadcast, match="Rooms are not installed here"):
        services.broadcast(words=HELLO, audience=Audience(places={"room": ["general"]}))


# -- taking back -----------------------------------------------------------------------------------


def test_a_recalled_announcement_has_no_words_in_any_replay(
    verify: Verify, announce: Announce
) -> None:
    row = announce("The password is swordfish", title="Secret", url="/secret/")
    with verify() as change:
        recalled = services.recall(broadcast_id=row.broadcast_id)
    (data,) = change.data("announcements")
    assert (data["id"], data["title"], data["body"], data["url"]) == (row.pk, "", "", "")
    assert data["recalled_at"] == payloads.moment(recalled.broadcast.recalled_at)
    # For the operator who answers for it.
    assert recalled.broadcast.body == "The password is swordfish"


def test_recalled_notifications_are_archived_without_their_words(
    verify: Verify, notify: Notify, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice", "bob"]))
    other = notify(alice)
    services.read(user_id=bob.pk, ids=[Notification.objects.get(user=bob).pk])
    with verify() as change:
        recalled = services.recall(broadcast_id=sent.pk)
    assert recalled.notifications == 2
    (data,) = change.data(payloads.inbox(alice.pk))
    assert (data["kind"], data["title"], data["body"], data["unread"]) == (
        "recalled",
        "",
        "",
        1,
    )
    assert data["archived_at"] == data["read_at"] is not None
    assert change.data(payloads.inbox(bob.pk))[0]["unread"] == 0
    assert [row["id"] for row in queries.inbox_page(alice.pk).notices] == [other.pk]


def test_a_second_recall_changes_nothing(verify: Verify, announce: Announce, alice: User) -> None:
    row = announce("Hello")
    services.recall(broadcast_id=row.broadcast_id)
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice"]))
    services.recall(broadcast_id=sent.pk)
    with verify() as change:
        for broadcast_id in (row.broadcast_id, sent.pk):
            again = services.recall(broadcast_id=broadcast_id)
            assert (again.announcements, again.notifications) == (0, 0)
    assert change.streams == []


def test_a_recall_takes_back_what_was_posted_in_rooms(rooms: Rooms, people: object) -> None:
    sent = services.broadcast(
        words=HELLO, audience=Audience(places={"room": ["general", "random"]})
    )
    assert services.recall(broadcast_id=sent.pk).posts == 2
    assert [message["body"] for message in rooms.posted.values()] == ["", ""]
    assert services.recall(broadcast_id=sent.pk).posts == 0


def test_what_is_gone_from_a_room_already_does_not_stop_a_recall(rooms: Rooms, alice: User) -> None:
    sent = services.broadcast(
        words=HELLO, audience=Audience(users=["alice"], places={"room": ["general"]})
    )

    def gone(posted: int) -> bool:
        raise NotFound("There is no such message.")

    targets.register_target("room", rooms.resolve, rooms.send, gone)
    assert services.recall(broadcast_id=sent.pk).notifications == 1


def test_a_recall_without_the_app_that_has_rooms_takes_back_the_rest(
    rooms: Rooms, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = services.broadcast(
        words=HELLO, audience=Audience(users=["alice"], places={"room": ["general"]})
    )
    monkeypatch.setattr(targets, "_targets", {})
    assert services.recall(broadcast_id=sent.pk).notifications == 1


def test_sending_and_taking_back_go_on_in_turns(
    verify: Verify, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    monkeypatch.setattr(broadcasts, "MIN_REST_SECONDS", 0.01)
    audience = Audience(users=["alice", "bob", "charlie"])
    row = services.begin(words=HELLO, audience=audience)
    turns = 0
    with verify():
        while row.finished_at is None:
            row = services.send(broadcast_id=row.pk, seconds=0.005)
            turns += 1
            assert turns < 100
    assert (row.done, row.recipients) == (3, 3)
    assert turns > 1
    with verify():
        recalled = [services.recall(broadcast_id=row.pk, seconds=0.005)]
        while not recalled[-1].finished:
            recalled.append(services.recall(broadcast_id=row.pk, seconds=0.005))
    assert sum(each.notifications for each in recalled) == 3
    assert len(recalled) > 1


def test_a_recall_stops_a_broadcast_that_is_still_being_sent(
    verify: Verify, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    sending = broadcasts._notify

    def recalled_after_the_first(broadcast_id: int, user_ids: list[int]) -> Broadcast | None:
        going_on = sending(broadcast_id, user_ids)
        if user_ids == [alice.pk]:
            services.recall(broadcast_id=broadcast_id)
        return going_on

    monkeypatch.setattr(broadcasts, "_notify", recalled_after_the_first)
    with verify():
        sent = services.broadcast(words=HELLO, audience=Audience(users=["alice", "bob", "charlie"]))
    assert sent.recalled_at is not None
    assert sentences(alice) == ["This message was taken back."]
    assert sentences(bob) == sentences(charlie) == []


def test_a_room_message_that_is_posted_during_the_recall_does_not_stay(
    rooms: Rooms, people: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting = rooms.send

    def recalled_before_it_is_noted(ident: int, **said: object) -> int:
        posted = posting(ident, **said)  # type: ignore[arg-type]
        services.recall(broadcast_id=Broadcast.objects.get().pk)
        return posted

    targets.register_target("room", rooms.resolve, recalled_before_it_is_noted, rooms.recall)
    services.broadcast(words=HELLO, audience=Audience(places={"room": ["general"]}))
    assert rooms.posted[1]["body"] == ""


def test_what_was_never_broadcast_cannot_be_recalled(db: None) -> None:
    with pytest.raises(NotFound, match="There is no broadcast 7"):
        services.recall(broadcast_id=7)


# -- who has read it -------------------------------------------------------------------------------


def test_readers_are_counted_and_a_recall_is_no_reading(
    announce: Announce, alice: User, bob: User, charlie: User
) -> None:
    announced = announce("Hello")
    for user in (alice, bob):
        services.read_announcement(user_id=user.pk, announcement_id=announced.pk)
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice", "bob", "charlie"]))
    services.read(user_id=alice.pk, ids=[Notification.objects.get(user=alice).pk])
    services.recall(broadcast_id=sent.pk)
    assert [(found.row.pk, found.delivered, found.read) for found in queries.sent_broadcasts()] == [
        (sent.pk, 3, 1),
        (announced.broadcast_id, announced.broadcast.recipients, 2),
    ]
