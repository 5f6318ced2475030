"""Bulk actions: confirmed by their number, live for everyone, and undone.

They run in batches, and another process can continue them.
"""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from django.utils.translation import override

from chat import services
from chat.models import Bulk, Mention, Message, ModerationLog, RemovedText, Room
from chat.queries.search import index
from chat.queries.search.query import parse
from chat.services.moderation import bulk as bulks
from chat.services.moderation import bulk_selection
from chat.services.moderation.bulk import begin_erasure
from chat.services.moderation.bulk_selection import Choice, count
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound, TooMany
from tests.chat.conftest import Say, notices
from tests.support.replay import Verify


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulks, "BATCH", 3)


@pytest.fixture
def spam(
    general: Room, secret: Room, direct: Room, alice: User, bob: User, say: Say
) -> list[Message]:
    """Bob writes eight messages in three rooms, among Alice's."""
    found = []
    for number in range(4):
        say(alice, general, f"Hello {number}")
        found.append(say(bob, general, f"Buy **watches** {number} @alice"))
    found += [say(bob, secret, f"watches {number}") for number in range(2)] + [
        say(bob, direct, f"watches {number}") for number in range(2)
    ]
    services.react(actor_id=alice.pk, message_id=found[0].pk, emoji="👍", on=True)
    return found


def removal(mona: User, choice: Choice, expected: int | None = None, reason: str = "spam") -> Bulk:
    return services.begin_removal(
        actor_id=mona.pk,
        choice=choice,
        expected=count(choice) if expected is None else expected,
        reason=reason,
    )


def standing(user: User) -> int:
    return Message.objects.filter(author=user, deleted_at=None).count()


def test_all_messages_of_a_person_go_and_come_back(
    verify: Verify, spam: list[Message], alice: User, bob: User, mona: User
) -> None:
    before = list(
        Message.objects.filter(author=bob)
        .order_by("pk")
        .values_list("body", "html", "mentions", "reactions")
    )
    mentions = set(Mention.objects.values_list("user_id", "room_id", "number"))
    bulk = removal(mona, Choice(author_id=bob.pk))
    with verify() as change:
        bulk = services.run_bulk(bulk_id=bulk.pk, seconds=60)
    assert bulk.finished_at is not None
    assert (bulk.done, bulk.expected, standing(bob), standing(alice)) == (8, 8, 0, 4)
    assert len([name for name in change.streams if name.startswith("room.")]) == 3
    assert not Mention.objects.exists()
    assert notices(bob)[-1] == ("moderation", "Mona, a site moderator, removed 8 of your messages")
    undo = services.begin_undo(actor_id=mona.pk, bulk_id=bulk.pk, reason="a mistake")
    with verify():
        undo = services.run_bulk(bulk_id=undo.pk, seconds=60)
    assert (undo.done, standing(bob), RemovedText.objects.count()) == (8, 8, 0)
    assert (
        list(
            Message.objects.filter(author=bob)
            .order_by("pk")
            .values_list("body", "html", "mentions", "reactions")
        )
        == before
    )
    assert set(Mention.objects.values_list("user_id", "room_id", "number")) == mentions
    details = [
        entry.details for entry in ModerationLog.objects.filter(action="bulk").order_by("pk")
    ]
    assert [(found["act"], found["messages"]) for found in details] == [
        ("delete", 8),
        ("restore", 8),
    ]
    with pytest.raises(NotFound):
        services.begin_undo(actor_id=mona.pk, bulk_id=bulk.pk)


def test_the_notification_does_not_depend_on_the_moderators_language(
    spam: list[Message], bob: User, mona: User
) -> None:
    bulk = removal(mona, Choice(author_id=bob.pk))
    with override("de"):
        services.run_bulk(bulk_id=bulk.pk, seconds=60)
    assert notices(bob)[-1] == ("moderation", "Mona, a site moderator, removed 8 of your messages")


def test_search_finds_only_remaining_messages(
    spam: list[Message], alice: User, bob: User, mona: User
) -> None:
    services.hide_message(actor_id=mona.pk, message_id=spam[0].pk)
    assert found(alice, "watches") == 7
    bulk = removal(mona, Choice(author_id=bob.pk))
    services.run_bulk(bulk_id=bulk.pk, seconds=60)
    assert (found(alice, "watches"), found(alice, "hello")) == (0, 4)
    undo = services.begin_undo(actor_id=mona.pk, bulk_id=bulk.pk)
    services.run_bulk(bulk_id=undo.pk, seconds=60)
    assert found(alice, "watches") == 8  # what was hidden is decided as well


def found(user: User, q: str) -> int:
    return len(index.find(user.pk, parse(q)).messages)


def test_a_restored_message_counts_no_mention_for_a_user_who_blocked_its_author(
    spam: list[Message], general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    bulk = removal(mona, Choice(author_id=bob.pk, room_id=general.pk))
    services.run_bulk(bulk_id=bulk.pk, seconds=60)
    services.block(actor_id=alice.pk, user_id=bob.pk)
    undo = services.begin_undo(actor_id=mona.pk, bulk_id=bulk.pk)
    services.run_bulk(bulk_id=undo.pk, seconds=60)
    assert standing(bob) == 8
    assert not Mention.objects.exists()
    for act in (services.hide_message, services.show_message):
        act(actor_id=mona.pk, message_id=spam[0].pk)
    assert not Mention.objects.exists()
    services.unblock(actor_id=alice.pk, user_id=bob.pk)
    for act in (services.hide_message, services.show_message):
        act(actor_id=mona.pk, message_id=spam[0].pk)
    assert [*Mention.objects.values_list("user_id", "number")] == [(alice.pk, spam[0].number)]


def test_only_what_was_chosen_goes(
    verify: Verify, spam: list[Message], general: Room, alice: User, bob: User, mona: User
) -> None:
    Message.objects.filter(pk=spam[0].pk).update(created_at=timezone.now() - timedelta(days=2))
    day_ago = timezone.now() - timedelta(days=1)
    for choice, expected in (
        (Choice(author_id=bob.pk, room_id=general.pk), 4),
        (Choice(room_id=general.pk), 8),
        (Choice(room_id=general.pk, words="WATCHES 1"), 0),  # there is markup between
        (Choice(room_id=general.pk, words="hello"), 4),
        (Choice(author_id=bob.pk, words="Watches"), 6),  # not what two say to each other
        (Choice(author_id=bob.pk, since=day_ago), 7),
        (Choice(author_id=bob.pk, until=day_ago), 1),
    ):
        assert count(choice) == expected
    bulk = removal(mona, Choice(room_id=general.pk, words="hello"))
    with verify():
        services.run_bulk(bulk_id=bulk.pk, seconds=60)
    assert (standing(alice), standing(bob)) == (0, 8)


def test_what_is_written_after_the_confirmation_stays(
    spam: list[Message], general: Room, bob: User, mona: User, say: Say
) -> None:
    bulk = removal(mona, Choice(author_id=bob.pk))
    later = say(bob, general, "sorry")
    services.run_bulk(bulk_id=bulk.pk, seconds=60)
    assert list(Message.objects.filter(author=bob, deleted_at=None)) == [later]


def test_another_process_continues_where_it_stopped(
    verify: Verify, spam: list[Message], bob: User, mona: User
) -> None:
    bulk = removal(mona, Choice(author_id=bob.pk))
    with verify():
        first = services.run_bulk(bulk_id=bulk.pk, seconds=0)
    assert (first.done, first.finished_at) == (3, None)
    Bulk.objects.update(cursor=0)  # died before it could note how far it was
    out = StringIO()
    with verify():
        call_command("bulk_resume", stdout=out)
    assert "8 of 8, finished" in out.getvalue()
    assert services.run_bulk(bulk_id=bulk.pk, seconds=60).done == 8
    call_command("bulk_resume", stdout=out)
    assert "No bulk action was interrupted." in out.getvalue()
    assert [title for _, title in notices(bob)].count(
        "Mona, a site moderator, removed 8 of your messages"
    ) == 1


def test_what_others_did_meanwhile_stays_as_they_did_it(
    spam: list[Message], alice: User, bob: User, mona: User
) -> None:
    bulk = removal(mona, Choice(author_id=bob.pk))
    services.delete_message(actor_id=bob.pk, message_id=spam[0].pk)
    services.delete_message(actor_id=alice.pk, message_id=spam[1].pk)
    services.run_bulk(bulk_id=bulk.pk, seconds=60)
    services.restore_message(actor_id=mona.pk, message_id=spam[2].pk)
    undo = services.begin_undo(actor_id=mona.pk, bulk_id=bulk.pk)
    assert services.run_bulk(bulk_id=undo.pk, seconds=60).done == 5
    assert [Message.objects.get(pk=spam[number].pk).is_deleted for number in (0, 1, 2)] == [
        True,
        True,
        False,
    ]


def test_what_is_hidden_while_moderators_look_goes_as_well_and_comes_back(
    verify: Verify, spam: list[Message], bob: User, mona: User
) -> None:
    services.hide_message(actor_id=mona.pk, message_id=spam[0].pk)
    bulk = removal(mona, Choice(author_id=bob.pk))
    with verify():
        assert services.run_bulk(bulk_id=bulk.pk, seconds=60).done == 8
    assert not Message.objects.exclude(hidden_at=None).exists()
    undo = services.begin_undo(actor_id=mona.pk, bulk_id=bulk.pk)
    with verify():
        services.run_bulk(bulk_id=undo.pk, seconds=60)
    assert Message.objects.get(pk=spam[0].pk).body == "Buy **watches** 0 @alice"


def test_an_erasure_is_for_ever(
    verify: Verify, spam: list[Message], alice: User, bob: User, mona: User
) -> None:
    services.delete_message(actor_id=alice.pk, message_id=spam[1].pk)
    bulk = begin_erasure(actor_id=mona.pk, user_id=bob.pk)
    assert begin_erasure(actor_id=mona.pk, user_id=bob.pk) == bulk
    with verify():
        bulk = services.run_bulk(bulk_id=bulk.pk, seconds=60)
    assert (bulk.done, standing(bob), RemovedText.objects.count()) == (8, 0, 0)
    assert not Message.objects.filter(author=bob).exclude(body="", html="").exists()


def test_a_bulk_is_confirmed_by_its_number(
    spam: list[Message], general: Room, direct: Room, alice: User, bob: User, mona: User
) -> None:
    refused: list[type[HoldfastError]] = []
    acts: list[Callable[[], Bulk]] = [
        lambda: removal(mona, Choice(author_id=bob.pk), expected=7),
        lambda: removal(mona, Choice(author_id=bob.pk), reason=" "),
        lambda: removal(mona, Choice(words="wa")),
        lambda: removal(mona, Choice(room_id=direct.pk)),
        lambda: removal(alice, Choice(author_id=bob.pk)),
        lambda: removal(mona, Choice(author_id=10**6)),
        lambda: services.begin_undo(actor_id=mona.pk, bulk_id=5),
        lambda: services.run_bulk(bulk_id=5, seconds=1),
    ]
    for act in acts:
        with pytest.raises(HoldfastError) as caught:
            act()
        refused.append(type(caught.value))
    assert refused == [
        BadRequest,
        BadRequest,
        BadRequest,
        Forbidden,
        Forbidden,
        NotFound,
        NotFound,
        NotFound,
    ]
    assert standing(bob) == 8


def test_no_more_than_one_can_oversee(
    spam: list[Message], bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_selection, "MAX_BULK", 7)
    with pytest.raises(TooMany, match="shorter period"):
        count(Choice(author_id=bob.pk))
