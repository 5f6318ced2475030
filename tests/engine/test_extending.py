"""The example of docs/extending.md works, and is the one that the page shows."""

from pathlib import Path

import pytest
from asgiref.sync import sync_to_async

from realtime.core import reads
from realtime.engine.hub import Hub
from tests.conftest import People
from tests.engine.conftest import Connect, until
from tests.extending import models
from tests.extending.models import Order, set_status

DOCS = Path(__file__).resolve().parents[2] / "docs" / "extending.md"


@pytest.mark.django_db(transaction=True)
async def test_the_buyer_follows_an_order_live_and_replays_it_later(
    hub: Hub, connect: Connect, people: People
) -> None:
    order = await sync_to_async(Order.objects.create)(buyer=people.alice)
    alice, wire = await connect("alice", kinds=None)
    await hub.subscribe(alice, 1, {f"order.{order.pk}": 0})
    await sync_to_async(set_status)(order.pk, "packed")
    await sync_to_async(set_status)(order.pk, "sent")
    await until(lambda: any(each.get("seq") == 2 for each in wire.objects))
    assert wire.objects[-1]["data"] == {"id": order.pk, "status": "sent"}
    page = await sync_to_async(reads.page)(f"order.{order.pk}", 0)
    assert [event.seq for event in page.events] == [2], (
        "the state is the log: the row is replayed once, in its last form"
    )


@pytest.mark.django_db(transaction=True)
async def test_nobody_else_knows_that_there_is_such_an_order(
    hub: Hub, connect: Connect, people: People
) -> None:
    order = await sync_to_async(Order.objects.create)(buyer=people.alice)
    bob, wire = await connect("bob", kinds=None)
    await hub.subscribe(bob, 1, {f"order.{order.pk}": 0})
    assert wire.objects[-1]["data"]["errors"][f"order.{order.pk}"]["code"] == "not_found"


def test_the_page_shows_the_file() -> None:
    assert Path(models.__file__).read_text() in DOCS.read_text()
