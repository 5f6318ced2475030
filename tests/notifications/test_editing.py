"""Editing broadcasts: whole before they are sent, and afterwards for everyone who has them."""

import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications import payloads, queries, services
from notifications.models import Announcement, Broadcast, BroadcastEdit, Notification
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience
from notifications.services import broadcasts, editing
from realtime.protocol.errors import NotFound
from tests.conftest import make_user
from tests.notifications.conftest import Announce, Rooms
from tests.support.notices import sentences
from tests.support.replay import Verify

HELLO = Words(body="Hello", title="News", url="/rooms/a/")
BETTER = Words(body="Hullo", title="Better", url="/rooms/b/", level="warning")
EVERYONE = Audience(users=["alice", "bob", "charlie"])


def edited(row: Broadcast, words: Words = BETTER, **more: Any) -> Broadcast:
    return services.edit(broadcast_id=row.pk, words=words, **more)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("edit_broadcast", *arguments, stdout=out)
    return out.getvalue()


# -- after it was sent -----------------------------------------------------------------------------


def test_everyone_who_has_it_sees_the_new_text_and_what_was_read_stays_read(
    verify: Verify, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 2)
    sent = services.broadcast(words=HELLO, audience=EVERYONE)
    services.read(user_id=alice.pk, ids=[Notification.objects.get(user=alice).pk])
    with verify() as change:
        row = edited(sent, actor_id=bob.pk)
    assert change.streams == sorted(payloads.inbox(user.pk) for user in (alice, bob, charlie))
    (data,) = change.data(payloads.inbox(charlie.pk))
    assert (data["title"], data["body"], data["url"], data["level"]) == (
        "Better",
        "Hullo",
        "/rooms/b/",
        "warning",
    )
    assert sentences(alice) == sentences(bob) == ["Better"]
    assert [queries.unread(user.pk) for user in (alice, bob)] == [0, 1]
    assert (row.edit_after, row.body) == (None, "Hullo")
    before = BroadcastEdit.objects.get()
    assert (before.title, before.body, before.edited_by) == ("News", "Hello", bob)


def test_an_announcement_changes_with_its_end_and_its_languages(
    verify: Verify, announce: Announce, alice: User
) -> None:
    row = announce("Hello")
    services.read_announcement(user_id=alice.pk, announcement_id=row.pk)
    end = timezone.now() + timedelta(hours=1)
    texts = {"de": {"title": "", "body": "Hallo"}}
    with verify() as change:
        edited(row.broadcast, replace(BETTER, expires_at=end, translations=texts))
    (data,) = change.data("announcements")
    assert (data["body"], data["level"], data["texts"]) == ("Hullo", "warning", texts)
    assert data["expires_at"] == payloads.moment(end)
    (shown,) = queries.active_announcements(alice.pk, now=timezone.now(), joined=alice.date_joined)
    assert shown.read_at is not None
    with pytest.raises(BadBroadcast, match="expired"):
        edited(row.broadcast, replace(BETTER, expires_at=timezone.now() - timedelta(hours=1)))
    Broadcast.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    row.broadcast.refresh_from_db()
    edited(row.broadcast, replace(services.words_of(row.broadcast), body="It is over"))
    assert Announcement.objects.get().body == "It is over"


def test_a_post_in_a_room_is_edited_as_well(rooms: Rooms, people: object) -> None:
    sent = services.broadcast(words=HELLO, audience=Audience(places={"room": ["general"]}))
    edited(sent)
    assert (rooms.posted[1]["body"], rooms.posted[1]["title"]) == ("Hullo", "Better")


def test_a_post_that_is_made_during_the_edit_has_the_new_text(
    rooms: Rooms, people: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting = rooms.send

    def edited_before_it_is_noted(ident: int, **said: object) -> int:
        posted = posting(ident, **said)  # type: ignore[arg-type]
        edited(Broadcast.objects.get())
        return posted

    monkeypatch.setattr(rooms, "send", edited_before_it_is_noted)
    rooms.register()
    services.broadcast(words=HELLO, audience=Audience(places={"room": ["general"]}))
    assert rooms.posted[1]["body"] == "Hullo"


def test_whoever_gets_it_later_gets_the_new_text_and_an_interruption_is_finished(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    sent = services.begin(words=HELLO, audience=EVERYONE)
    services.send(broadcast_id=sent.pk, seconds=0.0)  # Alice alone
    sent = edited(sent, seconds=0.0)
    assert queries.unfinished_edits() == [sent.pk]
    out = io.StringIO()
    call_command("send_broadcasts", stdout=out)
    assert f"Broadcast {sent.pk}: everyone has the new text." in out.getvalue()
    assert sentences(alice) == sentences(bob) == sentences(charlie) == ["Better"]
    assert not queries.unfinished_edits()


def test_a_second_edit_overtakes_the_first(
    alice: User, bob: User, charlie: User, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    audience = Audience(users=["alice", "bob"], places={"room": ["general"]})
    sent = services.broadcast(words=HELLO, audience=audience)
    last = replace(BETTER, body="Last", title="Last")
    rewrite = editing._rewrite

    def overtaken(row: Broadcast, user_ids: list[int]) -> None:
        monkeypatch.setattr(editing, "_rewrite", rewrite)
        rewrite(row, user_ids)
        edited(sent, last, seconds=0.0)

    monkeypatch.setattr(editing, "_rewrite", overtaken)
    assert edited(sent).edit_after is None
    assert sentences(alice) == sentences(bob) == ["Last"]
    assert rooms.posted[1]["body"] == "Last"
    assert [edit.body for edit in queries.edits_of(sent)] == ["Hullo", "Hello"]


def test_a_recall_ends_an_edit(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    sent = services.broadcast(words=HELLO, audience=EVERYONE)
    edited(sent, seconds=0.0)
    services.recall(broadcast_id=sent.pk)
    services.carry_on(broadcast_id=sent.pk)
    assert set(Notification.objects.values_list("body", flat=True)) == {""}
    with pytest.raises(BadBroadcast, match="was taken back"):
        edited(sent, HELLO)


def test_the_same_content_again_changes_nothing(verify: Verify, alice: User) -> None:
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice"]))
    with verify() as change:
        edited(sent, HELLO)
    assert change.streams == []
    assert not BroadcastEdit.objects.exists()


def test_what_is_sent_keeps_its_addressees_and_its_time(alice: User, bob: User) -> None:
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice"]))
    with pytest.raises(BadBroadcast, match="no longer change"):
        edited(sent, audience=Audience(users=["bob"]))
    with pytest.raises(BadBroadcast, match="no longer change"):
        edited(sent, replace(BETTER, at=timezone.now() + timedelta(hours=1)))
    with pytest.raises(BadBroadcast) as error:
        edited(sent, Words(body=" ", level="loud", url="javascript:1"))
    assert len(error.value.problems) == 3
    assert sentences(alice) == ["News"]
    with pytest.raises(NotFound):
        services.edit(broadcast_id=7, words=BETTER)


# -- before it is sent -----------------------------------------------------------------------------


@pytest.fixture
def waiting(people: object) -> Broadcast:
    """A broadcast to Alice in an hour."""
    later = timezone.now() + timedelta(hours=1)
    return services.begin(words=replace(HELLO, at=later), audience=Audience(users=["alice"]))


def test_a_scheduled_broadcast_is_edited_whole(
    verify: Verify, waiting: Broadcast, alice: User, bob: User
) -> None:
    later = timezone.now() + timedelta(hours=2)
    with verify() as change:
        row = edited(
            waiting, replace(BETTER, at=later), audience=Audience(users=["bob", "charlie"])
        )
    assert change.streams == []
    assert (row.recipients, row.scheduled_at) == (2, later)
    Broadcast.objects.update(scheduled_at=timezone.now())
    call_command("send_broadcasts", stdout=io.StringIO())
    assert sentences(bob) == ["Better"]
    assert sentences(alice) == []


def test_wrong_names_are_refused_before_anything_changes(waiting: Broadcast) -> None:
    with pytest.raises(BadBroadcast, match='no user "nobody"'):
        edited(
            waiting, replace(BETTER, at=waiting.scheduled_at), audience=Audience(users=["nobody"])
        )
    waiting.refresh_from_db()
    assert waiting.body == "Hello"


def test_a_new_username_is_also_in_earlier_contents(waiting: Broadcast, alice: User) -> None:
    edited(waiting, replace(BETTER, at=waiting.scheduled_at), audience=Audience(users=["alice"]))
    services.rename_target("users", ["alice"], "alicia")
    assert Broadcast.objects.get().targets == {"users": ["alicia"]}
    assert BroadcastEdit.objects.get().targets == {"users": ["alicia"]}


def test_an_edit_of_the_addressees_and_the_sender_do_not_miss_each_other(
    waiting: Broadcast, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender begins between the check of the edit and its transaction."""
    checks: list[int] = []
    check = editing.check_edit

    def begun_meanwhile(row: Broadcast, *content: Any) -> None:
        check(row, *content)
        if not checks:
            checks.append(row.pk)
            services.send(broadcast_id=row.pk)

    monkeypatch.setattr(editing, "check_edit", begun_meanwhile)
    with pytest.raises(BadBroadcast, match="no longer change"):
        edited(waiting, replace(BETTER, at=waiting.scheduled_at), audience=Audience(users=["bob"]))
    assert sentences(alice) == ["News"]
    assert sentences(bob) == []


# -- by command ------------------------------------------------------------------------------------


def test_a_command_changes_what_is_named_and_keeps_the_rest(announce: Announce) -> None:
    row = announce("Hello").broadcast
    said = run(str(row.pk), "Hullo", "--level", "warning", "--in", "de", "Hallo")
    assert said == f"Changed broadcast {row.pk} for {row.done} people.\n"
    shown = Announcement.objects.get()
    assert (shown.body, shown.level, shown.translations) == (
        "Hullo",
        "warning",
        {"de": {"title": "", "body": "Hallo"}},
    )
    assert shown.title == row.title
    run(str(row.pk), "--in", "de", "", "--expires", "4h")
    shown.refresh_from_db()
    assert shown.translations is None
    assert shown.expires_at is not None
    run(str(row.pk), "--expires", "never")
    shown.refresh_from_db()
    assert shown.expires_at is None


def test_a_command_edits_a_scheduled_one_whole(waiting: Broadcast, bob: User) -> None:
    out = io.StringIO()
    call_command("edit_broadcast", str(waiting.pk), "--user", "bob", "--at", "2h", stdout=out)
    assert "is not sent yet" in out.getvalue()
    assert Broadcast.objects.get().targets == {"users": ["bob"]}
    assert json.loads(run(str(waiting.pk), "--at", "never", "--json")) == {
        "broadcast": waiting.pk,
        "people": 0,
    }
    assert queries.unfinished(now=timezone.now()) == [waiting.pk]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["1", "--level", "loud"], "no level"),
        (["1", "--user", "bob"], "no longer change"),
        (["1", ""], "empty"),
        (["7", "x"], "There is no broadcast 7"),
        (["0", "x"], "Expected the id"),
        (["1", "--expires", "soon"], "or never"),
    ],
)
def test_a_command_names_what_is_wrong(
    alice: User, bob: User, arguments: list[str], problem: str
) -> None:
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice"]))
    arguments = [str(sent.pk) if each == "1" else each for each in arguments]
    with pytest.raises(CommandError, match=problem):
        run(*arguments)
    assert Broadcast.objects.get().body == "Hello"


# -- in the admin ----------------------------------------------------------------------------------


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def desk(db: None) -> Client:
    return signed_in(User.objects.create_superuser("boss"))


def change(desk: Client, row: Broadcast, **fields: str) -> str:
    """Fill in the form, look at the number of people, and change it. Returns the last page."""
    address = reverse("admin:notifications_broadcast_edit", args=[row.pk])
    page = desk.get(address).content.decode()
    filled = {"body": row.body, "level": row.level} | fields
    shown = desk.post(address, filled).content.decode()
    people = re.search(r'name="people" value="(\d+)"', shown)
    if people is None:
        return shown
    assert "Preview" in page
    return desk.post(address, filled | {"people": people[1]}, follow=True).content.decode()


def test_a_sent_broadcast_is_edited_in_the_admin(desk: Client, alice: User, bob: User) -> None:
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice", "bob"]))
    shown = desk.get(reverse("admin:notifications_broadcast_edit", args=[sent.pk]))
    fields = set(shown.context["form"].fields)
    assert {"title", "body", "url", "level"} <= fields
    assert not {"users", "at", "expires_at", "key"} & fields
    page = change(desk, sent, body="Hullo", title="Better")
    assert f"Broadcast {sent.pk} was changed." in page
    assert "Earlier texts" in page
    assert "Until boss changed it" in page
    assert sentences(alice) == sentences(bob) == ["Better"]
    assert "no level" not in change(desk, sent, level="loud")  # the form itself refuses it
    assert "cannot be linked to" in change(desk, sent, url="javascript:1")


def test_a_scheduled_broadcast_is_edited_whole_in_the_admin(
    desk: Client, waiting: Broadcast, bob: User
) -> None:
    later = f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    change(desk, waiting, users="bob charlie", at=later, title="Better")
    waiting.refresh_from_db()
    assert (waiting.targets, waiting.recipients) == ({"users": ["bob", "charlie"]}, 2)
    assert f"{waiting.scheduled_at:%Y-%m-%dT%H:%M}" == later
    assert "no user" in change(desk, waiting, users="zzz", at=later)


def test_a_field_without_seconds_moves_no_time(desk: Client, announce: Announce) -> None:
    row = announce("Hello").broadcast
    end = timezone.now() + timedelta(hours=1, seconds=7)
    Broadcast.objects.update(expires_at=end)
    change(desk, row, body="Hullo", expires_at=f"{end:%Y-%m-%dT%H:%M}")
    row.refresh_from_db()
    assert (row.body, row.expires_at) == ("Hullo", end)


def test_an_edit_goes_on_while_the_page_is_open(
    desk: Client, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = services.broadcast(words=HELLO, audience=Audience(users=["alice", "bob"]))
    monkeypatch.setattr("notifications.services.broadcasts.INBOXES_PER_TRANSACTION", 1)
    monkeypatch.setattr("notifications.admin.broadcasts.SECONDS", 0.0)
    page = change(desk, sent, body="Hullo", title="Better")
    assert "data-continue" in page
    assert "Being changed" in page
    monkeypatch.setattr("notifications.admin.broadcasts.SECONDS", 10.0)
    onward = reverse("admin:notifications_broadcast_continue", args=[sent.pk])
    assert "data-continue" not in desk.post(onward, follow=True).content.decode()
    assert sentences(alice) == sentences(bob) == ["Better"]


@pytest.mark.parametrize(
    ("permissions", "announced", "addressed"),
    [
        ({"change_broadcast"}, False, False),
        ({"add_broadcast"}, False, False),
        ({"change_broadcast", "add_announcement"}, True, False),
        ({"change_broadcast", "add_broadcast"}, True, True),
    ],
)
def test_only_who_may_write_such_a_one_and_take_it_back_edits_it(
    announce: Announce,
    waiting: Broadcast,
    permissions: set[str],
    announced: bool,
    addressed: bool,
) -> None:
    row = announce("Hello").broadcast
    moderator = make_user("omar")
    moderator.is_staff = True
    moderator.save()
    moderator.user_permissions.set(
        Permission.objects.filter(codename__in={*permissions, "view_announcement"})
    )
    client = signed_in(moderator)

    def answer(broadcast: Broadcast) -> int:
        return client.get(
            reverse("admin:notifications_broadcast_edit", args=[broadcast.pk])
        ).status_code

    assert (answer(row), answer(waiting)) == (
        200 if announced else 403,
        200 if addressed else 403,
    )
    page = client.get(
        reverse("admin:notifications_announcement_change", args=[row.announcement.pk])
    )
    assert ("Edit…" in page.content.decode()) == announced


def test_a_broadcast_that_is_not_there_is_not_found(desk: Client) -> None:
    assert desk.get(reverse("admin:notifications_broadcast_edit", args=[7])).status_code == 404
