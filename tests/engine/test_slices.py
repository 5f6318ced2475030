"""A flush of a large room is written in slices, between which other streams get their turn.

No subscriber misses anything or gets it twice.
"""

import asyncio

import pytest

from realtime.core.streams import StreamName
from realtime.engine import stream_tail
from realtime.engine.hub import Hub
from realtime.protocol.page import Event
from tests.engine.conftest import Commit, Connect, until

EVENT = Event.of("row", 1, 1, {"value": "a"})

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_tail, "SLICE_SOCKETS", 2)


async def test_everybody_gets_everything_once_and_in_order(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    sockets = [await connect(credential=f"session:{n}") for n in range(7)]
    for socket, _ in sockets:
        await hub.subscribe(socket, 1, {"ledger.1": None})
    for number in range(1, 31):
        await commit(1, f"row:{number}", number)
    for _, wire in sockets:
        await until(lambda wire=wire: len(wire.objects) == 31)  # type: ignore[misc]
        assert [event["seq"] for event in wire.taken("event")] == list(range(1, 31))


async def test_a_small_room_does_not_wait_for_a_large_one(hub: Hub, connect: Connect) -> None:
    crowd = [await connect(credential=f"session:{n}") for n in range(9)]
    small, small_wire = await connect()
    for socket, _ in crowd:
        await hub.subscribe(socket, 1, {"ledger.1": None})
    await hub.subscribe(small, 1, {"ledger.2": None})
    for wire in [small_wire, *(wire for _, wire in crowd)]:
        wire.taken()
    waiting = []

    def look() -> None:
        if small_wire.objects:
            waiting.append(sum(not wire.objects for _, wire in crowd))
        else:
            asyncio.get_running_loop().call_soon(look)

    asyncio.get_running_loop().call_soon(look)
    hub.published_from_thread({StreamName("ledger.1"): [EVENT], StreamName("ledger.2"): [EVENT]})
    await until(lambda: waiting and all(wire.objects for _, wire in crowd))
    assert waiting[0] >= 5  # two slices of the large room at most have gone out before


async def test_who_leaves_between_two_slices_gets_nothing_more(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    sockets = [await connect(credential=f"session:{n}") for n in range(6)]
    for socket, wire in sockets:
        await hub.subscribe(socket, 1, {"ledger.1": None})
        wire.taken()
    live = hub.tails["ledger.1"]
    left = []

    def leave_when_it_has_begun() -> None:
        reached = [wire for _, wire in sockets if wire.objects]
        if not reached:
            asyncio.get_running_loop().call_soon(leave_when_it_has_begun)
            return
        for socket, wire in sockets:
            if not wire.objects:
                hub.unsubscribe(socket, ["ledger.1"])
                left.append(wire)

    asyncio.get_running_loop().call_soon(leave_when_it_has_begun)
    await commit(1, "row:1", "a")
    await until(lambda: left and live._flush_due is None)
    assert len(left) == 4
    assert all(not wire.objects for wire in left)


async def test_what_is_deleted_between_two_slices_is_sent_to_nobody_more(
    hub: Hub, connect: Connect
) -> None:
    sockets = [await connect(credential=f"session:{n}") for n in range(6)]
    for socket, wire in sockets:
        await hub.subscribe(socket, 1, {"ledger.1": None})
        wire.taken()
    live = hub.tails["ledger.1"]

    def delete() -> None:
        told = [wire for _, wire in sockets if wire.objects]
        if not told:
            asyncio.get_running_loop().call_soon(delete)
            return
        live.ingest([Event.of("row", 1, 2, {"value": ""})], 0.0, is_local=True)

    asyncio.get_running_loop().call_soon(delete)
    live.ingest([EVENT], 0.0, is_local=True)
    await until(
        lambda: all(
            wire.objects and wire.objects[-1].get("seq", wire.objects[-1].get("to")) == 2
            for _, wire in sockets
        )
    )
    told = [wire for _, wire in sockets if any("'a'" in str(each) for each in wire.objects)]
    assert len(told) < len(sockets)
