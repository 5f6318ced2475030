"""Cases: the site moderators Mona and Omar decide about reports of Bob's messages.

Alice and Charlie have reported them.
"""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils.translation import override

from chat import services
from chat.errors import TooLate
from chat.models import Case, HeldText, Message, ModerationLog, RemovedText, Report, Room
from chat.services.messages.review import closing
from notifications.kinds import detail, sentence
from realtime.auth import MODERATORS
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import Say
from tests.conftest import make_user
from tests.support.replay import Change, Verify

HIDDEN = {"body": "", "mentions": [], "reactions": {}}


@pytest.fixture
def omar(mona: User) -> User:
    user = make_user("omar")
    user.groups.add(Group.objects.get(name=MODERATORS))
    return user


@pytest.fixture
def message(general: Room, alice: User, bob: User, charlie: User, say: Say) -> Message:
    """Bob's, with markup, a mention and a reaction; reported by Alice and Charlie."""
    found = say(bob, general, "**Buy** this, @alice")
    services.react(actor_id=alice.pk, message_id=found.pk, emoji="👎", on=True)
    services.report(actor_id=alice.pk, message_id=found.pk, category="spam")
    services.report(actor_id=charlie.pk, message_id=found.pk, category="abuse")
    return Message.objects.get(pk=found.pk)


def in_room(change: Change, room: Room) -> list[dict[str, Any]]:
    return change.data(f"room.{room.pk}")


def notices(change: Change, user: User) -> list[dict[str, Any]]:
    """Return the notifications of moderation; withdrawn reactions are left out."""
    return [
        data for data in change.data(f"inbox.{user.pk}") if data["kind"] in ("moderation", "report")
    ]


def told(change: Change, user: User) -> list[str]:
    return [sentence(data) for data in notices(change, user)]


def test_a_message_is_removed_and_everyone_concerned_is_notified(
    verify: Verify,
    message: Message,
    general: Room,
    alice: User,
    bob: User,
    charlie: User,
    mona: User,
) -> None:
    with verify() as change:
        services.decide(
            actor_id=mona.pk, message_id=message.pk, status="resolved", reason="Advertising"
        )
    assert in_room(change, general)[0] | {"body": ""} == in_room(change, general)[0]
    for reporter in (alice, charlie):
        assert told(change, reporter) == ["Thank you for your report; the message was removed."]
    assert told(change, bob) == ["Mona, a site moderator, removed your message in General"]
    assert notices(change, bob)[0]["body"] == "Advertising"
    assert "Buy" not in str(change.published)
    assert set(Report.objects.values_list("status", "closed_by")) == {("resolved", mona.pk)}
    assert list(ModerationLog.objects.order_by("pk").values_list("action", "reason")) == [
        ("resolve", "Advertising"),
    ]


def test_the_author_reads_the_category_in_their_own_language(
    verify: Verify, message: Message, bob: User, mona: User
) -> None:
    Report.objects.update(category="abuse")
    with verify() as change, override("ar"):
        services.decide(actor_id=mona.pk, message_id=message.pk, status="resolved")
    with override("de"):
        assert detail(notices(change, bob)[0]) == "Beleidigung"


def test_the_second_moderator_gets_the_error_in_their_language(
    message: Message, mona: User, omar: User
) -> None:
    services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    with pytest.raises(TooLate) as refused:
        services.decide(actor_id=omar.pk, message_id=message.pk, status="resolved")
    with override("de"):
        assert (
            refused.value.message
            == "Mona hat diesen Fall schon abgeschlossen und die Nachricht behalten."
        )


def test_without_a_reason_the_author_reads_the_category(
    verify: Verify, message: Message, bob: User, mona: User
) -> None:
    with verify() as change:
        services.decide(actor_id=mona.pk, message_id=message.pk, status="resolved")
    assert detail(notices(change, bob)[0]) == "Spam"


def test_a_message_stays(
    verify: Verify, message: Message, alice: User, bob: User, charlie: User, mona: User
) -> None:
    with verify() as change:
        services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    assert change.streams == sorted([f"inbox.{alice.pk}", f"inbox.{charlie.pk}"])
    assert told(change, alice) == ["Thank you for your report; the message stays."]


def test_a_hidden_message_says_nothing_to_anybody_and_comes_back_as_it_was(
    verify: Verify, message: Message, general: Room, mona: User
) -> None:
    with verify() as change:
        services.hide_message(actor_id=mona.pk, message_id=message.pk, reason="looking")
    (hidden,) = in_room(change, general)
    assert hidden | HIDDEN == hidden
    assert hidden["hidden_at"]
    assert "html" not in hidden
    before = {
        "body": message.body,
        "html": message.html,
        "mentions": message.mentions,
        "reactions": message.reactions,
    }
    with verify() as change:
        services.show_message(actor_id=mona.pk, message_id=message.pk)
    (shown,) = in_room(change, general)
    assert shown | before == shown
    assert "hidden_at" not in shown
    assert not HeldText.objects.exists()
    assert list(ModerationLog.objects.order_by("pk").values_list("action", flat=True)) == [
        "hide",
        "show",
    ]


def test_what_is_hidden_is_changed_by_nobody(
    message: Message, alice: User, bob: User, mona: User
) -> None:
    services.hide_message(actor_id=mona.pk, message_id=message.pk)
    services.hide_message(actor_id=mona.pk, message_id=message.pk)
    with pytest.raises(Forbidden, match="Moderators are reviewing"):
        services.edit_message(actor_id=bob.pk, message_id=message.pk, body="I take it back")
    with pytest.raises(Forbidden, match="Moderators are reviewing"):
        services.delete_message(actor_id=bob.pk, message_id=message.pk)
    with pytest.raises(Forbidden, match="Moderators are reviewing"):
        services.react(actor_id=alice.pk, message_id=message.pk, emoji="👍", on=True)
    assert HeldText.objects.get().body == message.body


@pytest.mark.parametrize(
    ("status", "body"), [("resolved", ""), ("dismissed", "**Buy** this, @alice")]
)
def test_a_decision_ends_the_hiding(
    verify: Verify, message: Message, bob: User, mona: User, status: str, body: str
) -> None:
    services.hide_message(actor_id=mona.pk, message_id=message.pk)
    with verify() as change:
        services.decide(actor_id=mona.pk, message_id=message.pk, status=status)
    message.refresh_from_db()
    assert (message.body, message.hidden_at) == (body, None)
    assert not HeldText.objects.exists()
    assert len(told(change, bob)) == 1
    if status == "resolved":
        assert RemovedText.objects.get().body == "**Buy** this, @alice"
        services.restore_message(actor_id=mona.pk, message_id=message.pk)
        message.refresh_from_db()
        assert message.body == "**Buy** this, @alice"


def test_the_second_moderator_learns_who_was_first(
    verify: Verify, message: Message, mona: User, omar: User
) -> None:
    services.decide(actor_id=mona.pk, message_id=message.pk, status="resolved")
    with (
        verify() as change,
        pytest.raises(TooLate, match="Mona already closed this case and removed the message"),
    ):
        services.decide(actor_id=omar.pk, message_id=message.pk, status="dismissed")
    assert change.streams == []
    assert set(Report.objects.values_list("closed_by", flat=True)) == {mona.pk}


def test_a_case_is_one_moderators_and_a_second_one_has_to_take_it_over(
    message: Message, mona: User, omar: User, bob: User
) -> None:
    case = Case.objects.get()
    services.assign(actor_id=mona.pk, case_id=case.pk)
    services.assign(actor_id=mona.pk, case_id=case.pk)
    with pytest.raises(TooLate, match="Mona is already reviewing this case"):
        services.assign(actor_id=omar.pk, case_id=case.pk)
    services.release(actor_id=omar.pk, case_id=case.pk)
    assert set(Case.objects.values_list("assigned_to", flat=True)) == {mona.pk}
    services.assign(actor_id=omar.pk, case_id=case.pk, instead_of=mona.pk)
    assert set(Case.objects.values_list("assigned_to", flat=True)) == {omar.pk}
    services.release(actor_id=omar.pk, case_id=case.pk)
    assert set(Case.objects.values_list("assigned_to", flat=True)) == {None}
    services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    with pytest.raises(TooLate, match="Mona already closed this case and kept the message"):
        services.assign(actor_id=omar.pk, case_id=case.pk)


def test_more_reports_than_a_transaction_takes_are_closed_too(
    verify: Verify, message: Message, mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "REPORTS_PER_TRANSACTION", 1)
    with verify():
        services.decide(actor_id=mona.pk, message_id=message.pk, status="resolved")
    assert set(Report.objects.values_list("status", flat=True)) == {"resolved"}
    assert list(ModerationLog.objects.order_by("pk").values_list("action", flat=True)) == [
        "resolve",
    ]


def test_the_author_may_have_deleted_it_before(
    verify: Verify, message: Message, bob: User, mona: User
) -> None:
    services.delete_message(actor_id=bob.pk, message_id=message.pk)
    with verify() as change:
        services.decide(actor_id=mona.pk, message_id=message.pk, status="resolved")
    assert told(change, bob) == []
    with pytest.raises(NotFound):
        services.hide_message(actor_id=mona.pk, message_id=message.pk)


def test_only_moderators_of_the_site_do_this(
    message: Message, alice: User, general: Room, say: Say, mona: User
) -> None:
    for act in (services.hide_message, services.show_message):
        with pytest.raises(Forbidden):
            act(actor_id=alice.pk, message_id=message.pk)
    case = Case.objects.get()
    for step in (services.assign, services.release, services.claim, services.reopen):
        with pytest.raises(Forbidden):
            step(actor_id=alice.pk, case_id=case.pk)
    with pytest.raises(Forbidden):
        services.decide(actor_id=alice.pk, message_id=message.pk, status="resolved")
    with pytest.raises(BadRequest, match="resolved, dismissed"):
        services.decide(actor_id=mona.pk, message_id=message.pk, status="open")
    with pytest.raises(NotFound, match="No one has reported"):
        services.decide(
            actor_id=mona.pk, message_id=say(alice, general, "fine").pk, status="dismissed"
        )
