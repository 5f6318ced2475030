"""A removal has the same consequences, wherever a moderator makes it.

The open reports of the message are closed, everyone who reported it gets an answer, the author is
notified once, the log has one entry, and the record of the author has it.
"""

from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from chat import services
from chat.admin import log_sentences
from chat.admin.cases import case_context
from chat.models import Bulk, BulkAuthor, Case, Message, ModerationLog, RemovedText, Report, Room
from chat.services.messages.review import closing
from chat.services.moderation import bulk as bulks
from chat.services.moderation.bulk_selection import Choice, count
from chat.services.retention import run
from notifications.models import Notification
from tests.chat.conftest import Say, notices
from tests.conftest import make_user
from tests.support.replay import Verify

THANKS = ("report", "Thank you for your report; the message was removed.")

Door = Callable[[Message, User, User], None]


def case_page(message: Message, mona: User, _owner: User) -> None:
    services.decide(
        actor_id=mona.pk, message_id=message.pk, status="resolved", reason="Advertising"
    )


def chat_by_a_site_moderator(message: Message, mona: User, _owner: User) -> None:
    services.delete_message(actor_id=mona.pk, message_id=message.pk, reason="Advertising")


def chat_by_the_owner_of_the_room(message: Message, _mona: User, owner: User) -> None:
    services.delete_message(actor_id=owner.pk, message_id=message.pk, reason="Advertising")


def message_page(message: Message, mona: User, _owner: User) -> None:
    mona.is_staff = True
    mona.save()
    client = Client()
    client.force_login(mona)
    answer = client.post(
        "/admin/chat/message/action/delete/",
        {"ids": str(message.pk), "reason": "Advertising", "back": "/admin/"},
    )
    assert answer.status_code == 302


def begun(mona: User, choice: Choice) -> Bulk:
    return services.begin_removal(
        actor_id=mona.pk, choice=choice, expected=count(choice), reason="Advertising"
    )


def bulk_by_author(message: Message, mona: User, _owner: User) -> None:
    bulk = begun(mona, Choice(author_id=message.author_id))
    services.run_bulk(bulk_id=bulk.pk, seconds=60)


def bulk_by_room(message: Message, mona: User, _owner: User) -> None:
    bulk = begun(mona, Choice(room_id=message.room_id))
    services.run_bulk(bulk_id=bulk.pk, seconds=60)


def command(message: Message, mona: User, _owner: User) -> None:
    begun(mona, Choice(author_id=message.author_id, words="watches"))
    call_command("bulk_resume", stdout=StringIO())


DOORS: list[Door] = [
    case_page,
    chat_by_a_site_moderator,
    chat_by_the_owner_of_the_room,
    message_page,
    bulk_by_author,
    bulk_by_room,
    command,
]


@pytest.fixture
def message(general: Room, bob: User, charlie: User, say: Say) -> Message:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    return say(bob, general, "Buy watches")


@pytest.fixture
def root(db: None) -> User:
    user = make_user("root")
    user.is_superuser = True
    user.save()
    return user


@pytest.mark.parametrize(
    ("door", "is_reported"),
    # Without a report there is no case to decide.
    [*((door, True) for door in DOORS), *((door, False) for door in DOORS[1:])],
)
def test_every_door_has_the_same_consequences(
    verify: Verify,
    message: Message,
    alice: User,
    bob: User,
    charlie: User,
    root: User,
    door: Door,
    is_reported: bool,
) -> None:
    dora = make_user("dora")
    reporters = [charlie, dora] if is_reported else []
    for reporter in reporters:
        services.report(actor_id=reporter.pk, message_id=message.pk, category="spam")
    with verify():
        door(message, root, alice)
    message.refresh_from_db()
    assert message.is_deleted
    assert RemovedText.objects.get().body == "Buy watches"
    by = alice if door is chat_by_the_owner_of_the_room else root
    if is_reported:
        closed = {("resolved", by.pk)}
        assert set(Report.objects.values_list("status", "closed_by")) == closed
        assert Case.objects.get().reason == "Advertising"
        assert set(Case.objects.values_list("status", "closed_by")) == closed
        assert not Case.objects.filter(status="open").exists()
    for reporter in reporters:
        assert notices(reporter) == [THANKS]
    (notice,) = Notification.objects.filter(user=bob)
    kind = "room" if by == alice else "moderation"
    assert (notice.kind, notice.body) == (kind, "Advertising")
    (entry,) = ModerationLog.objects.exclude(action="role")
    assert (entry.actor, entry.subject, entry.reason) == (by, bob, "Advertising")
    assert "removed" in log_sentences.plain(entry)
    totals = case_context.totals(bob.pk)
    assert totals[:5] == (is_reported, is_reported, 2 * is_reported, 1, 0)


def test_a_bulk_by_room_notifies_every_author_once_and_is_in_every_record(
    general: Room, alice: User, bob: User, charlie: User, mona: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    for number in range(4):
        say(bob, general, f"raid {number}")
        say(charlie, general, f"raid too {number}")
    say(alice, general, "raid?")
    bulk_by_room(Message.objects.order_by("pk")[0], mona, alice)
    for author, number in ((alice, 1), (bob, 4), (charlie, 4)):
        (notice,) = Notification.objects.filter(user=author)
        assert (notice.params["messages"], notice.body) == (number, "Advertising")
        assert case_context.totals(author.pk).actions == 1
    sentences = [log_sentences.plain(row) for row in ModerationLog.objects.order_by("pk")]
    assert [sentence.split("Bulk")[0].strip() for sentence in sentences] == [
        "mona removed 4 messages by bob in #general",
        "mona removed 4 messages by charlie in #general",
        "mona removed 1 message by alice in #general",
    ]


def test_a_process_that_dies_at_the_end_of_a_bulk_notifies_nobody_twice(
    general: Room, bob: User, charlie: User, mona: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulks, "AUTHORS_PER_TRANSACTION", 1)
    services.join(actor_id=charlie.pk, room_id=general.pk)
    say(bob, general, "raid")
    say(charlie, general, "raid")
    bulk = begun(mona, Choice(room_id=general.pk))
    for _ in range(2):  # the messages, then the first author
        services.run_bulk(bulk_id=bulk.pk, seconds=0)
    assert BulkAuthor.objects.filter(noted_at=None).count() == 1
    services.run_bulk(bulk_id=bulk.pk, seconds=60)
    services.run_bulk(bulk_id=bulk.pk, seconds=60)
    assert Notification.objects.count() == ModerationLog.objects.count() == 2
    bulk.refresh_from_db()
    assert bulk.finished_at is not None


def test_more_reports_than_fit_are_closed_after_a_crash_as_well(
    message: Message, alice: User, charlie: User, mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "REPORTS_PER_TRANSACTION", 1)
    for reporter in (alice, charlie):
        services.report(actor_id=reporter.pk, message_id=message.pk, category="spam")
    with monkeypatch.context() as crash:
        crash.setattr(closing, "close_rest", lambda *_args: 0)
        services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    assert Report.objects.filter(status="open").count() == 1
    run.run()
    assert set(Report.objects.values_list("status", "closed_by")) == {("dismissed", mona.pk)}
    for reporter in (alice, charlie):
        assert notices(reporter) == [("report", "Thank you for your report; the message stays.")]


def test_an_erasure_leaves_the_case_to_moderators_who_answer_the_reporters(
    message: Message, bob: User, charlie: User, mona: User
) -> None:
    services.report(actor_id=charlie.pk, message_id=message.pk, category="abuse")
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    assert Case.objects.filter(status="open").count() == 1
    services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    assert notices(charlie)[-1] == (
        "report",
        "Thank you for your report; the message was deleted before the decision.",
    )


def test_a_recalled_broadcast_closes_its_reports(general: Room, charlie: User, mona: User) -> None:
    from uuid import uuid4

    services.join(actor_id=charlie.pk, room_id=general.pk)
    ident = services.post_system_message(
        general.pk, key=uuid4(), title="", body="Buy", url="", level="info"
    )
    services.report(actor_id=charlie.pk, message_id=ident, category="spam")
    services.recall_system_message(ident)
    assert Case.objects.get().status == "resolved"
    assert notices(charlie) == [THANKS]


def test_a_filter_reports_an_edit_again_after_a_decision(
    message: Message, bob: User, mona: User
) -> None:
    services.save_filter(actor_id=mona.pk, text="pills", kind="word", action="flag", is_on=True)
    for text in ("pills 1", "pills 2"):
        services.edit_message(actor_id=bob.pk, message_id=message.pk, body=text)
    assert Report.objects.count() == 1
    services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    services.edit_message(actor_id=bob.pk, message_id=message.pk, body="pills 3")
    assert list(Case.objects.order_by("pk").values_list("status", "body")) == [
        ("dismissed", "pills 1"),
        ("open", "pills 3"),
    ]
