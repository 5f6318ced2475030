"""One id leads from a user's error page to the log lines and the SQL statements of the request."""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from realtime.core.database import read
from realtime.core.lanes.batcher import Batcher
from realtime.core.monitoring import request_ids
from realtime.core.monitoring.statements import requests_of, without_values
from realtime.site.logs import ContextFilter, JsonLines
from tests.support.server import Nodes

log = logging.getLogger("holdfast.test")
GIVEN = "5d1fa0c2"


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [path("broken", broken)]


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """The lines that are logged from now on, as the handler of production writes them."""
    written: list[dict[str, object]] = []
    formatter, context = JsonLines(), ContextFilter("node-1")

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            context.filter(record)
            written.append(json.loads(formatter.format(record)))

    handler = Collect()
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def serving() -> Iterator[None]:
    """A request that has begun: code of this test works for it."""
    token = request_ids.serve((GIVEN,))
    yield
    request_ids.done(token)


def test_only_a_trusted_proxy_names_a_request(nodes: Nodes) -> None:
    claimed = {"X-Request-ID": GIVEN}
    proxied = httpx.get(f"{nodes.start(HOLDFAST_TRUST_PROXY='true').origin}/", headers=claimed)
    assert proxied.headers["x-request-id"] == GIVEN
    for env in ({}, {"HOLDFAST_TRUST_PROXY": "true", "HOLDFAST_TRUSTED_PROXIES": "10.0.0.0/8"}):
        answer = httpx.get(f"{nodes.start(**env).origin}/", headers=claimed)
        assert answer.headers["x-request-id"] not in ("", GIVEN)


@override_settings(HOLDFAST_TRUST_PROXY=True)
@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "*/ DROP TABLE", "a~b", "%s"])
def test_an_id_that_could_do_harm_is_replaced(sent: str) -> None:
    assert request_ids.accepted(GIVEN) == GIVEN
    assert request_ids.accepted(sent) != sent
    assert len(request_ids.accepted(sent)) == 32


@override_settings(ROOT_URLCONF=__name__)
def test_the_error_page_shows_the_id_that_is_in_the_log(
    db: None, lines: list[dict[str, object]]
) -> None:
    answer = Client(raise_request_exception=False).get("/broken")
    named = answer.headers["X-Request-ID"]
    assert answer.status_code == 500
    assert named in answer.content.decode()
    assert [line["request_id"] for line in lines if line["level"] == "ERROR"] == [named]


@override_settings(ROOT_URLCONF=__name__)
def test_a_line_outside_of_any_request_has_no_id(lines: list[dict[str, object]]) -> None:
    log.warning("nobody asked")
    assert "request_id" not in lines[-1]


async def test_a_reading_thread_works_for_the_request(
    serving: None, lines: list[dict[str, object]]
) -> None:
    await read(log.warning, "read")
    assert lines[-1]["request_id"] == GIVEN


async def test_a_batch_works_for_all_of_its_requests() -> None:
    seen: list[str] = []
    free = asyncio.Event()

    async def call(many: object, items: Sequence[int]) -> Sequence[int]:
        await free.wait()
        seen.append(request_ids.shown())
        return items

    async def put(number: int) -> None:
        request_ids.serve((f"r{number}",))
        await batcher.put(list, number)

    batcher = Batcher(call, size=100, waiting=100)
    tasks = [asyncio.create_task(put(number)) for number in range(6)]
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(*tasks)
    assert seen == ["r0~r1~r2~3-more"]


@pytest.mark.postgresql
def test_postgresql_is_told_the_request_of_each_statement(serving: None, db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert not User.objects.filter(username="100% nobody", first_name__contains="%").exists()
    assert captured[0]["sql"].startswith(f"/*request_id='{GIVEN}'*/ SELECT")


def test_sqlite_finds_its_statements_in_its_cache(serving: None, db: None) -> None:
    if connection.vendor != "sqlite":
        return
    with CaptureQueriesContext(connection) as captured:
        User.objects.exists()
    assert "request_id" not in captured[0]["sql"]


def test_an_operator_sees_a_statement_without_its_values() -> None:
    sql = "/*request_id='a.7~b~4-more'*/ INSERT INTO t VALUES (42, 'it''s\n secret', 'cut of"
    assert requests_of(sql) == "a.7~b~4-more"
    assert without_values(sql) == "INSERT INTO t VALUES (?, ?, ?"
