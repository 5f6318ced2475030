"""Notifications are data: a kind and parameters, phrased for each reader.

The properties are checked with names of every length and content: a name may look like a sentence.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import notification_kinds, services
from chat.models import Membership, Message, Room
from notifications import payloads, queries
from notifications.kinds import kind_of, sentence, summary
from notifications.models import Notification
from realtime.core import reads
from tests.architecture.source import ROOT
from tests.chat.conftest import Say, notices
from tests.conftest import make_user
from tests.support.notices import sentence_of
from tests.support.replay import Verify

UNTIL = "2026-11-24T23:30:00Z"
LANGUAGES = ("en", "de", "ar")


def notice(kind: str, *, name: str = "Bob", room: str = "Lab", **params: Any) -> dict[str, Any]:
    """A notification as on the wire."""
    return {
        "kind": kind,
        "title": "",
        "body": "",
        "actor": {"id": 2, "username": "bob", "name": name},
        "count": 1,
        "params": {"room": {"id": 1, "slug": "lab", "name": room}, "message": 7, **params},
    }


def person(name: str) -> dict[str, Any]:
    return {"id": 1, "username": "someone", "name": name}


def every_notice(name: str = "Bob", room: str = "Lab") -> Iterator[dict[str, Any]]:
    """One notification of each kind, act and form."""
    for kind in ("mention", "reply", "direct", "message", "invitation"):
        yield notice(kind, name=name, room=room)
    for outcome in ("resolved", "dismissed"):
        yield notice("report", name=name, room=room, outcome=outcome)
    for others in (0, 1, 2, 3, 11, 100):
        for people in range(4):
            yield notice(
                "reaction",
                name=name,
                room=room,
                people=[person(name)] * people,
                others=others if people == 3 else 0,
                emoji=["👍"],
            )
    for kind, acts in (
        ("moderation", notification_kinds._ACTS),
        ("room", notification_kinds._ROOM_ACTS),
    ):
        for act in acts:
            for role in ("owner", "moderator", "member"):
                yield notice(
                    kind, name=name, room=room, act=act, role=role, until=UNTIL, messages=8
                )


# -- the faults that parsing our own sentences had -------------------------------------------------


def test_erasing_a_person_takes_a_name_of_any_length_out_of_notifications(
    alice: User, bob: User, mona: User, general: Room, say: Say
) -> None:
    User.objects.filter(pk=bob.pk).update(first_name="B" * 144, last_name="o" * 130)
    say(bob, general, "hello @alice")
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    assert notices(alice) == []
    assert "BBB" not in str(Notification.objects.values())


def test_a_room_whose_name_looks_like_a_sentence_keeps_it() -> None:
    room = "who mentioned you in Lab"
    with override("en"):
        assert sentence(notice("mention", room=room)) == f"Bob mentioned you in {room}"
    with override("de"):
        assert sentence(notice("mention", room=room)) == f"Bob hat dich in {room} erwähnt"


# -- every name ------------------------------------------------------------------------------------


def without_isolates(text: str) -> str:
    """Return a text without marks of direction (Unicode annex 9)."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", text)


# Possible names of people and rooms; "%" and braces have a meaning in a format string.
NAMES = st.text(min_size=1, max_size=300) | st.sampled_from(
    ["%(name)s", "%s", "{name}", "x mentioned you in y", "Bob and 4 others", "until soon", "<b>"]
)


@settings(max_examples=40, deadline=None)
@given(name=NAMES, room=NAMES, language=st.sampled_from(LANGUAGES))
def test_every_kind_is_phrased_whatever_people_and_rooms_are_called(
    name: str, room: str, language: str
) -> None:
    """Names come through unchanged: each sentence is that of a plain name with the name put in.

    Names of the other direction are isolated; the marks for it do not count.
    """
    with override(language):
        for odd, plain in zip(every_notice(name, room), every_notice("NAME", "ROOM"), strict=True):
            expected = sentence(plain)
            parts = re.split("(NAME|ROOM)", expected)
            named = "".join({"NAME": name, "ROOM": room}.get(part, part) for part in parts)
            assert without_isolates(sentence(odd)) == without_isolates(named)
            assert "%(" not in expected


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.text("abc %{}()é\u0640漢", min_size=3, max_size=60))
def test_a_name_leaves_every_notification_with_its_renaming(
    general: Room, alice: User, bob: User, charlie: User, name: str
) -> None:
    shown = " ".join(f"«a{name}»".split())  # as names are stored
    services.rename(user_id=bob.pk, first_name=shown, last_name="")
    message = services.post_message(author_id=alice.pk, room_id=general.pk, body="Hi").message
    services.post_message(author_id=bob.pk, room_id=general.pk, body="@alice", reply_to=message.pk)
    services.join(actor_id=charlie.pk, room_id=general.pk)
    for user in (bob, charlie):
        services.react(actor_id=user.pk, message_id=message.pk, emoji="👍", on=True)
    assert [shown in text for _, text in notices(alice)[-2:]] == [True, True]
    services.rename(user_id=bob.pk, first_name="Robert")
    replay = reads.page(payloads.inbox(alice.pk), 0, 1000)
    assert not any(shown in text for _, text in notices(alice))
    assert shown not in str([msgspec.json.decode(event.body or b"0") for event in replay.events])


def test_a_new_name_moves_the_rows_in_which_a_person_is_one_of_several(
    verify: Verify, general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    message = say(alice, general, "Lunch?")
    services.join(actor_id=charlie.pk, room_id=general.pk)
    for user in (bob, charlie):
        services.react(actor_id=user.pk, message_id=message.pk, emoji="👍", on=True)
    with verify() as change:
        services.rename(user_id=bob.pk, first_name="Robert")
    (moved,) = [data for data in change.data(f"inbox.{alice.pk}") if data["kind"] == "reaction"]
    assert sentence(moved) == "Charlie and Robert reacted to your message in General"


def test_a_renamed_room_keeps_its_old_name_in_payloads_that_do_not_move(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    """A payload changes only with its seq; the page shows the present name (test_excerpts)."""
    say(bob, general, "@alice")
    with verify() as change:
        services.change_room(actor_id=alice.pk, room_id=general.pk, name="Agora")
    assert "notification" not in change.kinds(f"inbox.{alice.pk}")
    assert notices(alice) == [("mention", "Bob mentioned you in General")]


def test_no_notification_stores_a_name_of_a_person_or_a_word_of_a_message(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(alice, general, "The secret word is xyzzy")
    say(bob, general, "@alice xyzzy", reply_to=message.pk)
    services.react(actor_id=bob.pk, message_id=message.pk, emoji="👍", on=True)
    stored = str(list(Notification.objects.values()))
    assert Notification.objects.count() == 2
    assert "Bob" not in stored
    assert "xyzzy" not in stored


def test_a_page_of_an_inbox_reads_its_people_with_one_query(
    general: Room, alice: User, say: Say, django_assert_num_queries: Any
) -> None:
    message = say(alice, general, "Lunch?")
    for number in range(6):
        user = make_user(f"member{number}")
        services.join(actor_id=user.pk, room_id=general.pk)
        services.react(actor_id=user.pk, message_id=message.pk, emoji="👍", on=True)
        say(user, general, "@alice")
    with django_assert_num_queries(2):
        page = queries.inbox_page(alice.pk)
    assert "member5, member4, member3 and 3 others reacted to your message in General".lower() in [
        sentence(row).lower() for row in page.notices
    ]


# -- languages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [
        ("de", 1, "1 Nachricht in Lab"),
        ("de", 3, "3 Nachrichten in Lab"),
        ("ar", 1, "رسالة واحدة في Lab"),
        ("ar", 2, "رسالتان في Lab"),
        ("ar", 3, "3 رسائل في Lab"),
        ("ar", 11, "11 رسالة في Lab"),
        ("ar", 100, "100 رسالة في Lab"),
    ],
)
def test_a_summary_has_the_plural_forms_of_its_language(
    language: str, count: int, said: str
) -> None:
    with override(language):
        shown = summary(notice("message"), count)
        assert shown.replace("\u2068Lab\u2069", "Lab") == said  # isolated where Latin is foreign


@pytest.mark.parametrize(
    ("language", "zone", "said"),
    [
        ("en", "UTC", "Bob, a site moderator, muted you in Lab until 24 Nov 2026, 23:30 UTC"),
        (
            "en",
            "Europe/Berlin",
            "Bob, a site moderator, muted you in Lab until 25 Nov 2026, 00:30",
        ),
    ],
)
def test_a_time_is_shown_in_the_readers_language_and_zone(
    language: str, zone: str, said: str
) -> None:
    with override(language), timezone.override(zone):
        assert sentence(notice("moderation", act="mute", until=UNTIL)) == said


def test_every_kind_that_chat_sends_is_registered_and_phrased(
    general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    """Whatever the services send has a sentence of its own, never an empty or a fallback one."""
    message: Message = say(bob, general, "@alice")
    services.report(actor_id=alice.pk, message_id=message.pk, category="spam")
    services.decide(actor_id=mona.pk, message_id=message.pk, status="resolved")
    services.restore_message(actor_id=mona.pk, message_id=message.pk)
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=60)
    services.site_mute(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    Membership.objects.update(noticed_at=None)  # an hour later
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    Membership.objects.update(noticed_at=None)
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam", seconds=60)
    rows = list(Notification.objects.all())
    assert len(rows) == 10
    for row in rows:
        assert kind_of({"kind": row.kind}).name == row.kind
        assert sentence_of(row)
        assert "%(" not in sentence_of(row)


def test_the_browser_has_the_same_sentences() -> None:
    text = (ROOT / "chat/static/chat/inbox/words.js").read_text()
    script = text.partition("export const words =")[0]
    in_browser = {
        text.replace("\\'", "'")
        for call in re.findall(r"(?:n?gettext|counted)\((.*?)\)[,;\n ]", script, re.DOTALL)
        for text in re.findall(r"'((?:[^'\\]|\\.)*)'", call)
    }
    tree = ast.parse((ROOT / "chat/notification_kinds.py").read_text())
    on_server = {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ("_", "gettext_noop", "ngettext")
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    categories = {"Spam", "Abuse", "Illegal", "Other"}
    assert in_browser - categories == on_server
