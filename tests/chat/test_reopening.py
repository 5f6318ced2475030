"""Decisions that are taken back: everyone who was notified is notified again."""

import pytest
from django.contrib.auth.models import User

from chat import services
from chat.admin.cases import case_context
from chat.errors import TooLate
from chat.models import Case, Message, ModerationLog, Report, Room
from notifications.kinds import sentence
from notifications.models import Notification
from notifications.payloads import notification
from realtime.protocol.errors import Forbidden
from tests.chat.conftest import Say
from tests.support.replay import Verify

REMOVED = "Thank you for your report; the message was removed."
AGAIN = "Moderators are reviewing your report again."
MISTAKE = "The message that you reported was removed by mistake and is visible again."


@pytest.fixture
def case(general: Room, alice: User, bob: User, charlie: User, say: Say) -> Case:
    """Bob's message, reported by Alice and Charlie."""
    services.join(actor_id=charlie.pk, room_id=general.pk)
    message = say(bob, general, "Buy this")
    for reporter in (alice, charlie):
        services.report(actor_id=reporter.pk, message_id=message.pk, category="spam")
    return Case.objects.get()


def sentences(user: User) -> list[str]:
    rows = Notification.objects.filter(user=user, kind__in=("report", "moderation"))
    return [sentence(notification(row, {})) for row in rows.order_by("pk")]


def decide(case: Case, mona: User, status: str) -> None:
    services.close_case(actor_id=mona.pk, case_id=case.pk, status=status, reason="")


def test_a_removal_is_taken_back(
    verify: Verify, case: Case, mona: User, alice: User, bob: User, charlie: User
) -> None:
    decide(case, mona, "resolved")
    with verify():
        services.reopen(actor_id=mona.pk, case_id=case.pk, reason="it was irony")
    message = Message.objects.get()
    assert (message.body, message.deleted_at) == ("Buy this", None)
    case.refresh_from_db()
    assert (case.status, case.closed_by, case.holder_id) == ("open", None, mona.pk)
    assert not Report.objects.exclude(status="open", closed_by=None).exists()
    for reporter in (alice, charlie):
        assert sentences(reporter) == [REMOVED, AGAIN]
    assert sentences(bob)[-1] == "Someone, a site moderator, restored your message in General"
    assert ModerationLog.objects.filter(action="reopen", reason="it was irony").count() == 1
    totals = case_context.totals(bob.pk)
    assert (totals.cases, totals.removed, totals.actions) == (1, 0, 0)
    decide(case, mona, "dismissed")
    assert sentences(alice)[-1] == "Thank you for your report; the message stays."


def test_what_was_kept_is_reviewed_again_and_its_author_hears_nothing(
    case: Case, mona: User, alice: User, bob: User
) -> None:
    decide(case, mona, "dismissed")
    services.reopen(actor_id=mona.pk, case_id=case.pk)
    assert sentences(alice)[-1] == AGAIN
    assert sentences(bob) == []
    decide(case, mona, "resolved")
    assert sentences(alice)[-1] == REMOVED


def test_a_message_that_is_restored_elsewhere_corrects_the_decision(
    case: Case, mona: User, alice: User, bob: User
) -> None:
    decide(case, mona, "resolved")
    assert case.message_id
    services.restore_message(actor_id=mona.pk, message_id=case.message_id)
    case.refresh_from_db()
    assert case.status == "dismissed"
    assert set(Report.objects.values_list("status", flat=True)) == {"dismissed"}
    assert sentences(alice) == [REMOVED, MISTAKE]
    assert case_context.totals(bob.pk).removed == 0


def test_an_open_case_cannot_be_reopened_nor_one_about_oneself(
    case: Case, mona: User, general: Room, bob: User, say: Say
) -> None:
    with pytest.raises(TooLate, match="open already"):
        services.reopen(actor_id=mona.pk, case_id=case.pk)
    services.join(actor_id=mona.pk, room_id=general.pk)
    mine = say(mona, general, "you fool")
    services.report(actor_id=bob.pk, message_id=mine.pk, category="abuse")
    own = Case.objects.get(message=mine)
    with pytest.raises(Forbidden, match="about you"):
        services.reopen(actor_id=mona.pk, case_id=own.pk)


def test_nobody_restores_their_own_removed_message(
    general: Room, mona: User, alice: User, say: Say
) -> None:
    services.join(actor_id=mona.pk, room_id=general.pk)
    mine = say(mona, general, "you fool")
    services.delete_message(actor_id=alice.pk, message_id=mine.pk, reason="insult")
    with pytest.raises(Forbidden, match="your own message"):
        services.restore_message(actor_id=mona.pk, message_id=mine.pk)
