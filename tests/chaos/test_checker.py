"""The checker passes a good history, and finds each thing that can be wrong with one."""

import math
from collections.abc import Callable

import pytest

from tests.chaos.checker import FLAT_BYTES, judge
from tests.chaos.history import (
    Ban,
    Client,
    Closing,
    Deletion,
    Fault,
    History,
    Memory,
    Post,
    Present,
    Receipt,
    Row,
    Stay,
)
from tests.chaos.report import report

HALL, CABINET = 1, 2
ALICE, BOB, CHARLIE, DORA = 11, 12, 13, 14
DELETED = 3  # the number, and the id, of the message that is deleted
MESSAGES = 8
REMOVED_AT = 105.0  # Bob, from the cabinet, by its change 3
BANNED_AT = 104.0  # Dora, from the site
KILLED = "kill a socket node"
FROZEN = "pause a node"


def good() -> History:
    """Alice posts eight messages in the hall and deletes one.

    In the cabinet she posts three, and Bob is removed after two.
    """
    history = History(guarded={CABINET})
    alice, bob, charlie, dora = history.clients = [
        Client("alice", ALICE),
        Client("bob", BOB),
        Client("charlie", CHARLIE),
        Client("dora", DORA),
    ]
    for number in range(1, MESSAGES + 1):
        post(history, HALL, number, 100.0 + number, [alice, bob, charlie] + [dora] * (number < 4))
    for client in (alice, bob, charlie):
        client.receipts.append(Receipt(110.1, HALL, 0, MESSAGES + 1, DELETED, DELETED, ALICE, ""))
    history.deletions.append(Deletion(HALL, DELETED, 109.9, 110.0, MESSAGES + 1))
    # 3 is the change that tells of the removal.
    for number, at in ((1, 103.0), (2, 104.0), (4, 106.0)):
        post(history, CABINET, number, at, [alice] + [bob] * (number < 3), number=min(number, 3))
    history.stays = [
        Stay(CABINET, ALICE, 100.0, 100.1),
        Stay(CABINET, BOB, 100.0, 100.1, REMOVED_AT - 0.1, REMOVED_AT, 3),
    ]
    history.bans.append(Ban(DORA, BANNED_AT))
    history.faults = [
        Fault(KILLED, 200.0, 204.0, bound=5.0, level_after=2.0),
        Fault(
            "restart PostgreSQL", 300.0, 301.0, bound=5.0, holds=True, closes=set(), level_after=0.4
        ),
    ]
    dora.closings.append(Closing(BANNED_AT + 0.2, 4503))
    bob.closings.append(Closing(200.1, 1006))
    history.memory = [
        Memory(100.0 + second, "socket-1", 4711, 100_000_000 + second * 1000)
        for second in range(200)
    ]
    history.present = [
        Present(
            f"socket-{number}", frozenset({ALICE, BOB, CHARLIE}), frozenset({ALICE, BOB, CHARLIE})
        )
        for number in (1, 2)
    ]
    settle(history)
    return history


def post(
    history: History,
    room: int,
    seq: int,
    at: float,
    readers: list[Client],
    *,
    number: int | None = None,
) -> Post:
    """A message acknowledged at ``at`` and read a moment later, whose number is its seq."""
    number = number or seq
    ident = room * 1000 + number if room != HALL else number
    made = Post(f"key-{ident}", room, ALICE, at - 0.05, at, ident, number, seq)
    history.posts[made.key] = made
    for client in readers:
        client.receipts.append(Receipt(at + 0.01, room, 0, seq, ident, number, ALICE, made.key))
    return made


def settle(history: History) -> None:
    """Store what Alice has, and give it to everyone who may have it."""
    alice, bob, charlie, _ = history.clients
    for receipt in sorted(alice.receipts, key=lambda each: each.seq):
        history.stored.setdefault(receipt.room, {})[receipt.ident] = Row(
            receipt.seq, receipt.number, receipt.key
        )
    for client in (alice, bob, charlie):
        client.finals[HALL] = dict(history.stored[HALL])
    alice.finals[CABINET] = dict(history.stored[CABINET])


def test_a_good_history_is_good() -> None:
    verdict = judge(good())
    assert verdict.words() == []
    assert verdict.good
    assert (verdict.acknowledged, verdict.deliveries) == (11, 35)
    assert len(verdict.lags) == 3 * MESSAGES
    assert verdict.lags[-1] == pytest.approx(0.01)
    assert verdict.seen[-1] == pytest.approx(0.06)
    assert verdict.calm_seen == verdict.seen


# Violations ---------------------------------------------------------------------------------------

Spoil = Callable[[History], object]
SPOILT: list[tuple[str, str, Spoil]] = []


def spoils(kind: str) -> Callable[[Spoil], Spoil]:
    """A way to spoil the good history, and the one kind of breach to be found."""

    def note(spoil: Spoil) -> Spoil:
        SPOILT.append((kind, spoil.__name__, spoil))
        return spoil

    return note


@spoils("lost")
def an_acknowledged_message_is_not_stored(history: History) -> None:
    history.posts["gone"] = Post("gone", HALL, BOB, 120.0, 120.1, 99, MESSAGES + 1, 50)


@spoils("lost")
def a_client_never_got_a_message(history: History) -> None:
    del history.clients[1].finals[HALL][5]


@spoils("lost")
def a_client_kept_an_older_version(history: History) -> None:
    history.clients[2].finals[HALL][DELETED] = Row(DELETED, DELETED, f"key-{DELETED}")


@spoils("lost")
def a_client_has_what_is_not_stored(history: History) -> None:
    history.clients[2].finals[HALL][77] = Row(77, 77, "key-1")


@spoils("lost")
def another_text_is_stored(history: History) -> None:
    for rows in (history.stored[HALL], *(client.finals[HALL] for client in history.clients[:3])):
        rows[5] = Row(5, 5, "")


@spoils("duplicated")
def a_repeated_post_became_two_messages(history: History) -> None:
    for rows in (history.stored[HALL], *(client.finals[HALL] for client in history.clients[:3])):
        rows[MESSAGES + 1] = Row(20, MESSAGES + 1, f"key-{MESSAGES}")


@spoils("duplicated")
def a_client_saw_a_post_as_two_messages(history: History) -> None:
    history.clients[1].receipts.append(
        Receipt(120.0, HALL, 0, 20, 21, MESSAGES + 1, ALICE, f"key-{MESSAGES}")
    )


@spoils("reordered")
def a_number_is_missing(history: History) -> None:
    for rows in (history.stored[HALL], *(client.finals[HALL] for client in history.clients[:3])):
        rows[MESSAGES] = rows[MESSAGES]._replace(number=MESSAGES + 1)


@spoils("reordered")
def two_clients_number_differently(history: History) -> None:
    receipts = history.clients[2].receipts
    receipts[6], receipts[7] = (
        receipts[6]._replace(number=MESSAGES),
        receipts[7]._replace(number=MESSAGES - 1),
    )


@spoils("reordered")
def a_client_got_an_earlier_message_after_a_later_one(history: History) -> None:
    receipts = history.clients[2].receipts
    receipts[4], receipts[5] = receipts[5], receipts[4]._replace(at=receipts[5].at)


@spoils("reordered")
def an_acknowledgement_named_another_number(history: History) -> None:
    history.posts["key-6"].number = 7


@spoils("invented")
def a_message_that_nobody_posted(history: History) -> None:
    history.clients[2].receipts.append(
        Receipt(120.0, HALL, 0, 20, 99, 99, ALICE, "a key of nobody")
    )


@spoils("invented")
def a_message_under_another_name(history: History) -> None:
    history.clients[2].receipts[4] = history.clients[2].receipts[4]._replace(author=BOB)


@spoils("invented")
def a_message_in_another_room(history: History) -> None:
    history.posts["key-2002"].room = HALL
    history.posts["key-2002"].acked = None


@spoils("leaked")
def an_outsider_reads_the_cabinet(history: History) -> None:
    history.clients[2].receipts.append(Receipt(103.1, CABINET, 0, 1, 2001, 1, ALICE, "key-2001"))


@spoils("leaked")
def a_removed_member_reads_what_came_after(history: History) -> None:
    """Even within the second."""
    history.clients[1].receipts.append(
        Receipt(REMOVED_AT + 0.1, CABINET, 0, 4, 2003, 3, ALICE, "key-2003")
    )


@spoils("leaked")
def a_removed_member_reads_what_came_before_and_too_late(history: History) -> None:
    history.clients[1].receipts[-2] = history.clients[1].receipts[-2]._replace(at=REMOVED_AT + 3.5)


@spoils("leaked")
def a_member_reads_before_being_one(history: History) -> None:
    history.stays[1].asked = 103.5


@spoils("leaked")
def a_banned_user_still_hears(history: History) -> None:
    history.clients[3].receipts.append(Receipt(BANNED_AT + 4.01, HALL, 0, 8, 8, 8, ALICE, "key-8"))


@spoils("undeleted")
def a_deleted_text_is_sent_later(history: History) -> None:
    history.clients[2].receipts.append(
        Receipt(114.0, HALL, 0, DELETED, DELETED, DELETED, ALICE, f"key-{DELETED}", applied=False)
    )


@spoils("undeleted")
def a_deleted_text_comes_back(history: History) -> None:
    history.clients[2].receipts.append(
        Receipt(110.2, HALL, 0, 10, DELETED, DELETED, ALICE, f"key-{DELETED}")
    )


@spoils("late")
def a_message_takes_too_long(history: History) -> None:
    receipts = history.clients[2].receipts
    receipts[7] = receipts[7]._replace(at=history.posts["key-8"].asked + 3.1)
    receipts[8] = receipts[8]._replace(at=112.0)


@spoils("late")
def nobody_was_level_again(history: History) -> None:
    history.faults[0].level_after = None


@spoils("late")
def they_were_level_too_late(history: History) -> None:
    history.faults[0].level_after = 15.1


@spoils("cut off")
def a_harmless_fault_cost_a_connection(history: History) -> None:
    history.clients[2].closings.append(Closing(300.5, 1006))


@spoils("cut off")
def a_node_that_restarts_cuts_a_connection(history: History) -> None:
    history.faults.append(Fault("SIGTERM each node", 400.0, 405.0, closes={1012}, level_after=0.5))
    history.clients[1].closings += [Closing(401.0, 1012), Closing(403.0, 1006)]


@spoils("grown")
def a_node_grows(history: History) -> None:
    history.memory = [
        sample._replace(bytes=sample.bytes + number * FLAT_BYTES // 120)
        for number, sample in enumerate(history.memory)
    ]


@spoils("haunted")
def a_node_shows_who_has_gone(history: History) -> None:
    history.present[0] = history.present[0]._replace(said=frozenset({ALICE, BOB, CHARLIE, DORA}))


@spoils("haunted")
def a_node_overlooks_somebody(history: History) -> None:
    history.present[1] = history.present[1]._replace(said=frozenset({ALICE, BOB}))


@spoils("broken")
def a_frame_was_not_of_the_protocol(history: History) -> None:
    history.clients[0].breaches.append("a second hello")


@pytest.mark.parametrize(("kind", "name", "spoil"), SPOILT, ids=[name for _, name, _ in SPOILT])
def test_what_is_wrong_is_found(kind: str, name: str, spoil: Spoil) -> None:
    history = good()
    spoil(history)
    verdict = judge(history)
    assert not verdict.good
    assert {found for found, words in verdict.breaches.items() if words} == {kind}, verdict.words()


# Not violations -----------------------------------------------------------------------------------


def kill_excuses(history: History) -> None:
    """A message took four seconds while a node was killed."""
    made = post(history, HALL, 30, 200.5, [], number=MESSAGES + 1)
    for client in history.clients[:3]:
        client.receipts.append(
            Receipt(204.4, HALL, 0, 30, made.ident, made.number, ALICE, made.key)
        )
    settle(history)


def pause_excuses(history: History) -> None:
    """A message waited for twenty seconds in a process that was stopped for so long."""
    history.faults = [Fault(FROZEN, 200.0, 220.0, bound=5.0, holds=True, level_after=1.0)]
    made = post(history, HALL, 30, 200.5, [], number=MESSAGES + 1)
    for client in history.clients[:3]:
        client.receipts.append(
            Receipt(221.0, HALL, 0, 30, made.ident, made.number, ALICE, made.key)
        )
    settle(history)


def repeats_change_nothing(history: History) -> None:
    """A page repeats what a client has."""
    client = history.clients[1]
    client.receipts += [
        receipt._replace(at=111.0, applied=False)
        for receipt in client.receipts
        if receipt.room == HALL and not receipt.key
    ]


def the_slow_are_owed_no_speed(history: History) -> None:
    """A client that did not read for a while read an old text."""
    client = history.clients[2]
    client.hostile = True
    client.stalls.append((102.9, 130.0))
    client.receipts[2:9] = [receipt._replace(at=129.0) for receipt in client.receipts[2:9]]


def a_return_is_a_new_stay(history: History) -> None:
    """Bob is a member again, and reads everything from the beginning."""
    history.stays.append(Stay(CABINET, BOB, 150.0, 150.1))
    rows = [receipt for receipt in history.clients[0].receipts if receipt.room == CABINET]
    history.clients[1].receipts += [receipt._replace(at=151.0, copy=1) for receipt in rows]
    history.clients[1].finals[CABINET] = dict(history.stored[CABINET])


def refused_and_unanswered_posts_owe_nothing(history: History) -> None:
    """A refused post, and one whose author got no answer."""
    history.posts["refused"] = Post("refused", HALL, DORA, 104.0, refused="forbidden")
    history.posts["unanswered"] = Post("unanswered", HALL, BOB, 104.0)


def two_faults_add_up(history: History) -> None:
    """A connection that ended during a harmless fault ended by another one."""
    history.faults.append(Fault("cut clients", 300.2, 300.3, bound=5.0, level_after=0.3))
    history.clients[2].closings.append(Closing(300.5, 1006))


def a_short_life_says_nothing_about_memory(history: History) -> None:
    """A node that was just started fills its tails."""
    history.memory = [
        Memory(100.0 + second, "socket-1", 4711, second * FLAT_BYTES) for second in range(10)
    ]


EXCUSED: list[Spoil] = [
    kill_excuses,
    pause_excuses,
    repeats_change_nothing,
    the_slow_are_owed_no_speed,
    a_return_is_a_new_stay,
    refused_and_unanswered_posts_owe_nothing,
    two_faults_add_up,
    a_short_life_says_nothing_about_memory,
]


@pytest.mark.parametrize("change", EXCUSED, ids=lambda each: each.__name__)
def test_what_only_looks_wrong_is_not_blamed(change: Spoil) -> None:
    history = good()
    change(history)
    assert judge(history).words() == []


def test_nothing_at_all_is_good() -> None:
    verdict = judge(History())
    assert verdict.good
    assert verdict.lags == []
    assert not math.isnan(sum(verdict.lags))


def test_the_report_says_what_was_found_and_what_each_fault_cost() -> None:
    history = good()
    a_message_takes_too_long(history)
    text = report(history, judge(history), {"seed": 7})
    assert "seed           7" in text
    assert "acknowledged   11 messages" in text
    assert "late 1 " in text
    assert "NOT GOOD" in text
    assert KILLED in text
    assert "Good: every promise was kept." in report(good(), judge(good()), {})
