"""Prometheus sees how many HTTP requests there were, how they ended, and how long they took."""

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from prometheus_client.parser import text_string_to_metric_families

from chat import services as chat
from realtime.auth import issue_token
from realtime.core import metrics
from realtime.core.monitoring.loop_lag import LoopLag
from tests.support.server import Node, Nodes
from tests.support.waiting import until

Value = Callable[..., float]


@pytest.fixture
def node(nodes: Nodes) -> Node:
    return nodes.start()


@pytest.fixture
def value(node: Node) -> Value:
    """``value("holdfast_http_requests_total", status="2xx")``: the sum over the series that fit."""

    def found(name: str, **labels: str) -> float:
        text = httpx.get(f"{node.origin}/metrics").text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    return found


def test_a_request_is_counted_by_the_pattern_of_its_address(node: Node, value: Value) -> None:
    for number in range(3):
        assert httpx.get(f"{node.origin}/api/rooms/{number}/").status_code == 401
    httpx.get(f"{node.origin}/no/such/page/anywhere")
    httpx.request("BREW", f"{node.origin}/healthz")
    requests = "holdfast_http_requests_total"
    rooms = {"view": "/api/rooms/<int:room_id>/"}
    assert value(requests, method="GET", status="4xx", **rooms) == 3
    assert value("holdfast_http_request_seconds_count", **rooms) == 3
    assert value(requests, view="none", status="4xx") == 1
    assert value(requests, view="/healthz", method="other") == 1


async def test_a_long_poll_that_waits_is_neither_in_flight_nor_slow(
    node: Node, value: Value, alice: User
) -> None:
    token = await sync_to_async(issue_token)(alice)
    room = (await sync_to_async(chat.create_room)(actor_id=alice.pk, name="General")).room_id
    events = f"{node.origin}/api/streams/room.{room}/events"
    headers = {"Authorization": f"Bearer {token}"}
    view = {"view": "/api/streams/<str:stream>/events"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as http:
        head = (await http.get(events)).json()["head"]
        polling = asyncio.create_task(http.get(f"{events}?after={head}&wait=5"))
        await until(lambda: value("holdfast_waiting"))
        # The request for the metrics itself is in flight.
        assert await asyncio.to_thread(value, "holdfast_http_in_flight") == 1
        assert (await polling).status_code == 200
        async with http.stream(
            "GET", f"{events}?after={head}", headers={"Accept": "text/event-stream"}
        ) as stream:
            assert await anext(stream.aiter_bytes())
            assert await asyncio.to_thread(value, "holdfast_http_in_flight") == 1
    seconds = "holdfast_http_request_seconds"
    assert await asyncio.to_thread(value, f"{seconds}_count", **view) == 3
    # The poll alone took five seconds.
    assert await asyncio.to_thread(value, f"{seconds}_sum", **view) < 5


async def test_the_lag_of_a_blocked_event_loop_is_measured() -> None:
    lag = LoopLag()
    lag.start()
    before = metrics.event_loop_lag_seconds.total
    await asyncio.sleep(0)
    time.sleep(1)  # noqa: ASYNC251  blocks the loop on purpose
    await until(lambda: metrics.event_loop_lag_seconds.total >= before + 0.4)
    assert lag.take_largest() >= 0.4
    assert lag.take_largest() < 0.4
    lag.stop()
