"""Following a stream: level and behind, repairs, shared reads, ends."""

import asyncio

import pytest

from realtime.engine.hub import Hub
from realtime.protocol.page import AccessEnd
from tests.engine.conftest import Commit, Connect, until
from tests.engine.ledger import Ledger

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_level_socket_is_pushed_every_event(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    await commit(1, "row:1", "a")
    await commit(1, "row:2", "b")
    await until(lambda: len(wire.objects) == 3)
    reply, *events = wire.taken()
    assert reply["data"]["pages"]["ledger.1"] == {
        "stream": "ledger.1",
        "from": 0,
        "to": 0,
        "head": 0,
        "events": [],
    }
    assert [(event["type"], event["seq"], event["data"]) for event in events] == [
        ("event", 1, {"value": "a"}),
        ("event", 2, {"value": "b"}),
    ]


async def test_a_position_is_answered_with_what_changed_since(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    for number in range(1, 4):
        await commit(1, f"row:{number}", number)
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": 1})
    page = wire.taken("reply")[0]["data"]["pages"]["ledger.1"]
    assert (page["from"], page["to"], page["head"]) == (1, 3, 3)
    assert [event["seq"] for event in page["events"]] == [2, 3]


async def test_ten_returning_sockets_cost_one_read(
    hub: Hub, connect: Connect, commit: Commit, ledger: Ledger
) -> None:
    for number in range(1, 4):
        await commit(1, f"row:{number}", number)
    sockets = [await connect(credential=f"session:{n}") for n in range(10)]
    await asyncio.gather(*(hub.subscribe(socket, 1, {"ledger.1": 1}) for socket, _ in sockets))
    assert [wire.taken("reply")[0]["data"]["pages"]["ledger.1"]["to"] for _, wire in sockets] == [
        3
    ] * 10
    assert ledger.reads == 1


async def test_what_the_broker_lost_is_found_by_the_head_check(
    hub: Hub, connect: Connect, commit_unheard: Commit
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    await commit_unheard(1, "row:1", "a")
    hub._head_check.check_now()
    await until(lambda: len(wire.objects) == 2)
    assert wire.taken("event")[0]["seq"] == 1


async def test_a_hole_is_repaired_at_once(
    hub: Hub, connect: Connect, commit: Commit, commit_unheard: Commit
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    await commit_unheard(1, "row:1", "a")
    await commit(1, "row:2", "b")
    await until(lambda: len(wire.objects) == 3)
    assert [event["seq"] for event in wire.taken("event")] == [1, 2]


async def test_a_slow_socket_falls_behind_gets_one_frame_and_pulls(
    hub: Hub, connect: Connect, commit: Commit, settings: object
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    wire.taken()
    wire.unsent = 300_000
    for number in range(1, 4):
        await commit(1, f"row:{number}", number)
    await until(lambda: hub.tails["ledger.1"].position == 3 and not hub.tails["ledger.1"].level)
    assert wire.taken() == []
    wire.drain()
    wire.drain()
    assert wire.taken() == [{"type": "behind", "stream": "ledger.1", "head": 3}]
    await hub.pull(socket, 2, "ledger.1", 0)
    page = wire.taken()[0]["data"]
    assert (page["to"], page["head"], len(page["events"])) == (3, 3, 3)
    await commit(1, "row:4", 4)
    await until(lambda: wire.objects)
    assert wire.taken("event")[0]["seq"] == 4


async def test_a_socket_that_takes_nothing_at_all_is_closed(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    wire.unsent = 5_000_000
    await commit(1, "row:1", "a")
    await until(lambda: wire.closed)
    assert wire.closed is not None
    assert wire.closed[0] == 4003


async def test_a_reader_that_loses_access_is_notified_and_receives_nothing_more(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    alice, alices = await connect("alice")
    bob, bobs = await connect("bob")
    for socket in (alice, bob):
        await hub.subscribe(socket, 1, {"ledger.1": None})
    alices.taken()
    bobs.taken()
    await commit(1, "row:1", "gone", end=AccessEnd(bob.account.user_id, None, None, "removed"))
    await commit(1, "row:2", "secret")
    await until(lambda: len(alices.objects) == 2)
    assert bobs.taken() == [{"type": "closed", "stream": "ledger.1", "reason": "removed"}]


async def test_a_session_that_ends_closes_its_sockets_only(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    phone, phones = await connect("bob", "session:phone")
    _, laptops = await connect("bob", "session:laptop")
    await hub.subscribe(phone, 1, {"ledger.1": None})
    await commit(
        1, "row:1", "x", end=AccessEnd(phone.account.user_id, "session:phone", 4502, "signed out")
    )
    await until(lambda: phones.closed)
    assert phones.closed == (4502, "signed out")
    assert phones.objects[-1] == {"type": "bye", "reason": "signed out"}
    assert laptops.closed is None


async def test_a_stream_that_one_may_not_read_does_not_exist(
    hub: Hub, connect: Connect, ledger: Ledger
) -> None:
    socket, wire = await connect("charlie")
    ledger.shut_out.add(socket.account.user_id)
    await hub.subscribe(socket, 1, {"ledger.1": 0, "nothing.7": 0, "ledger.x": None, "room.1": 3})
    data = wire.taken("reply")[0]["data"]
    assert data["pages"] == {}
    assert {name: error["code"] for name, error in data["errors"].items()} == {
        "ledger.1": "not_found",
        "nothing.7": "not_found",
        "ledger.x": "not_found",
        "room.1": "forbidden",
    }
    assert "ledger.1" not in hub.tails


async def test_a_position_above_the_head_is_reset(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    await commit(1, "row:1", "a")
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": 99})
    error = wire.taken("reply")[0]["data"]["errors"]["ledger.1"]
    assert (error["code"], error["data"]) == ("reset", {"head": 1})


async def test_a_reply_holds_at_most_a_thousand_events_and_the_rest_is_pulled(
    hub: Hub, connect: Connect, ledger: Ledger, commit: Commit
) -> None:
    for stream in range(1, 8):
        for number in range(1, 201):
            await commit(stream, f"row:{number}", number)
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {f"ledger.{n}": 0 for n in range(1, 8)})
    pages = wire.taken("reply")[0]["data"]["pages"]
    assert sum(len(page["events"]) for page in pages.values()) == 1000
    behind = [name for name, page in pages.items() if page["to"] < page["head"]]
    assert len(behind) == 2
    for name in behind:
        await hub.pull(socket, 2, name, 0)
        assert len(wire.taken("reply")[0]["data"]["events"]) == 200


async def test_what_the_answer_held_is_not_pushed_again(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    alice, alices = await connect("alice")
    await hub.subscribe(alice, 1, {"ledger.1": None})
    now = asyncio.get_running_loop().time()
    # A busy room: the next flush waits half a second.
    hub.tails["ledger.1"]._policy.flushed(now - 0.5, now)
    await commit(1, "row:1", "a")
    await until(lambda: hub.tails["ledger.1"].position == 1)
    bob, bobs = await connect("bob")
    await hub.subscribe(bob, 1, {"ledger.1": 0})
    await commit(1, "row:2", "b")
    await until(lambda: bobs.objects[-1].get("seq") == 2)
    reply, *events = bobs.taken()
    assert [event["seq"] for event in reply["data"]["pages"]["ledger.1"]["events"]] == [1]
    # On a slow machine, the signal of who is present comes too; it has no number.
    assert [event["seq"] for event in events if "seq" in event] == [2]
    assert [event["seq"] for event in alices.taken("event")] == [1, 2]
