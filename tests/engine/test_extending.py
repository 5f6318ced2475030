"""The examples of docs/extending.md work, and are the ones that the page shows."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client

from realtime.core import publishing, reads
from realtime.engine.hub import Hub
from tests.conftest import People
from tests.engine.conftest import Connect, until
from tests.engine.ledger import Wire
from tests.extending import at_once, models, orders
from tests.extending.models import ORDERS, Order

DOCS = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
SHOWN = [models, orders, at_once, import_module("tests.extending.migrations.0003_order_triggers")]

pytestmark = pytest.mark.django_db(transaction=True)

Follow = Callable[[str], Any]


@pytest.fixture
def follow(hub: Hub, connect: Connect, people: People) -> Follow:
    """``wire = await follow("alice")``: a client that follows Alice's orders from the start."""

    async def followed(who: str) -> Wire:
        socket, wire = await connect(who, kinds=None)
        await hub.subscribe(socket, 1, {ORDERS.name(people.alice.pk): 0})
        return wire

    return followed


@pytest.fixture
def never_checked(settings: Any) -> None:
    """No head check comes: only a hint brings a change."""
    settings.HOLDFAST_HEAD_CHECK_SECONDS = 600


async def shown(wire: Wire, seq: int) -> Any:
    """Return the data of change ``seq`` as soon as the client has it."""
    await until(lambda: any(each.get("seq") == seq for each in wire.objects))
    return next(each["data"] for each in wire.objects if each.get("seq") == seq)


async def test_the_buyer_follows_orders_live_and_replays_them_later(
    never_checked: None, follow: Follow, people: People
) -> None:
    wire = await follow("alice")
    order = await sync_to_async(orders.place)(people.alice.pk)
    assert await shown(wire, 1) == {"id": order.pk, "status": "placed"}
    await sync_to_async(orders.change)(order.pk, "packed")
    assert await shown(wire, 2) == {"id": order.pk, "status": "packed"}
    assert await sync_to_async(orders.send_all)() == 1
    assert await shown(wire, 3) == {"id": order.pk, "status": "sent"}
    await sync_to_async(at_once.change_at_once)(order.pk, "lost")
    assert await shown(wire, 4) == {"id": order.pk, "status": "lost"}
    await sync_to_async(orders.cancel)(order.pk)
    assert await shown(wire, 5) == {"id": order.pk, "deleted": True}
    page = await sync_to_async(reads.page)(f"orders.{people.alice.pk}", 0)
    assert [event.seq for event in page.events] == [5], (
        "the state is the log: a replay has the last form of each row"
    )


async def test_other_users_do_not_learn_of_the_stream(follow: Follow, people: People) -> None:
    wire = await follow("bob")
    name = ORDERS.name(people.alice.pk)
    assert wire.objects[-1]["data"]["errors"][name]["code"] == "not_found"


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_view_and_the_admin_change_orders(
    atomic: bool, never_checked: None, follow: Follow, people: People,
    settings: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.ROOT_URLCONF = "tests.extending.urls"
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)
    wire = await follow("alice")
    order = await sync_to_async(orders.place)(people.alice.pk)
    await sync_to_async(_request)(people, f"/orders/{order.pk}/pack/", {})
    assert (await shown(wire, 2))["status"] == "packed"
    data = {"buyer": people.alice.pk, "status": "sent"}
    await sync_to_async(_request)(people, f"/admin/orders/order/{order.pk}/change/", data)
    assert (await shown(wire, 3))["status"] == "sent"
    await sync_to_async(_request)(
        people, f"/admin/orders/order/{order.pk}/delete/", {"post": "yes"}
    )
    assert (await shown(wire, 4))["deleted"]


def _request(people: People, path: str, data: dict[str, Any]) -> None:
    people.charlie.is_staff = people.charlie.is_superuser = True
    people.charlie.save()
    client = Client()
    client.force_login(people.charlie)
    assert client.post(path, data).status_code in (204, 302)


async def test_a_program_that_sends_no_hint_is_found_by_the_head_check(
    hub: Hub, follow: Follow, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be no Django at all, or may have been killed between its commit and its hint."""
    monkeypatch.setattr(publishing.local_hub, "hint", lambda _: True)
    wire = await follow("alice")
    await sync_to_async(orders.place)(people.alice.pk)
    hub._head_check.check_soon()
    assert (await shown(wire, 1))["status"] == "placed"


async def test_poke_has_the_nodes_read_a_stream_at_once(
    never_checked: None, follow: Follow, people: People
) -> None:
    def by_hand() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orders_order (buyer_id, status, seq) VALUES (%s, 'by hand', 0)",
                [people.alice.pk],
            )

    wire = await follow("alice")
    await sync_to_async(by_hand)()
    await sync_to_async(call_command)("poke", ORDERS.name(people.alice.pk))
    assert (await shown(wire, 1))["status"] == "by hand"


def test_poke_names_a_stream_that_cannot_exist() -> None:
    with pytest.raises(CommandError, match=r"nonsense\.1: There is no such stream\."):
        call_command("poke", "nonsense.1")


def test_the_triggers_return_when_sqlite_makes_the_table_anew(people: People) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER orders_order_holdfast_update")
        call_command("migrate", "orders", verbosity=0)
    order = orders.place(people.alice.pk)
    Order.objects.update(status="packed")
    order.refresh_from_db()
    assert order.seq == 2


@pytest.mark.parametrize("module", SHOWN, ids=lambda module: module.__name__)
def test_the_page_shows_the_file(module: Any) -> None:
    shown = Path(module.__file__).read_text().replace("tests.extending", "orders")
    assert shown in DOCS.read_text()
