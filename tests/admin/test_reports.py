"""Mona decides about reports: with one click, logged, and the next one is shown."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.models import Message, ModerationLog, Report, Room
from tests.admin.conftest import Act, told
from tests.chat.conftest import Say
from tests.support.replay import Verify


@pytest.fixture
def message(general: Room, bob: User, say: Say) -> Message:
    for word in ("before", "buy this", "after"):
        say(bob, general, word)
    return Message.objects.get(body="buy this")


@pytest.fixture
def report(message: Message, alice: User) -> Report:
    return services.report(actor_id=alice.pk, message_id=message.pk, category="spam", note="again and again")


def decide(desk: Client, report: Report, decision: str, note: str = "") -> list[str]:
    answer = desk.post(f"/admin/chat/report/{report.pk}/decide/", {"decision": decision, "note": note}, follow=True)
    assert answer.status_code == 200
    return told(answer)


def test_the_page_shows_the_message_its_surroundings_and_the_authors_record(desk: Client, report: Report, act: Act, bob: User) -> None:
    act("person", "mute", bob, room_id="general", seconds=600, reason="the last time")
    page = desk.get(f"/admin/chat/report/{report.pk}/change/").content.decode()
    for expected in ("buy this", "before", "after", "again and again", "Spam", "alice", "the last time", "Ban from site…", "Mute…"):
        assert expected in page


def test_a_message_is_kept(verify: Verify, desk: Client, report: Report, message: Message, mona: User) -> None:
    with verify() as change:
        assert decide(desk, report, "keep", "it is a joke") == [
            f'The message stands, and <a href="/admin/chat/report/{report.pk}/change/">report {report.pk}</a> is closed.'
        ]
    assert change.streams == []
    report.refresh_from_db()
    assert (report.status, report.closed_by) == ("dismissed", mona)
    entry = ModerationLog.objects.latest("pk")
    assert (entry.action, entry.actor, entry.message, entry.reason) == ("dismiss", mona, message, "it is a joke")


def test_a_message_is_deleted_and_all_its_reports_are_resolved(
    verify: Verify, desk: Client, report: Report, message: Message, charlie: User, bob: User
) -> None:
    services.join(actor_id=charlie.pk, room_id=message.room_id)
    services.report(actor_id=charlie.pk, message_id=message.pk, category="abuse")
    with verify():
        decide(desk, report, "delete")
    message.refresh_from_db()
    assert message.is_deleted
    assert list(Report.objects.values_list("status", flat=True)) == ["resolved", "resolved"]
    actions = list(ModerationLog.objects.filter(message=message).order_by("pk").values_list("action", "reason"))
    assert actions == [("delete", "Spam"), ("resolve", ""), ("resolve", "")]
    assert bob.notifications.latest("pk").body == "Spam"


def test_the_next_open_report_follows(desk: Client, report: Report, general: Room, alice: User, bob: User, say: Say) -> None:
    other = services.report(actor_id=alice.pk, message_id=say(bob, general, "worse").pk, category="abuse")
    answer = desk.post(f"/admin/chat/report/{report.pk}/decide/", {"decision": "keep"})
    assert answer["Location"] == f"/admin/chat/report/{other.pk}/change/"
    answer = desk.post(f"/admin/chat/report/{other.pk}/decide/", {"decision": "keep"})
    assert answer["Location"] == "/admin/chat/report/"


def test_a_deleted_message_can_still_be_read_in_its_report(desk: Client, report: Report) -> None:
    decide(desk, report, "delete", "spam")
    page = desk.get(f"/admin/chat/report/{report.pk}/change/").content.decode()
    assert "buy this" in page
    assert "Resolved by" in page
    assert "Keep message" not in page


def test_several_reports_are_decided_at_once(act: Act, report: Report, general: Room, alice: User, bob: User, say: Say) -> None:
    other = services.report(actor_id=alice.pk, message_id=say(bob, general, "worse").pk, category="abuse")
    act("report", "delete", report, other, reason="")
    assert set(Report.objects.values_list("status", flat=True)) == {"resolved"}
    assert set(Message.objects.filter(reports__isnull=False).values_list("body", flat=True)) == {""}


@pytest.mark.parametrize("fields", [{}, {"decision": "explode"}])
def test_a_decision_that_is_none_changes_nothing(desk: Client, report: Report, fields: dict[str, str]) -> None:
    assert desk.post(f"/admin/chat/report/{report.pk}/decide/", fields).status_code == 404
    report.refresh_from_db()
    assert report.status == "open"


def test_opening_the_address_of_a_decision_decides_nothing(desk: Client, report: Report) -> None:
    assert desk.get(f"/admin/chat/report/{report.pk}/decide/?decision=delete").status_code == 404


def test_the_first_page_shows_what_waits(desk: Client, report: Report) -> None:
    page = desk.get("/admin/").content.decode()
    assert "Waiting for a moderator" in page
    assert f"/admin/chat/report/{report.pk}/change/" in page
    decide(desk, report, "keep")
    assert "No open reports" in desk.get("/admin/").content.decode()
