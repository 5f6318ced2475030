"""Presence: every process writes its own part, and all show the union."""

from itertools import product
from random import Random

import pytest

from realtime.protocol import presence as presence_module
from realtime.protocol.presence import (
    HEARTBEAT_SECONDS,
    LINGER_SECONDS,
    LISTED_MAX,
    MEETING_SECONDS,
    SILENT_SECONDS,
    WATCH_MAX_STREAMS,
    WATCH_SECONDS,
    Outgoing,
    Presence,
    PresenceChange,
)

ROOM, LOUNGE = "room.42", "room.7"
ALICE, BOB, CHARLIE = 7, 9, 12


class Cluster:
    """Some processes, and the broker between them."""

    def __init__(self, *names: str) -> None:
        self.now = 1000.0
        self.processes = {name: Presence(name) for name in names}
        self.sent: list[Outgoing] = []

    def __getitem__(self, name: str) -> Presence:
        return self.processes[name]

    def join(self, name: str, user: int, stream: str = ROOM) -> None:
        self[name].join(stream, user, self.now)

    def leave(self, name: str, user: int, stream: str = ROOM) -> None:
        self[name].leave(stream, user, self.now)

    def tick(self, name: str) -> list[PresenceChange]:
        """Do what is due at one process, and let everyone hear of it."""
        sends, changes = self[name].due(self.now)
        self.sent += sends
        for send in sends:
            for process in self.processes.values():
                process.receive(send.message, self.now)
        return changes

    def tick_silently(self, name: str) -> list[PresenceChange]:
        """The same, but the broker loses everything."""
        return self[name].due(self.now).changes

    def settle(self) -> None:
        for _ in range(3):
            for name in self.processes:
                self.tick(name)

    def wait(self, seconds: float) -> None:
        """Let time pass with everyone at work."""
        until = self.now + seconds
        while self.now < until:
            self.now += 1
            for name in self.processes:
                self.tick(name)

    def seen(self, stream: str = ROOM) -> list[tuple[int, list[int] | None]]:
        return [process.present(stream) for process in self.processes.values()]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster("a", "b")


def test_nobody_is_present_in_an_empty_room(cluster: Cluster) -> None:
    assert cluster.seen() == [(0, []), (0, [])]


def test_alice_is_present_at_once_and_announced_when_it_is_due(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    assert cluster["a"].present(ROOM) == (1, [ALICE])
    assert cluster.tick("a") == [PresenceChange(ROOM, 1, [ALICE], [])]
    assert cluster.tick("a") == []
    assert [send.stream for send in cluster.sent if send.message["type"] == "presence.part"] == [
        ROOM
    ]


def test_joins_of_one_second_are_one_change(cluster: Cluster) -> None:
    cluster.join("a", BOB)
    cluster.join("a", ALICE)
    assert [change.data for change in cluster.tick("a")] == [
        {"count": 2, "joined": [ALICE, BOB], "left": []}
    ]


def test_people_on_two_nodes_see_each_other(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    assert cluster.seen() == [(2, [ALICE, BOB])] * 2


def test_alice_on_two_nodes_is_one_person(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", ALICE)
    cluster.settle()
    assert cluster.seen() == [(1, [ALICE])] * 2


def test_two_tabs_are_one_person(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("a", ALICE)
    cluster.leave("a", ALICE)
    cluster.wait(LINGER_SECONDS + 1)
    assert cluster["a"].present(ROOM) == (1, [ALICE])


def test_a_blip_of_the_network_is_invisible(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.tick("a")
    cluster.leave("a", ALICE)
    cluster.now += LINGER_SECONDS - 1
    assert cluster.tick("a") == []
    cluster.join("a", ALICE)
    cluster.now += LINGER_SECONDS
    assert cluster.tick("a") == []
    assert cluster["a"].present(ROOM) == (1, [ALICE])


def test_whoever_stays_away_has_left(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    cluster.leave("a", ALICE)
    cluster.now += LINGER_SECONDS
    cluster.tick("a")
    assert cluster.tick("b") == [PresenceChange(ROOM, 1, [], [ALICE])]
    assert cluster["b"].present(ROOM) == (1, [BOB])


def test_a_move_to_another_node_is_invisible(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    cluster.leave("a", ALICE)
    cluster.join("b", ALICE)
    changes = []
    for _ in range(30):
        cluster.now += 1
        cluster.tick("a")
        changes += cluster.tick("b")
    assert changes == []


def test_who_was_never_counted_does_not_leave(cluster: Cluster) -> None:
    cluster.leave("a", ALICE)
    cluster.join("a", ALICE)
    cluster.leave("a", BOB)
    assert cluster["a"].present(ROOM) == (1, [ALICE])


def test_a_process_that_starts_later_learns_the_present_users(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.settle()
    cluster.processes["c"] = Presence("c")
    cluster.join("c", CHARLIE)
    cluster.settle()
    assert cluster["c"].present(ROOM) == (2, [ALICE, CHARLIE])


def test_a_room_of_no_interest_is_not_remembered(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB, LOUNGE)
    cluster.settle()
    assert cluster["b"].present(ROOM) == (0, [])


def test_an_announcement_that_was_lost_is_found_by_the_heartbeat(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    cluster.join("a", CHARLIE)
    cluster.tick_silently("a")
    cluster.wait(HEARTBEAT_SECONDS + 2)
    assert cluster["b"].present(ROOM) == (3, [ALICE, BOB, CHARLIE])


def test_a_leave_that_was_lost_is_found_by_the_heartbeat(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("a", ALICE, LOUNGE)
    cluster.join("b", BOB)
    cluster.settle()
    cluster.leave("a", ALICE)
    cluster.now += LINGER_SECONDS
    cluster.tick_silently("a")
    assert cluster["b"].present(ROOM) == (2, [ALICE, BOB])
    cluster.wait(HEARTBEAT_SECONDS + 1)
    assert cluster["b"].present(ROOM) == (1, [BOB])


def test_an_announcement_that_comes_late_changes_nothing(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    [late] = [
        send for send in cluster.sent if send.stream == ROOM and send.message["process"] == "a"
    ]
    cluster.join("a", CHARLIE)
    cluster.tick("a")
    cluster["b"].receive(late.message, cluster.now)
    assert cluster["b"].present(ROOM) == (3, [ALICE, BOB, CHARLIE])


def test_a_heartbeat_that_comes_late_ends_nothing(cluster: Cluster) -> None:
    cluster.join("b", BOB)
    cluster.settle()
    late = cluster["a"].due(cluster.now + HEARTBEAT_SECONDS).sends[-1].message
    cluster.join("a", ALICE)
    cluster.tick("a")
    cluster["b"].receive(late, cluster.now)
    assert cluster["b"].present(ROOM) == (2, [ALICE, BOB])


def test_a_process_that_falls_silent_takes_its_part_with_it(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    cluster.now += SILENT_SECONDS
    assert cluster.tick("b") == []
    cluster.now += 1
    assert cluster.tick("b") == [PresenceChange(ROOM, 1, [], [ALICE])]


def test_a_process_that_was_only_slow_is_asked_again(cluster: Cluster) -> None:
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    cluster.now += SILENT_SECONDS + 1
    cluster.tick("b")
    cluster.wait(2)
    assert cluster["b"].present(ROOM) == (2, [ALICE, BOB])


def test_a_full_house_is_a_count(cluster: Cluster) -> None:
    for user in range(1, LISTED_MAX + 1):
        cluster.join("a", user)
    assert cluster.tick("a")[0].count == LISTED_MAX
    assert len(cluster["a"].present(ROOM)[1] or []) == LISTED_MAX
    cluster.join("a", 999)
    assert [change.data for change in cluster.tick("a")] == [{"count": LISTED_MAX + 1}]
    assert cluster["a"].present(ROOM) == (LISTED_MAX + 1, None)


def test_a_full_house_elsewhere_is_a_count_too(cluster: Cluster) -> None:
    for user in range(1, LISTED_MAX + 2):
        cluster.join("a", user)
    cluster.join("b", 1000)
    cluster.settle()
    assert cluster["b"].present(ROOM) == (LISTED_MAX + 2, None)
    assert all(
        part[3] is None
        for send in cluster.sent
        if send.stream == ROOM and send.message["process"] == "a"
        for part in send.message["parts"]
    )


def test_one_comes_and_one_goes_in_a_full_house(cluster: Cluster) -> None:
    for user in range(1, LISTED_MAX + 2):
        cluster.join("a", user)
    cluster.tick("a")
    cluster.leave("a", 1)
    cluster.now += LINGER_SECONDS
    cluster.join("a", 999)
    assert cluster.tick("a") == []


def test_messages_are_bounded(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setattr(presence_module, "HEARTBEAT_MAX_STREAMS", 3)
    monkeypatch.setattr(presence_module, "ASK_MAX_STREAMS", 4)
    monkeypatch.setattr(presence_module, "ANSWER_MAX_PARTS", 2)
    rooms = [f"room.{number}" for number in range(10)]
    for room in rooms:
        cluster.join("a", ALICE, room)
        cluster.join("b", BOB, room)
    cluster.settle()
    sizes: dict[str, int] = {}
    for send in cluster.sent:
        for name in ("versions", "streams", "parts"):
            sizes[name] = max(sizes.get(name, 0), len(send.message.get(name, ())))
    assert sizes == {"versions": 3, "streams": 4, "parts": 2}
    assert [cluster.seen(room) for room in rooms] == [[(2, [ALICE, BOB])] * 2] * 10


def test_a_heartbeat_moves_its_window_over_all_streams(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setattr(presence_module, "HEARTBEAT_MAX_STREAMS", 3)
    rooms = [f"room.{number}" for number in range(10)]
    for room in rooms:
        cluster.join("a", ALICE, room)
        cluster.join("b", BOB, room)
    cluster.tick_silently("a")  # nobody hears it
    cluster.tick("b")
    cluster["a"]._asked.clear()  # and no question is received
    cluster.wait(HEARTBEAT_SECONDS * 5)
    assert [cluster["b"].present(room) for room in rooms] == [(2, [ALICE, BOB])] * 10


def test_a_message_of_a_later_version_is_ignored(cluster: Cluster) -> None:
    cluster["a"].receive({"type": "presence.mood", "process": "b"}, cluster.now)
    assert cluster["a"].present(ROOM) == (0, [])


def anything(random: Random, cluster: Cluster, rooms: list[str]) -> dict[str, set[tuple[str, int]]]:
    """Let people come and go while messages get lost; return the presence by process."""
    here: list[tuple[str, int, str]] = []
    for _ in range(300):
        name, user, room = random.choice("abc"), random.randrange(1, 7), random.choice(rooms)
        action = random.random()
        if action < 0.3:
            cluster.join(name, user, room)
            here.append((name, user, room))
        elif action < 0.6 and here:
            cluster.leave(*here.pop(random.randrange(len(here))))
        elif action < 0.8:
            cluster.tick(name)
        elif action < 0.9:
            cluster.tick_silently(name)
        else:
            cluster.now += random.random() * 8
    return {name: {(room, user) for there, user, room in here if there == name} for name in "abc"}


@pytest.mark.parametrize("seed", range(25))
def test_all_processes_agree_in_the_end_whatever_was_lost(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_module, "LISTED_MAX", 4)
    monkeypatch.setattr(presence_module, "HEARTBEAT_MAX_STREAMS", 2)
    cluster, rooms = Cluster("a", "b", "c"), ["room.1", "room.2", "room.3"]
    parts = anything(Random(seed), cluster, rooms)
    cluster.wait(LINGER_SECONDS + SILENT_SECONDS + HEARTBEAT_SECONDS * 4)
    present = set().union(*parts.values())
    for name, room in product("abc", rooms):
        if any(where == room for where, _ in parts[name]):
            count, users = cluster[name].present(room)
            assert (
                count > 4
                if users is None
                else users == sorted(user for where, user in present if where == room)
            )


def test_a_process_without_users_in_a_stream_learns_the_present_ones_when_asked() -> None:
    cluster = Cluster("a", "b", "web")
    cluster.wait(HEARTBEAT_SECONDS)
    cluster.join("a", ALICE)
    cluster.join("b", BOB)
    cluster.settle()
    assert cluster["web"].present(ROOM) == (0, [])
    assert cluster["web"].watch(ROOM, cluster.now)
    cluster.settle()
    assert cluster["web"].present(ROOM) == (2, [ALICE, BOB])
    assert not cluster["web"].watch(ROOM, cluster.now)
    cluster.leave("b", BOB)
    cluster.join("a", CHARLIE)
    cluster.wait(LINGER_SECONDS + HEARTBEAT_SECONDS + 2)
    assert cluster["web"].present(ROOM) == (2, [ALICE, CHARLIE])


def test_a_watch_ends_and_leaves_nothing_behind() -> None:
    cluster = Cluster("a", "web")
    cluster.wait(HEARTBEAT_SECONDS)
    cluster.join("a", ALICE)
    cluster["web"].watch(ROOM, cluster.now)
    cluster.settle()
    cluster.wait(WATCH_SECONDS + 1)
    assert cluster["web"].present(ROOM) == (0, [])
    assert cluster["web"].watch(ROOM, cluster.now)
    cluster.settle()
    assert cluster["web"].present(ROOM) == (1, [ALICE])


def test_a_watch_and_a_socket_do_not_disturb_each_other() -> None:
    cluster = Cluster("a", "b")
    cluster.wait(HEARTBEAT_SECONDS)
    cluster.join("a", ALICE)
    cluster.settle()
    cluster["b"].watch(ROOM, cluster.now)
    cluster.join("b", BOB)
    cluster.settle()
    cluster.leave("b", BOB)
    cluster.wait(LINGER_SECONDS + 2)
    assert cluster.seen() == [(1, [ALICE])] * 2
    cluster.join("b", BOB)
    cluster.wait(WATCH_SECONDS + 2)
    assert cluster.seen() == [(2, [ALICE, BOB])] * 2


def test_one_process_alone_knows_at_once_when_it_would_have_heard_of_others() -> None:
    alone = Presence("a")
    alone.due(1000.0)
    assert alone.watch(ROOM, 1000.0)
    assert not alone.watch("room.9", 1000.0 + MEETING_SECONDS)


def test_the_number_of_watches_is_bounded() -> None:
    cluster = Cluster("a")
    for number in range(WATCH_MAX_STREAMS + 10):
        cluster["a"].watch(f"room.{number + 1}", cluster.now)
    assert len(cluster["a"]._watched) == WATCH_MAX_STREAMS
