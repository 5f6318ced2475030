"""A reported text is kept, whatever happens to the message, until nobody can appeal any more.

Bob writes a threat in general. Charlie reports it. Alice owns the room, Mona moderates the site.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from chat import services
from chat.admin.cases import case_page
from chat.errors import AlreadyReported
from chat.models import Case, HeldText, Message, RemovedText, Report, Revision, Room
from chat.moderation import evidence
from chat.moderation.archives import write
from chat.moderation.evidence import Scope
from chat.moderation.room_archives import room_files
from chat.services.messages.review import case_records
from chat.services.moderation.bulk_selection import Choice, count
from chat.services.retention import run
from realtime.protocol.errors import NotFound
from tests.chat.conftest import Say, fresh

THREAT = "I know that you live at Harbour Street 7"
Change = Callable[["Actors", Message], None]


class Actors:
    """The people who act in the ways below."""

    def __init__(self, alice: User, bob: User, charlie: User, mona: User, room: Room) -> None:
        self.alice, self.bob, self.charlie, self.mona = alice, bob, charlie, mona
        self.room = room


@pytest.fixture
def actors(alice: User, bob: User, charlie: User, mona: User, general: Room) -> Actors:
    return Actors(alice, bob, charlie, mona, general)


@pytest.fixture
def threat(general: Room, bob: User, charlie: User, say: Say) -> Message:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    found = say(bob, general, THREAT)
    services.report(actor_id=charlie.pk, message_id=found.pk, category="abuse", note="I'm afraid")
    return found


def edit(actors: Actors, message: Message) -> None:
    services.edit_message(actor_id=actors.bob.pk, message_id=message.pk, body="Good morning")


def delete(actors: Actors, message: Message) -> None:
    services.delete_message(actor_id=actors.bob.pk, message_id=message.pk)


def edit_and_delete(actors: Actors, message: Message) -> None:
    edit(actors, message)
    delete(actors, message)


def remove(actors: Actors, message: Message) -> None:
    services.delete_message(actor_id=actors.alice.pk, message_id=message.pk, reason="no")


def remove_and_delete(actors: Actors, message: Message) -> None:
    remove(actors, message)
    delete(actors, message)


def remove_and_restore(actors: Actors, message: Message) -> None:
    remove(actors, message)
    services.restore_message(actor_id=actors.alice.pk, message_id=message.pk)


def hide(actors: Actors, message: Message) -> None:
    services.hide_message(actor_id=actors.mona.pk, message_id=message.pk)


def bulk(actors: Actors, message: Message) -> None:
    choice = Choice(author_id=actors.bob.pk)
    begun = services.begin_removal(
        actor_id=actors.mona.pk, choice=choice, expected=count(choice), reason="no"
    )
    services.run_bulk(bulk_id=begun.pk, seconds=60)


def erase(actors: Actors, message: Message) -> None:
    services.erase_person(actor_id=actors.mona.pk, user_id=actors.bob.pk, seconds=60)


def hide_and_erase(actors: Actors, message: Message) -> None:
    hide(actors, message)
    erase(actors, message)


def remove_and_erase(actors: Actors, message: Message) -> None:
    remove(actors, message)
    erase(actors, message)


def archive_the_room(actors: Actors, message: Message) -> None:
    services.change_room(actor_id=actors.alice.pk, room_id=actors.room.pk, archived=True)


def retain_for_a_day(actors: Actors, message: Message) -> None:
    Message.objects.update(created_at=timezone.now() - timedelta(days=9))
    services.set_retention(actor_id=actors.mona.pk, room_id=actors.room.pk, retention_days=1)
    run.run()


CHANGES: list[Change] = [
    edit,
    delete,
    edit_and_delete,
    remove,
    remove_and_delete,
    remove_and_restore,
    hide,
    bulk,
    erase,
    hide_and_erase,
    remove_and_erase,
    archive_the_room,
    retain_for_a_day,
]
# After these, a moderator has removed the message, so a moderator can restore it.
REMOVALS = (remove, remove_and_delete, bulk, remove_and_erase)


def archived(message: Message, mona: User) -> str:
    """Return all files of the evidence about a message."""
    out = io.BytesIO()
    scope = Scope(message=Message.objects.select_related("room").get(pk=message.pk))
    write(evidence.evidence(scope, made_by=mona, reason="police"), out)
    with zipfile.ZipFile(out) as archive:
        return "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


def assert_kept(message: Message, mona: User) -> None:
    for report in Report.objects.filter(message=message).select_related("message", "case"):
        assert report.case is not None
        page = case_page.of_case(report.case, is_expanded=False)
        assert page["message"].pk == message.pk
        assert report.case.body == THREAT
        assert report.case.author_name == "Bob (@bob)"
    assert THREAT in archived(message, mona)


@pytest.mark.parametrize("change", CHANGES)
def test_the_case_and_the_evidence_keep_what_was_reported(
    actors: Actors, threat: Message, change: Change
) -> None:
    change(actors, threat)
    assert_kept(threat, actors.mona)
    if change in REMOVALS:
        restored = services.restore_message(actor_id=actors.mona.pk, message_id=threat.pk)
        assert restored.body == THREAT


@pytest.mark.parametrize("status", ["resolved", "dismissed"])
@pytest.mark.parametrize("change", [edit, delete, erase, remove_and_erase, bulk])
def test_also_after_the_decision(
    actors: Actors, threat: Message, change: Change, status: str
) -> None:
    services.decide(actor_id=actors.mona.pk, message_id=threat.pk, status=status)
    if status == "resolved" and change is edit:
        services.restore_message(actor_id=actors.mona.pk, message_id=threat.pk)
    change(actors, threat)
    run.run()
    assert_kept(threat, actors.mona)
    if status == "resolved" and change is not edit:
        restored = services.restore_message(actor_id=actors.mona.pk, message_id=threat.pk)
        assert restored.body == THREAT


@pytest.mark.parametrize("change", [delete, erase, hide_and_erase, remove_and_erase, edit])
def test_it_goes_when_the_time_to_appeal_is_over(
    actors: Actors, threat: Message, change: Change
) -> None:
    change(actors, threat)
    if Case.objects.filter(status="open").exists():
        services.decide(actor_id=actors.mona.pk, message_id=threat.pk, status="dismissed")
    Case.objects.update(closed_at=timezone.now() - timedelta(days=183))
    run.run()
    assert_kept(threat, actors.mona)
    Case.objects.update(closed_at=timezone.now() - timedelta(days=185))
    assert run.count().holds == 1
    assert run.run().holds == 1
    assert run.run().holds == 0
    assert Case.objects.get().released_at is not None
    assert not Revision.objects.exists()
    everything = dump()
    assert "Harbour" not in everything
    if change not in (delete, edit):
        assert "bob" not in everything.lower().replace("bob.example", "")


def dump() -> str:
    """Return every row of every table of chat and notifications that has texts."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("chat_", "notifications_", "auth_user", "django_admin_log")):
                if table.startswith("chat_search"):
                    continue
                cursor.execute(f'SELECT * FROM "{table}"')
                found.append(repr(cursor.fetchall()))
    return "\n".join(found)


@override_settings(HOLDFAST_APPEAL_DAYS=0)
def test_a_site_without_appeals_keeps_nothing_after_the_decision(
    actors: Actors, threat: Message
) -> None:
    services.decide(actor_id=actors.mona.pk, message_id=threat.pk, status="dismissed")
    assert run.run().holds == 1
    assert Case.objects.get().body == ""


def test_the_case_shows_every_change_since(actors: Actors, threat: Message) -> None:
    edit(actors, threat)
    remove_and_restore(actors, threat)
    delete(actors, threat)
    rows = Revision.objects.order_by("pk").values_list("act", "by__username", "body")
    assert list(rows) == [
        ("edit", "bob", "Good morning"),
        ("remove", "alice", ""),
        ("restore", "alice", "Good morning"),
        ("delete", "bob", ""),
    ]


@override_settings(HOLDFAST_CASE_REVISIONS=3)
def test_a_case_keeps_the_newest_changes_and_says_how_many_it_has_dropped(
    actors: Actors, threat: Message
) -> None:
    for number in range(5):
        services.edit_message(actor_id=actors.bob.pk, message_id=threat.pk, body=f"edit {number}")
    rows = Revision.objects.order_by("pk").values_list("body", flat=True)
    assert list(rows) == ["edit 2", "edit 3", "edit 4"]
    case = Case.objects.get()
    assert (case.body, case.dropped) == (THREAT, 2)


def test_nobody_but_moderators_reads_what_is_kept(actors: Actors, threat: Message) -> None:
    delete(actors, threat)
    out = io.BytesIO()
    write(room_files(fresh(actors.room)), out)
    with zipfile.ZipFile(out) as archive:
        files = "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
    assert "Harbour" not in files
    assert "Harbour" not in str(Message.objects.values().get(pk=threat.pk))


def test_a_message_that_is_not_reported_keeps_no_history(
    actors: Actors, general: Room, bob: User, say: Say
) -> None:
    message = say(bob, general, "Hello")
    edit(actors, message)
    delete(actors, message)
    assert not Revision.objects.exists()
    assert not RemovedText.objects.exists()
    assert not HeldText.objects.exists()


def test_a_message_that_changed_after_the_decision_can_be_reported_again(
    actors: Actors, threat: Message
) -> None:
    services.decide(actor_id=actors.mona.pk, message_id=threat.pk, status="dismissed")
    with pytest.raises(AlreadyReported):
        services.report(actor_id=actors.charlie.pk, message_id=threat.pk, category="abuse")
    services.edit_message(actor_id=actors.bob.pk, message_id=threat.pk, body="A worse threat")
    services.report(actor_id=actors.charlie.pk, message_id=threat.pk, category="abuse")
    with pytest.raises(AlreadyReported):
        services.report(actor_id=actors.charlie.pk, message_id=threat.pk, category="spam")
    first, second = Case.objects.order_by("pk")
    assert (first.body, first.status) == (THREAT, "dismissed")
    assert (second.body, second.status) == ("A worse threat", "open")
    services.decide(actor_id=actors.mona.pk, message_id=threat.pk, status="resolved")
    assert list(Report.objects.order_by("pk").values_list("status", flat=True)) == [
        "dismissed",
        "resolved",
    ]


def test_a_deleted_message_cannot_be_reported_for_the_first_time(
    actors: Actors, general: Room, bob: User, say: Say
) -> None:
    message = say(bob, general, "Hello")
    delete(actors, message)
    with pytest.raises(NotFound, match="was deleted"):
        services.report(actor_id=actors.alice.pk, message_id=message.pk, category="abuse")


def test_further_people_can_report_what_its_author_has_deleted_since(
    actors: Actors, threat: Message
) -> None:
    delete(actors, threat)
    services.report(actor_id=actors.alice.pk, message_id=threat.pk, category="abuse")
    assert Case.objects.get().reports.count() == 2


def test_a_moderator_reads_what_moderators_removed_around_the_message(
    actors: Actors, general: Room, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    insult = say(charlie, general, "You fool")
    threat = say(bob, general, THREAT)
    services.delete_message(actor_id=actors.alice.pk, message_id=insult.pk, reason="insult")
    report = services.report(actor_id=actors.alice.pk, message_id=threat.pk, category="abuse")
    assert report.case is not None
    before = case_page.of_case(report.case, is_expanded=False)["before"]
    assert [row.body for row in before] == ["You fool"]


def test_a_report_by_a_node_of_the_version_before_gets_its_case(
    actors: Actors, threat: Message
) -> None:
    Report.objects.update(case=None, author=None)
    Case.objects.all().delete()
    services.edit_message(actor_id=actors.bob.pk, message_id=threat.pk, body="edited since")
    run.run()
    report = Report.objects.select_related("case").get()
    assert report.case is not None
    assert (report.author, report.case.body) == (actors.bob, "edited since")
    Report.objects.update(case=None)
    Case.objects.all().delete()
    services.decide(actor_id=actors.mona.pk, message_id=threat.pk, status="resolved")
    assert Report.objects.get().status == "resolved"


def test_a_case_that_a_node_of_the_version_before_closed_is_closed(
    actors: Actors, threat: Message
) -> None:
    Report.objects.update(status="dismissed", closed_at=timezone.now(), closed_by=actors.mona)
    run.run()
    case = Case.objects.get()
    assert (case.status, case.closed_by) == ("dismissed", actors.mona)


def test_the_frozen_name_fits(bob: User) -> None:
    bob.first_name = bob.last_name = "n" * 150
    bob.username = "u" * 150
    assert len(case_records.author_name(bob)) <= 460
