"""Reports of a person or a room wait in the same queue as those of messages."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.errors import AlreadyReported
from chat.models import Case, Report, Room
from notifications.kinds import sentence
from notifications.models import Notification
from notifications.payloads import notification
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import Say
from tests.support.replay import Verify


def newest(user: User) -> str:
    row = Notification.objects.filter(user=user).latest("pk")
    return sentence(notification(row, {}))


def test_a_person_is_reported_and_the_case_keeps_the_name(
    verify: Verify, alice: User, bob: User, charlie: User, mona: User
) -> None:
    for reporter in (alice, charlie):
        services.report_person(actor_id=reporter.pk, user_id=bob.pk, category="abuse", note="name")
    case = Case.objects.get()
    assert (case.kind, case.author, case.times, case.body) == ("person", bob, 2, "Bob (@bob)")
    with pytest.raises(AlreadyReported):
        services.report_person(actor_id=alice.pk, user_id=bob.pk, category="spam")
    with verify():
        services.warn(actor_id=mona.pk, user_id=bob.pk, reason="Choose another name")
        services.close_case(actor_id=mona.pk, case_id=case.pk, status="resolved", reason="warned")
    assert newest(bob) == "Someone, a site moderator, warned you"
    assert newest(alice) == "Thank you for your report; moderators have taken action."
    assert set(Report.objects.values_list("status", flat=True)) == {"resolved"}
    services.reopen(actor_id=mona.pk, case_id=case.pk)
    assert newest(charlie) == "Moderators are reviewing your report again."
    services.close_case(actor_id=mona.pk, case_id=case.pk, status="dismissed", reason="")
    assert newest(charlie) == "Thank you for your report; moderators saw no reason to act."
    services.report_person(actor_id=alice.pk, user_id=bob.pk, category="spam")
    assert Case.objects.count() == 2


def test_a_room_is_reported_with_its_name_and_topic(
    general: Room, alice: User, bob: User, mona: User
) -> None:
    services.report_room(actor_id=bob.pk, room_id=general.pk, category="illegal")
    case = Case.objects.get()
    assert (case.kind, case.room, case.author) == ("room", general, alice)
    assert case.body.startswith("General (#general)")


def test_what_cannot_be_reported(
    secret: Room, direct: Room, alice: User, bob: User, charlie: User
) -> None:
    with pytest.raises(Forbidden):
        services.report_person(actor_id=bob.pk, user_id=bob.pk, category="spam")
    with pytest.raises(NotFound):
        services.report_person(actor_id=bob.pk, user_id=10**9, category="spam")
    with pytest.raises(BadRequest, match="category"):
        services.report_person(actor_id=bob.pk, user_id=alice.pk, category="dull")
    with pytest.raises(NotFound):
        services.report_room(actor_id=charlie.pk, room_id=secret.pk, category="spam")
    with pytest.raises(Forbidden):
        services.report_room(actor_id=bob.pk, room_id=direct.pk, category="spam")


def test_owners_see_the_reports_of_their_room_but_not_who_reported(
    general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    for author, text in ((bob, "buy this"), (alice, "by the owner")):
        message = say(author, general, text)
        services.report(
            actor_id=charlie.pk, message_id=message.pk, category="spam", note="a secret note"
        )
    clients = {user: Client() for user in (alice, bob)}
    for user, client in clients.items():
        client.force_login(user)
    page = clients[alice].get("/rooms/general/reports/").content.decode()
    assert "buy this" in page
    for hidden in ("charlie", "a secret note", "by the owner"):
        assert hidden not in page
    assert clients[bob].get("/rooms/general/reports/").status_code == 404
