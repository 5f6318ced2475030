"""Every node tells of itself; an operator sees all of them on one page."""

import time
from datetime import timedelta
from threading import Thread

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from holdfast import __version__
from realtime.core import metrics
from realtime.core.monitoring import activity, node_reports
from realtime.core.monitoring.activity import MAX_KEYS, REPORTS_PER_MINUTE, Tally
from realtime.core.monitoring.database_activity import waiting_changes
from realtime.core.monitoring.node_reports import FORGET_AFTER, SILENT_AFTER_SECONDS, seen
from realtime.engine.hub import Hub
from realtime.models import Node, Stream
from tests.conftest import People
from tests.engine.conftest import Commit, Connect, until

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


async def test_a_running_node_tells_what_is_busy(
    hub: Hub, connect: Connect, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tally in ("posts", "deliveries"):  # without those of the tests before
        monkeypatch.setattr(activity, tally, Tally())
    socket, _ = await connect("alice")
    await hub.subscribe(socket, 1, {"ledger.1": None})
    await commit(1, "entry:1", 1)
    await until(lambda: hub.tails["ledger.1"].position == 1)
    await hub.reporter.report()
    node = await sync_to_async(Node.objects.get)()
    assert node.details["version"] == __version__
    assert node.details["memory"] > 10_000_000
    assert node.details["streams"] == [["ledger.1", 1, 1]]
    assert metrics.nodes._value.get() == 1


def test_the_page_adds_up_what_all_nodes_tell(operator: Client, people: People) -> None:
    alice = people.alice.pk
    for number, deliveries in ((1, 400), (2, 600)):
        report(f"socket-{number}")
        Node.objects.filter(name=f"socket-{number}").update(
            details={
                "version": "1.2.3",
                "streams": [["room.1", 3, deliveries], [f"room.{number + 1}", 1, 7]],
                "users": [[alice, 30]],
                "addresses": [["203.0.113.9", 45]],
                "slow": [["SELECT ? FROM slow", 2.5, time.time(), "5d1f"]],
            }
        )
    shown = page(operator, "?live")
    assert "<bdi>room.1</bdi></th><td>6</td><td>1,000</td>" in shown
    assert "<bdi>alice</bdi></th><td>60</td>" in shown
    assert "<bdi>203.0.113.9</bdi></th><td>90</td>" in shown
    assert shown.count("SELECT ? FROM slow") == 2


def test_a_report_of_an_older_version_is_shown_without_what_it_lacks(operator: Client) -> None:
    report("socket-1")
    Node.objects.update(details={})
    assert "<bdi>socket-1</bdi>" in page(operator, "?live")


def test_counts_fade_within_minutes_and_are_bounded() -> None:
    tally: Tally[str] = Tally()
    for _ in range(10 * REPORTS_PER_MINUTE):
        tally.add("steady", 5)
        tally.fade()
    assert tally.top() == [("steady", 60)]
    tally.add("burst", 100)
    tally.fade()
    assert tally.top()[0] == ("burst", 100)
    for _ in range(10 * REPORTS_PER_MINUTE):
        tally.fade()
    assert tally.top() == []
    for number in range(MAX_KEYS + 5):
        tally.add(str(number))
    tally.fade()
    assert len(tally._faded) == MAX_KEYS


@pytest.mark.postgresql
def test_an_operator_sees_which_change_waits_and_what_blocks_it(
    transactional_db: None, operator: Client
) -> None:
    Stream.objects.create(name="room.1")
    settings = connection.get_connection_params()
    given = {name: settings[name] for name in ("dbname", "user", "host") if settings.get(name)}
    with (
        psycopg.connect(**given, application_name="psql") as blocker,
        psycopg.connect(**given, application_name="socket-1") as blocked,
    ):
        blocker.execute("SELECT head FROM realtime_stream WHERE name = 'room.1' FOR UPDATE")
        change = "/*request_id='5d1f.7'*/ UPDATE realtime_stream SET head = 5 WHERE name = 'room.1'"
        thread = Thread(target=blocked.execute, args=[change])
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not (found := waiting_changes()) and time.monotonic() < deadline:
                time.sleep(0.05)  # the lock of another connection cannot be awaited
            shown = page(operator, "?live")
        finally:
            blocker.rollback()
            thread.join()
    [wait] = found
    assert (wait.waiting.node, wait.waiting.requests) == ("socket-1", "5d1f.7")
    assert wait.waiting.text == "UPDATE realtime_stream SET head = ? WHERE name = ?"
    assert [each.node for each in wait.blockers] == ["psql"]
    assert "UPDATE realtime_stream SET head = ? WHERE name = ?" in shown
