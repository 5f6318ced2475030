"""Presence through the hub: subscribers of a stream are notified of each other."""

import asyncio

import pytest

from realtime.engine.hub import Hub
from realtime.protocol.receivers import without
from tests.engine.conftest import Connect, until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_join_is_announced_to_those_who_are_there(hub: Hub, connect: Connect) -> None:
    alice, alices = await connect("alice")
    await hub.subscribe(alice, 1, {"ledger.1": None})
    hub.presence.tick()
    alices.taken()
    bob, _ = await connect("bob")
    await hub.subscribe(bob, 1, {"ledger.1": None})
    hub.presence.tick()
    assert alices.taken("signal") == [
        {
            "type": "signal",
            "stream": "ledger.1",
            "kind": "presence",
            "data": {"count": 2, "joined": [bob.account.user_id], "left": []},
        }
    ]
    assert await hub.present("ledger.1") == (
        2,
        sorted([alice.account.user_id, bob.account.user_id]),
    )


async def test_a_blip_is_invisible(hub: Hub, connect: Connect) -> None:
    alice, alices = await connect("alice")
    bob, _ = await connect("bob")
    for socket in (alice, bob):
        await hub.subscribe(socket, 1, {"ledger.1": None})
    hub.presence.tick()
    alices.taken()
    hub.detach(bob)
    hub.presence.tick()
    again, _ = await connect("bob")
    await hub.subscribe(again, 1, {"ledger.1": None})
    hub.presence.tick()
    assert alices.taken("signal") == []
    assert (await hub.present("ledger.1"))[0] == 2


async def test_who_asks_while_the_others_are_asked_waits_for_their_answer(hub: Hub) -> None:
    other = {"process": "socket-9"}
    hub.presence.on_message(
        {
            **other,
            "type": "presence.heartbeat",
            "version": 1,
            "begin": "",
            "end": None,
            "versions": {"ledger.1": 1},
        }
    )
    asked = [asyncio.create_task(hub.present("ledger.1")) for _ in range(2)]
    await asyncio.sleep(0)
    hub.presence.on_message(
        {**other, "type": "presence.part", "parts": [["ledger.1", 1, 2, [7, 9]]]}
    )
    assert await asyncio.gather(*asked) == [(2, [7, 9])] * 2


async def test_a_signal_reaches_all_but_the_one_who_made_it(hub: Hub, connect: Connect) -> None:
    alice, alices = await connect("alice")
    bob, bobs = await connect("bob")
    for socket in (alice, bob):
        await hub.subscribe(socket, 1, {"ledger.1": None})
    await hub.signal(
        "ledger.1",
        "typing",
        {"user": bob.account.user_id},
        without(bob.account.user_id),
    )
    await until(lambda: alices.objects[-1]["type"] == "signal")
    assert bobs.taken("signal") == []
