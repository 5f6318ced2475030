"""Filters: what they find, what happens to the message, and that none can block the process."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.errors import BlockedWord
from chat.models import Filter, ModerationLog, Report, Room
from chat.text.filters import MASK, FilterAction, FilterKind, FilterSet, Rule, check_pattern
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound, TooMany
from tests.chat.conftest import Say
from tests.support.replay import Verify

EVIL = r"(a+)+$"  # keeps an engine that backtracks busy for hours, with the text below
EVIL_TEXT = "a" * 3990 + "!"


def add(mona: User, text: str, action: str = FilterAction.BLOCK, **more: Any) -> Filter:
    return services.save_filter(
        actor_id=mona.pk,
        text=text,
        action=action,
        **{"kind": FilterKind.WORD, "is_on": True, **more},
    )


def found(body: str, *rules: Rule) -> list[str]:
    return [
        body[start:end] for hit in FilterSet(rules).hits(body, None) for start, end in hit.spans
    ]


# -- what is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "body", "expected"),
    [
        ("blub", "Blub, blubber BLUB!", ["Blub", "BLUB"]),
        ("cheap pills", "CHEAP pills, cheap pillsbury", ["CHEAP pills"]),
        ("foo", "foo bar_foo foo_bar barx", ["foo"]),
        ("foo bar", "foo barx foo bar", ["foo bar"]),
        ("straße", "Die STRASSE und die Straße", ["STRASSE", "Straße"]),
        ("c++", "C++ and c++x, xc++", ["C++"]),
        ("☠", "☠ a☠", ["☠"]),
        ("привет", "ПРИВЕТ приветы", ["ПРИВЕТ"]),
    ],
)
def test_a_word_is_found_as_a_whole_word_in_any_case(
    word: str, body: str, expected: list[str]
) -> None:
    assert found(body, Rule(word.casefold())) == expected


def test_a_masked_word_keeps_its_position_when_its_neighbours_change_length() -> None:
    assert (
        FilterSet([Rule("zu", action=FilterAction.MASK)]).check("Straße ZU, ﬁn zu", 1).body
        == f"Straße {MASK}, ﬁn {MASK}"
    )


def test_patterns_are_found_anywhere_and_overlapping_masks_are_one() -> None:
    book = FilterSet(
        [
            Rule("b+c", FilterKind.PATTERN, FilterAction.MASK),
            Rule("abb", FilterKind.PATTERN, FilterAction.MASK),
            Rule("x", FilterKind.WORD, FilterAction.FLAG),
        ]
    )
    outcome = book.check("ABBBC and äbc, x", 1)
    assert outcome.body == f"{MASK} and ä{MASK}, x"
    assert outcome.flags == ("x",)


def test_a_rule_of_a_room_holds_there_alone() -> None:
    book = FilterSet([Rule("here", room_id=5), Rule("everywhere")])
    assert [book.check(body, 5).blocked for body in ("here", "everywhere")] == [True, True]
    assert [book.check(body, 6).blocked for body in ("here", "everywhere")] == [False, True]


def test_groups_of_one_name_do_not_keep_patterns_from_working() -> None:
    rules = [Rule(f"(?P<n>{text})", FilterKind.PATTERN) for text in ("ab", "cd")]
    assert found("ab cd", *rules) == ["ab", "cd"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", r"missing \)"),
        ("(?=x)", "lookaheads"),
        (r"(a)\1", "backreferences"),
        (r"\pL{100}", "too large"),
        ("x*", "an empty text"),
        ("[z-a]", "range"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_with_what_is_wrong(pattern: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        check_pattern(pattern)


def test_no_pattern_and_no_text_holds_anybody_up() -> None:
    rules = [
        Rule(EVIL, FilterKind.PATTERN, FilterAction.FLAG),
        *(Rule(f"({number}|x+x+)+y", FilterKind.PATTERN) for number in range(50)),
    ]
    rules += [Rule(f"a{number}") for number in range(3000)]
    book = FilterSet(rules)
    started = time.perf_counter()
    for body in (EVIL_TEXT, "x" * 4000, "a1 " * 1300):
        book.check(body, 1)
    assert time.perf_counter() - started < 1  # it takes some milliseconds


# -- what becomes of the message -------------------------------------------------------------------


def test_a_blocked_message_is_refused_and_an_edit_too(
    general: Room, alice: User, mona: User, say: Say
) -> None:
    message = say(alice, general, "Hello")
    add(mona, "b[ao]d", kind=FilterKind.PATTERN)
    with pytest.raises(BlockedWord):
        say(alice, general, "so BAD")
    with pytest.raises(BlockedWord):
        services.edit_message(actor_id=alice.pk, message_id=message.pk, body="so bod")
    say(alice, general, "good")


def test_a_masked_message_is_posted_without_the_word(
    verify: Verify, general: Room, alice: User, mona: User, say: Say
) -> None:
    with verify() as change:
        add(mona, "bob", FilterAction.MASK)
        message = say(alice, general, "**Hello** BOB and @bob")
    assert message.body == f"**Hello** {MASK} and @{MASK}"
    assert message.mentions == []
    assert "bob" not in message.html.lower()
    assert "bob" not in str(change.data(f"room.{general.pk}")[-1]["body"]).lower()
    edited = services.edit_message(actor_id=alice.pk, message_id=message.pk, body="Bob")
    assert edited.body == MASK


def test_a_flagged_message_is_posted_and_waits_for_a_moderator(
    verify: Verify, general: Room, alice: User, mona: User, say: Say
) -> None:
    add(mona, "watches", FilterAction.FLAG)
    add(mona, r"buy\s+my", FilterAction.FLAG, kind=FilterKind.PATTERN)
    with verify():
        message = say(alice, general, "Buy my watches")
        services.edit_message(actor_id=alice.pk, message_id=message.pk, body="Buy my watches now")
    report = Report.objects.get()
    assert (report.message_id, report.status, report.reporter.username) == (
        message.pk,
        "open",
        "holdfast",
    )
    assert "watches" in report.note
    say(alice, general, "Hello")
    assert Report.objects.count() == 1


def test_direct_messages_are_reported_to_nobody(
    direct: Room, alice: User, mona: User, say: Say
) -> None:
    add(mona, "watches", FilterAction.FLAG)
    add(mona, "pills", FilterAction.MASK)
    assert say(alice, direct, "watches and pills").body == f"watches and {MASK}"
    assert not Report.objects.exists()


def test_a_filter_applies_from_the_next_message_on_while_it_is_on(
    general: Room, secret: Room, alice: User, mona: User, say: Say
) -> None:
    row = add(mona, "blub", is_on=False)
    say(alice, general, "blub")
    services.switch_filter(actor_id=mona.pk, filter_id=row.pk, on=True)
    with pytest.raises(BlockedWord):
        say(alice, general, "blub")
    services.save_filter(
        actor_id=mona.pk,
        filter_id=row.pk,
        text="blub",
        kind="word",
        action="block",
        room_id=secret.pk,
        is_on=True,
    )
    say(alice, general, "blub")
    with pytest.raises(BlockedWord):
        say(alice, secret, "blub")
    services.delete_filter(actor_id=mona.pk, filter_id=row.pk)
    say(alice, secret, "blub")
    logged = ModerationLog.objects.filter(action="filter").order_by("pk")
    assert [entry.details["what"] for entry in logged] == ["added", "on", "changed", "deleted"]
    assert logged[2].room_id == secret.pk


def test_a_restored_message_is_not_filtered_again(
    general: Room, bob: User, alice: User, mona: User, say: Say
) -> None:
    message = say(bob, general, "blub")
    services.delete_message(actor_id=alice.pk, message_id=message.pk)
    add(mona, "blub")
    assert services.restore_message(actor_id=alice.pk, message_id=message.pk).body == "blub"


def test_posting_costs_one_query_more_where_filters_are_and_the_same_where_nothing_changed(
    general: Room, alice: User, mona: User, say: Say
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            say(alice, general, "Hello")
        return len(captured)

    none = queries()
    for number in range(20):
        add(mona, f"word{number}")
    say(alice, general, "compiles them")
    assert queries() == none


# -- who may, and how many -------------------------------------------------------------------------


def test_only_moderators_of_the_site_make_filters(alice: User, mona: User) -> None:
    row = add(mona, "blub")
    refused: list[type[HoldfastError]] = []
    for act in (
        lambda: add(alice, "x"),
        lambda: services.switch_filter(actor_id=alice.pk, filter_id=row.pk, on=False),
        lambda: services.delete_filter(actor_id=alice.pk, filter_id=row.pk),
        lambda: services.delete_filter(actor_id=mona.pk, filter_id=0),
        lambda: add(mona, "x", "shout"),
        lambda: add(mona, "x", kind="sound"),
        lambda: add(mona, "\u200b"),
        lambda: add(mona, "", kind=FilterKind.PATTERN),
        lambda: add(mona, "x" * 201),
    ):
        with pytest.raises(HoldfastError) as caught:
            act()
        refused.append(type(caught.value))
    assert refused == [Forbidden] * 3 + [NotFound] + [BadRequest] * 5


def test_no_more_are_on_than_posting_can_bear(mona: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.text.filters.MAX_PATTERNS", 2)
    first = add(mona, "a", kind=FilterKind.PATTERN)
    add(mona, "b", kind=FilterKind.PATTERN)
    with pytest.raises(TooMany):
        add(mona, "c", kind=FilterKind.PATTERN)
    off = add(mona, "c", kind=FilterKind.PATTERN, is_on=False)
    services.switch_filter(actor_id=mona.pk, filter_id=first.pk, on=False)
    services.switch_filter(actor_id=mona.pk, filter_id=off.pk, on=True)
    monkeypatch.setattr("chat.text.filters.MAX_PROGRAMS", 10)
    with pytest.raises(TooMany):
        add(mona, r"\pL+", kind=FilterKind.PATTERN, filter_id=off.pk)
