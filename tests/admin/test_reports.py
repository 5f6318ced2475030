"""Mona decides about reports: with one click, logged, and the next one is shown."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.models import Case, Message, ModerationLog, Report, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.admin.conftest import Act, signed_in, told
from tests.admin.test_lists import queries_of
from tests.chat.conftest import Say
from tests.conftest import make_user
from tests.support.replay import Verify


@pytest.fixture
def message(general: Room, bob: User, say: Say) -> Message:
    for word in ("before", "buy this", "after"):
        say(bob, general, word)
    return Message.objects.get(body="buy this")


@pytest.fixture
def report(message: Message, alice: User) -> Report:
    return services.report(
        actor_id=alice.pk, message_id=message.pk, category="spam", note="again and again"
    )


def decide(desk: Client, report: Report, decision: str, note: str = "") -> list[str]:
    answer = desk.post(
        f"/admin/chat/case/{report.case_id}/decide/",
        {"decision": decision, "note": note},
        follow=True,
    )
    assert answer.status_code == 200
    return told(answer)


def page_of(desk: Client, report: Report, query: str = "") -> str:
    return desk.get(f"/admin/chat/case/{report.case_id}/change/{query}").content.decode()


def address(report: Report) -> str:
    return f"/admin/chat/case/{report.case_id}/change/"


def test_the_page_shows_the_message_its_surroundings_and_the_authors_record(
    desk: Client, report: Report, act: Act, bob: User
) -> None:
    act("person", "mute", bob, room_id="general", seconds=600, reason="the last time")
    page = page_of(desk, report)
    for expected in (
        "buy this",
        "before",
        "after",
        "again and again",
        "Spam",
        "alice",
        "the last time",
        "Ban from site",
        "Mute",
    ):
        assert expected in page
    assert "mona muted bob in #general" in page


def test_five_messages_stand_on_each_side_and_more_are_unfolded(
    desk: Client, general: Room, alice: User, bob: User, say: Say
) -> None:
    said = [say(bob, general, f"word{number:02}") for number in range(20)]
    row = services.report(actor_id=alice.pk, message_id=said[10].pk, category="spam")
    near, far = page_of(desk, row), page_of(desk, row, "?further=1")
    assert [f"word{number:02}" in near for number in (4, 5, 15, 16)] == [False, True, True, False]
    assert "word00" in far


def test_of_a_direct_conversation_no_more_is_unfolded(
    desk: Client, direct: Room, alice: User, bob: User, say: Say
) -> None:
    said = [say(bob, direct, f"word{number:02}") for number in range(20)]
    row = services.report(actor_id=alice.pk, message_id=said[10].pk, category="spam")
    assert "word04" not in page_of(desk, row, "?further=1")


def test_a_message_is_kept(desk: Client, report: Report, message: Message, mona: User) -> None:
    name = f"<bdi>Case {report.case_id}</bdi>"
    link = f'<a href="/admin/chat/case/{report.case_id}/change/">{name}</a>'
    assert decide(desk, report, "keep", "it is a joke") == [f"Message kept. {link} is closed."]
    report.refresh_from_db()
    assert (report.status, report.closed_by) == ("dismissed", mona)
    entry = ModerationLog.objects.latest("pk")
    assert (entry.action, entry.actor, entry.message, entry.reason) == (
        "dismiss",
        mona,
        message,
        "it is a joke",
    )


def test_a_message_is_removed_and_all_its_reports_with_it(
    verify: Verify, desk: Client, report: Report, message: Message, charlie: User, bob: User
) -> None:
    services.join(actor_id=charlie.pk, room_id=message.room_id)
    services.report(actor_id=charlie.pk, message_id=message.pk, category="abuse")
    with verify():
        decide(desk, report, "remove")
    message.refresh_from_db()
    assert message.is_deleted
    assert list(Report.objects.values_list("status", flat=True)) == ["resolved", "resolved"]
    assert bob.notifications.latest("pk").params["category"] == "spam"


def test_several_reports_of_one_message_are_one_case(
    desk: Client, report: Report, message: Message, charlie: User
) -> None:
    second = services.report(
        actor_id=charlie.pk, message_id=message.pk, category="abuse", note="threatening"
    )
    (row,) = desk.get("/admin/chat/case/").context["cl"].result_list
    assert (row.pk, row.times, row.category) == (report.case_id, 2, "abuse")
    for category, found in (("abuse", [second.case_id]), ("spam", [])):
        listed = desk.get(f"/admin/chat/case/?category__exact={category}").context["cl"]
        assert [row.pk for row in listed.result_list] == found
    page = page_of(desk, report)
    assert "Reported by 2 people" in page
    assert "threatening" in page


def test_a_message_is_hidden_while_moderators_look(
    desk: Client, report: Report, message: Message
) -> None:
    decide(desk, report, "hide")
    message.refresh_from_db()
    assert (message.body, message.is_hidden) == ("", True)
    page = page_of(desk, report)
    assert "buy this" in page
    assert "Hidden from others" in page
    assert "buy this" in desk.get("/admin/chat/message/").content.decode()
    decide(desk, report, "show")
    message.refresh_from_db()
    assert message.body == "buy this"


def test_a_case_is_assigned_released_and_taken_over(
    desk: Client, report: Report, mona: User
) -> None:
    omar = make_user("omar")
    appoint_moderator(username="omar")
    other = signed_in(omar)
    decide(desk, report, "assign")
    assert "Assigned to mona" in page_of(desk, report)
    assert decide(other, report, "assign") == ["Mona is already reviewing this case."]
    assert "Take over from mona" in page_of(other, report)
    listed = "/admin/chat/case/?status="
    assert [
        len(desk.get(f"{listed}{state}").context["cl"].result_list)
        for state in ("open", "assigned", "mine")
    ] == [1, 1, 1]
    assert [
        len(other.get(f"{listed}{state}").context["cl"].result_list)
        for state in ("open", "assigned", "mine")
    ] == [1, 1, 0]
    other.post(
        f"/admin/chat/case/{report.case_id}/decide/", {"decision": "assign", "seen": mona.pk}
    )
    assert "Assigned to omar" in page_of(desk, report)
    decide(other, report, "release")
    assert "Assigned to omar" not in page_of(desk, report)


def test_the_second_decision_names_the_moderator_of_the_first(desk: Client, report: Report) -> None:
    make_user("omar")
    appoint_moderator(username="omar")
    decide(desk, report, "remove")
    other = signed_in(User.objects.get(username="omar"))
    assert decide(other, report, "keep") == [
        "Mona already closed this case and removed the message."
    ]


def test_the_next_case_follows(
    desk: Client, report: Report, general: Room, alice: User, bob: User, say: Say
) -> None:
    other = services.report(
        actor_id=alice.pk, message_id=say(bob, general, "worse").pk, category="abuse"
    )
    assert desk.get("/admin/chat/case/next/")["Location"] == address(other)
    answer = desk.post(f"/admin/chat/case/{other.case_id}/decide/", {"decision": "keep"})
    assert answer["Location"] == address(report)
    answer = desk.post(f"/admin/chat/case/{report.case_id}/decide/", {"decision": "keep"})
    assert answer["Location"] == "/admin/chat/case/"
    assert desk.get("/admin/chat/case/next/")["Location"] == "/admin/chat/case/"


def test_a_removed_message_can_still_be_read_in_its_report(desk: Client, report: Report) -> None:
    decide(desk, report, "remove", "spam")
    page = page_of(desk, report)
    assert "buy this" in page
    assert "Removed by mona" in page
    assert "Keep message" not in page


def test_several_reports_are_decided_at_once(
    act: Act, report: Report, general: Room, alice: User, bob: User, say: Say
) -> None:
    other = services.report(
        actor_id=alice.pk, message_id=say(bob, general, "worse").pk, category="abuse"
    )
    act("case", "assign", report.case, other.case, reason="")
    assert None not in set(Case.objects.values_list("assigned_to", flat=True))
    act("case", "delete", report.case, other.case, reason="")
    assert set(Report.objects.values_list("status", flat=True)) == {"resolved"}
    assert set(Message.objects.filter(reports__isnull=False).values_list("body", flat=True)) == {""}


def test_a_case_costs_as_many_queries_with_many_rows_as_with_few(
    desk: Client, general: Room, report: Report, bob: User, say: Say
) -> None:
    url = f"/admin/chat/case/{report.case_id}/change/"
    desk.get(url)  # content types are read once in a process
    few = queries_of(desk, url)
    for number in range(12):
        other = say(bob, general, f"more {number}")
        services.report(actor_id=report.reporter_id, message_id=other.pk, category="spam")
        services.report(
            actor_id=make_user(f"reporter{number}").pk,
            message_id=report.message_id or 0,
            category="spam",
        )
    assert len(queries_of(desk, url)) == len(few)


@pytest.mark.parametrize("fields", [{}, {"decision": "explode"}])
def test_a_decision_that_is_none_changes_nothing(
    desk: Client, report: Report, fields: dict[str, str]
) -> None:
    assert desk.post(f"/admin/chat/case/{report.case_id}/decide/", fields).status_code == 404
    report.refresh_from_db()
    assert report.status == "open"


def test_opening_the_address_of_a_decision_decides_nothing(desk: Client, report: Report) -> None:
    assert desk.get(f"/admin/chat/case/{report.case_id}/decide/?decision=delete").status_code == 404


def test_the_first_page_shows_what_waits(desk: Client, report: Report) -> None:
    page = desk.get("/admin/").content.decode()
    assert "Open cases" in page
    assert f"/admin/chat/case/{report.case_id}/change/" in page
    decide(desk, report, "keep")
    assert "No open cases" in desk.get("/admin/").content.decode()
