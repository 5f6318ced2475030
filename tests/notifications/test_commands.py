"""``manage.py broadcast``, ``broadcasts`` and ``recall``, as an operator uses them."""

import io
import json
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries

from chat.models import SiteBan
from notifications import payloads, services, targets
from notifications.kinds import detail, sentence
from notifications.management.commands.broadcast import moment
from notifications.models import Announcement, Broadcast, Notification
from notifications.policies import Words
from notifications.queries import Audience
from notifications.services import broadcasts
from realtime.protocol.errors import Forbidden
from tests.notifications.conftest import Announce, Rooms


def run(*arguments: str) -> str:
    """Run a command and return what it printed."""
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def refused(*arguments: str) -> str:
    """Run a command that fails, see that nothing was sent, and return what it complained about."""
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert error.value.returncode != 0
    assert not Broadcast.objects.exists()
    return str(error.value)


# -- broadcast -------------------------------------------------------------------------------------


def test_a_text_to_all_is_one_announcement(people: object) -> None:
    printed = run(
        "broadcast",
        "Maintenance at six",
        "--all",
        "--yes",
        "--title",
        "News",
        "--url",
        "/status/",
        "--level",
        "warning",
        "--expires",
        "4h",
    )
    row = Announcement.objects.get()
    key = row.broadcast.key
    assert printed == (
        f"Key {key}: after an interruption, repeat with --key {key}\n"
        "Reached 3 people by an announcement.\n"
        f"Broadcast {row.broadcast_id}; "
        f"to take it back: manage.py recall {row.broadcast_id}\n"
    )
    assert (row.title, row.body, row.url, row.level) == (
        "News",
        "Maintenance at six",
        "/status/",
        "warning",
    )
    assert row.expires_at is not None
    assert not Notification.objects.exists()


def test_several_kinds_of_targets_are_one_broadcast(
    alice: User, bob: User, charlie: User, rooms: Rooms
) -> None:
    Group.objects.create(name="finance").user_set.add(alice, bob)
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    printed = run(
        "broadcast",
        "Hello",
        "--staff",
        "--group",
        "finance",
        "--user",
        "alice",
        "charlie",
        "--room",
        "general",
        "random",
    )
    assert printed.splitlines()[1] == (
        "Reached 3 people by a notification and 12 people in room general and 3 people in room "
        "random."
    )
    assert Broadcast.objects.get().targets == {
        "staff": True,
        "groups": ["finance"],
        "users": ["alice", "charlie"],
        "room": ["general", "random"],
    }


def test_a_program_can_read_the_answer(alice: User, rooms: Rooms) -> None:
    answer = run_json("broadcast", "Hello", "--user", "alice", "--room", "general")
    sent = Broadcast.objects.get()
    assert answer == {
        "broadcast": sent.pk,
        "key": str(sent.key),
        "dry_run": False,
        "recipients": 13,
        "everybody": 0,
        "users": 1,
        "rooms": [{"slug": "general", "people": 12}],
        "recalled": False,
        "scheduled_at": None,
    }


def test_the_text_can_come_from_standard_input(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Two\nlines\n"))
    run("broadcast", "-", "--user", "alice")
    assert Notification.objects.get().body == "Two\nlines"


def test_standard_input_that_is_no_text_is_refused(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
    assert refused("broadcast", "-", "--user", "alice") == "The standard input is no UTF-8 text."


def test_a_dry_run_says_who_would_get_it_and_sends_nothing(people: object) -> None:
    assert (
        run("broadcast", "Hello", "--all", "--dry-run")
        == "Would reach 3 people by an announcement. Nothing was sent.\n"
    )
    assert run_json("broadcast", "Hello", "--user", "bob", "--dry-run")["recipients"] == 1
    assert not Broadcast.objects.exists()


def test_a_dry_run_finds_what_is_wrong(people: object) -> None:
    assert (
        refused("broadcast", "", "--user", "bop", "--dry-run")
        == 'The text is empty.\nThere is no user "bop". Did you mean bob?'
    )


def test_everything_that_is_wrong_is_said_at_once(people: object, rooms: Rooms) -> None:
    complaint = refused(
        "broadcast",
        "Hello",
        "--user",
        "alcie",
        "bop",
        "--group",
        "x",
        "--room",
        "genral",
        "--url",
        "javascript:x",
        "--level",
        "loud",
    )
    assert complaint.splitlines() == [
        'There is no level "loud"; expected one of info, success, warning, critical.',
        'The URL "javascript:x" cannot be linked to; expected http://… or https://… without '
        "a user name, or a path of this site such as /rooms/general/.",
        'There is no group "x".',
        'There is no user "alcie". Did you mean alice?',
        'There is no user "bop". Did you mean bob?',
        'There is no room "genral". Did you mean general?',
        "Nothing was sent.",
    ]


@pytest.mark.parametrize("when", ["soon", "12", "2026-13-01", "4w", "٤h", "9999-12-31T23:00-10:00"])
def test_a_wrong_time_is_explained(db: None, when: str) -> None:
    assert "expected 30m, 4h, 7d or an ISO 8601 time such as 2026-12-31T18:00" in refused(
        "broadcast", "Hello", "--all", "--expires", when
    )


def test_a_time_that_is_over_is_explained(db: None) -> None:
    assert "It would have expired at 2020-01-01 00:00 UTC" in refused(
        "broadcast", "Hello", "--all", "--expires", "2020-01-01"
    )


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert moment("2026-12-31T18:00") == datetime(2026, 12, 31, 18, tzinfo=UTC)
    assert moment("2026-12-31T18:00+01:00") == datetime(2026, 12, 31, 17, tzinfo=UTC)


def test_the_text_comes_first(people: object) -> None:
    assert "Expected the text first" in refused("broadcast", "--user", "alice", "Hello")


def test_what_the_shell_passed_on_in_another_encoding_is_refused(people: object) -> None:
    assert (
        refused("broadcast", "Hello", "--user", "ali\udce9ce")
        == "ali?ce is no UTF-8 text. Nothing was sent."
    )


def test_a_broadcast_to_nobody_is_refused(people: object) -> None:
    assert refused("broadcast", "Hello") == "Nobody is addressed.\nNothing was sent."


def test_a_room_that_refuses_is_explained_with_the_way_to_go_on(
    people: object, rooms: Rooms
) -> None:
    def refusing(ident: int, **said: object) -> int:
        raise Forbidden("The room is archived.")

    targets.register_target("room", rooms.resolve, refusing, rooms.recall)
    with pytest.raises(
        CommandError,
        match=r"The room is archived\.\nIt was not sent to all\. To try again, repeat with --key ",
    ):
        run("broadcast", "Hello", "--room", "general")


def test_an_operator_can_continue_after_an_outage(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(broadcasts, "_notify", outage)
        with pytest.raises(CommandError) as error:
            run("broadcast", "Hello", "--user", "alice")
    (key,) = re.findall(r"repeat with --key (\S+)", str(error.value))
    run("broadcast", "Hello", "--user", "alice", "--key", key)
    assert Broadcast.objects.count() == Notification.objects.count() == 1


def outage(*_: object) -> None:
    raise OperationalError("the server closed the connection unexpectedly")


# -- broadcasts ------------------------------------------------------------------------------------


def test_broadcasts_are_listed_with_who_has_read_them(
    announce: Announce, alice: User, bob: User
) -> None:
    row = announce("Maintenance at six", title="News")
    services.read_announcement(user_id=alice.pk, announcement_id=row.pk)
    sent = services.broadcast(
        words=Words(body="x" * 100), audience=Audience(users=["alice", "bob"])
    )
    services.recall(broadcast_id=sent.pk)
    headings, newest, oldest = run("broadcasts").splitlines()
    assert headings.split() == ["ID", "Sent", "(UTC)", "To", "People", "Read", "State", "Text"]
    assert re.fullmatch(rf"{sent.pk} +\S+ \S+ +users: alice, bob +2 +0 +taken back  x+…", newest)
    assert re.fullmatch(
        rf"{row.broadcast_id} +\S+ \S+ +all +\d+ +1 +sent        News Maintenance at six", oldest
    )


def test_broadcasts_are_listed_by_pages(announce: Announce, db: None) -> None:
    ids = [announce(f"Number {number}").broadcast_id for number in range(5)]
    assert run("broadcasts", "--limit", "2").endswith(
        f"\nOlder ones: manage.py broadcasts --before {ids[3]}\n"
    )
    assert [
        row["id"] for row in run_json("broadcasts", "--limit", "2", "--before", str(ids[3]))
    ] == ids[2:0:-1]
    assert run("broadcasts", "--before", str(ids[0])) == "Nothing older was broadcast.\n"


def test_an_empty_list_says_so(db: None) -> None:
    assert run("broadcasts") == "Nothing was broadcast.\n"


@pytest.mark.parametrize(
    "arguments", [("--limit", "0"), ("--limit", "501"), ("--before", "0"), ("--before", str(2**63))]
)
def test_a_page_has_bounds(db: None, arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        run("broadcasts", *arguments)


def test_a_long_list_costs_as_many_queries_as_a_short_one(
    announce: Announce, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        announce(f"Number {number}")
    with django_assert_num_queries(3):
        assert len(run_json("broadcasts")) == 10


# -- recall ----------------------------------------------------------------------------------------


def test_a_recall_says_what_it_took_back(announce: Announce, alice: User, bob: User) -> None:
    row = announce("Hello")
    assert (
        run("recall", str(row.broadcast_id))
        == f"Took back broadcast {row.broadcast_id}: 1 announcement.\n"
    )
    sent = services.broadcast(words=Words(body="Hello"), audience=Audience(users=["alice", "bob"]))
    assert run_json("recall", str(sent.pk)) == {
        "broadcast": sent.pk,
        "announcements": 0,
        "notifications": 2,
        "posts": 0,
    }
    assert (
        run("recall", str(sent.pk))
        == f"Took back broadcast {sent.pk}: nothing was left to take back.\n"
    )


@pytest.mark.parametrize("broadcast", ["7", "0", "-1", str(2**63)])
def test_a_broadcast_that_does_not_exist_cannot_be_recalled(db: None, broadcast: str) -> None:
    with pytest.raises(CommandError, match="broadcast"):
        run("recall", broadcast)


# -- what an operator sees of a long one -----------------------------------------------------------


def test_a_text_to_everyone_is_asked_about(people: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused("broadcast", "Hello", "--all") == (
        "This goes to 3 people. Add --yes to send it. Nothing was sent."
    )

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    assert refused("broadcast", "Hello", "--all") == "Nothing was sent."
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert "This goes to 3 people. Send it? [y/N]" in run("broadcast", "Hello", "--all")
    assert Announcement.objects.count() == 1


def test_an_error_is_json_where_json_was_asked_for(people: object) -> None:
    for arguments in (
        ("broadcast", "", "--user", "bop"),
        ("broadcast", "Hello", "--all"),
        ("recall", "7"),
        ("broadcasts", "--limit", "0"),
    ):
        out = io.StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command(*arguments, "--json", stdout=out)
        assert ended.value.code == 1
        assert json.loads(out.getvalue())["error"]


def test_the_state_is_true_after_a_kill(people: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    sending, calls = broadcasts._notify, iter([None, None])

    def killed_after_two(*arguments: Any) -> Any:
        if next(calls, "over") == "over":
            raise MemoryError  # nothing handles it, as nothing handles SIGKILL
        return sending(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(broadcasts, "_notify", killed_after_two)
        out = io.StringIO()
        with pytest.raises(MemoryError):
            call_command("broadcast", "Hello", "--user", "alice", "bob", "charlie", stdout=out)
    assert out.getvalue().startswith(f"Key {Broadcast.objects.get().key}: ")
    assert "sending 2 of 3" in run("broadcasts")
    assert "Broadcast" in run("send_broadcasts")
    assert [row["state"] for row in run_json("broadcasts")] == ["sent"]
    assert sorted(Notification.objects.values_list("user__username", flat=True)) == [
        "alice",
        "bob",
        "charlie",
    ]
    assert run("send_broadcasts") == "No broadcast is due.\n"


def test_a_broadcast_waits_for_its_time(alice: User) -> None:
    printed = run("broadcast", "Hello", "--user", "alice", "--at", "2h")
    assert "will be sent at" in printed
    assert run("send_broadcasts") == "No broadcast is due.\n"
    assert run_json("broadcasts")[0]["state"].startswith("scheduled for ")
    Broadcast.objects.update(scheduled_at=datetime(2026, 1, 1, tzinfo=UTC))
    run("send_broadcasts")
    assert Notification.objects.count() == 1
    with pytest.raises(CommandError, match="which is over"):
        run("broadcast", "Hello", "--user", "alice", "--at", "2026-01-01")


def test_a_text_for_each_language(alice: User) -> None:
    run("broadcast", "Hi", "--user", "alice", "--in", "de", "Hallo", "--title-in", "de", "Neues")
    row = Notification.objects.get()
    notice = payloads.notification(row, {})
    with override("de"):
        assert (sentence(notice), detail(notice)) == ("Neues", "Hallo")
    with override("ar"):
        assert detail(notice) == "Hi"
    services.recall(broadcast_id=row.broadcast_id or 0)
    assert "Hallo" not in str(list(Notification.objects.values()))
    with pytest.raises(CommandError, match='There is no language "xx"'):
        run("broadcast", "Hi", "--user", "alice", "--in", "xx", "Hallo")


def test_an_announcement_in_several_languages(people: object) -> None:
    run("broadcast", "Hi", "--all", "--yes", "--in", "de", "Hallo")
    row = Announcement.objects.get()
    assert payloads.announcement(row)["texts"] == {"de": {"title": "", "body": "Hallo"}}
    services.recall(broadcast_id=row.broadcast_id)
    assert "texts" not in payloads.announcement(Announcement.objects.get())


def test_those_who_have_not_read_it_are_listed(
    announce: Announce, alice: User, bob: User, charlie: User
) -> None:
    row = announce("Hello")
    services.read_announcement(user_id=alice.pk, announcement_id=row.pk)
    names = run("broadcasts", "--unread", str(row.broadcast_id)).split()
    assert {"bob", "charlie"} <= set(names)
    assert "alice" not in names
    sent = services.broadcast(words=Words(body="Hi"), audience=Audience(users=["alice", "bob"]))
    services.read(user_id=alice.pk, ids=[Notification.objects.get(user=alice).pk])
    assert run_json("broadcasts", "--unread", str(sent.pk))["unread"] == ["bob"]
    with pytest.raises(CommandError, match="There is no broadcast"):
        run("broadcasts", "--unread", "999999")


def test_banned_people_are_not_counted(alice: User, bob: User, charlie: User) -> None:
    everyone = run_json("broadcast", "Hello", "--all", "--dry-run")["recipients"]
    SiteBan.objects.create(user=bob, reason="spam", created_by=alice)
    assert run_json("broadcast", "Hello", "--all", "--dry-run")["recipients"] == everyone - 1
    assert '"bob" is banned from this site.' in refused("broadcast", "Hello", "--user", "bob")
