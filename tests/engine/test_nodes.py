"""Every node tells of itself; an operator sees all of them on one page."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from realtime.core import node_reports
from realtime.core.node_reports import FORGET_AFTER, SILENT_AFTER_SECONDS, seen
from realtime.engine.hub import Hub
from realtime.models import Node
from tests.conftest import People
from tests.engine.conftest import Connect

FACTS = {"waiting": 0, "streams": 9, "command_rate": 1.5, "handshake_rate": 0.2, "draining": False}


def report(
    name: str,
    *,
    process: int = 1,
    ago: float = 0,
    connections: int = 10,
    behind: int = 0,
    degraded: bool = False,
) -> None:
    key = f"{name}-{process}"
    facts = FACTS | {
        "connections": connections,
        "behind": behind,
        "degraded": degraded,
        "subscriptions": 5 * connections,
    }
    node_reports._report(key, {"name": name, "delivered_rate": 100.0, **facts})
    Node.objects.filter(key=key).update(seen_at=Now() - timedelta(seconds=ago))


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olivia"))
    return client


def page(client: Client, query: str = "") -> str:
    answer = client.get(reverse("admin:realtime_node_changelist") + query)
    assert answer.status_code == 200
    return str(answer.content.decode())


async def test_a_running_node_tells_of_its_sockets(hub: Hub, connect: Connect) -> None:
    await connect("alice")
    await connect("bob")
    await hub.reporter.report()
    told = await sync_to_async(lambda: list(Node.objects.all()))()
    assert [(node.name, node.connections, node.degraded, node.draining) for node in told] == [
        (hub.node, 2, False, False)
    ]


async def test_a_node_that_stops_takes_its_row_along(hub: Hub) -> None:
    await hub.reporter.report()
    await hub.reporter.stop()
    assert not await sync_to_async(Node.objects.exists)()


def test_a_node_that_died_is_shown_as_silent_and_counts_no_more(operator: Client) -> None:
    report("socket-1", connections=1200)
    report("socket-2", connections=800, ago=SILENT_AFTER_SECONDS + 5)
    assert [(each.node.name, each.silent) for each in seen()] == [
        ("socket-1", False),
        ("socket-2", True),
    ]
    shown = page(operator)
    assert "No reports from socket-2." in shown
    assert "<dt>Open sockets</dt><dd>1200</dd>" in shown


def test_a_node_that_was_started_anew_takes_the_place_of_the_silent_one(db: None) -> None:
    report("socket-1", ago=SILENT_AFTER_SECONDS + 1)
    report("socket-1", process=2)
    assert [each.node.key for each in seen()] == ["socket-1-2"]


def test_a_node_without_the_broker_is_named(operator: Client) -> None:
    report("socket-1", degraded=True)
    assert "reach the broker: socket-1." in page(operator, "?live")


def test_nodes_that_share_no_broker_are_named(operator: Client) -> None:
    report("socket-1")
    assert "is memory://" not in page(operator, "?live")
    report("socket-2")
    assert "but CHANNEL_LAYER_URL, CACHE_URL of this one is memory://" in page(operator, "?live")


def test_the_row_of_a_node_that_died_is_forgotten_after_a_day(db: None) -> None:
    report("socket-1", ago=FORGET_AFTER.total_seconds() + 1)
    report("socket-2")
    assert [each.node.name for each in seen()] == ["socket-2"]


def test_the_part_that_renews_itself_is_no_whole_page(operator: Client) -> None:
    report("socket-1")
    assert "<html" in page(operator)
    assert "<html" not in page(operator, "?live")


def test_others_see_nothing_of_it(people: People) -> None:
    client = Client()
    client.force_login(people.alice)
    assert client.get(reverse("admin:realtime_node_changelist")).status_code == 302
