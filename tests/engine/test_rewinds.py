"""The database goes back in time under a running node: what each kind of evidence does."""

import asyncio
import logging
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connection, transaction

from realtime.core import history, metrics, reads
from realtime.engine import tail_registry
from realtime.engine.hub import Hub
from realtime.models import Epoch, Node, Stream
from realtime.protocol.errors import Reset, Unavailable
from tests.engine.conftest import Commit, Connect, until
from tests.engine.ledger import Ledger

pytestmark = pytest.mark.django_db(transaction=True)


class Backup:
    """A copy of everything that a test changes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = deepcopy(ledger.tables)
        models: list[Any] = [Stream, Node, Epoch]
        self._rows = [(model, list(model._default_manager.values())) for model in models]

    @transaction.atomic
    def restore(self) -> None:
        for kept, table in zip(self._tables, self._ledger.tables, strict=True):
            table.clear()
            table.update(deepcopy(kept))
        for model, rows in self._rows:
            model._default_manager.all().delete()
            model._default_manager.bulk_create(model(**row) for row in rows)


BackUp = Callable[[], Any]


@pytest.fixture
def back_up(ledger: Ledger) -> BackUp:
    return sync_to_async(lambda: Backup(ledger))


async def restore(backup: Backup) -> None:
    await sync_to_async(backup.restore)()


async def check(hub: Hub) -> None:
    hub._head_check.check_now()
    await until(lambda: not hub._head_check._due.is_set())


@pytest.fixture
def counted() -> Callable[[], float]:
    before = metrics.total(metrics.history_rewinds)
    return lambda: metrics.total(metrics.history_rewinds) - before


async def test_a_head_below_memory_drops_everything(
    hub: Hub,
    connect: Connect,
    commit: Commit,
    back_up: BackUp,
    counted: Callable[[], float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await commit(1, "row:1", "kept")
    backup = await back_up()
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": 1})
    epoch = hub.epoch
    await commit(1, "row:2", "lost")
    await until(lambda: hub.tails["ledger.1"].position == 2)
    await restore(backup)
    await check(hub)
    await until(lambda: wire.closed)
    assert wire.closed == (1012, "the history was restored")
    assert wire.objects[-1]["type"] == "bye"
    assert hub.epoch != epoch
    assert not hub.tails
    await until(counted)
    records = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [each.message for each in records] == [
        "the database has gone back in time: all clients start again"
    ]
    assert vars(records[0])["heads"] == {"ledger.1": "1 instead of 2"}
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": 2})
    assert wire.taken()[0]["data"]["errors"]["ledger.1"]["code"] == "reset"


@pytest.mark.parametrize("again", [1, 3, 4])
async def test_a_number_that_is_taken_twice_is_noticed_by_the_commit(
    hub: Hub, connect: Connect, commit: Commit, ledger: Ledger, back_up: BackUp, again: int
) -> None:
    await commit(1, "row:1", "kept")
    backup = await back_up()
    old, old_wire = await connect()
    await hub.subscribe(old, 1, {"ledger.1": 1})
    for number in (2, 3, 4):
        await commit(1, f"row:{number}", f"lost {number}")
    await until(lambda: hub.tails["ledger.1"].position == 4)
    await restore(backup)
    for number in range(again):  # the same rows, with the same numbers
        await commit(1, f"row:{number + 2}", f"again {number}")
    await until(lambda: old_wire.closed)
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": 0})
    page = wire.taken("reply")[0]["data"]["pages"]["ledger.1"]
    assert [each["data"]["value"] for each in page["events"]] == list(ledger.state(1).values())


async def test_a_report_that_is_lost_is_proof(
    hub: Hub, connect: Connect, back_up: BackUp, counted: Callable[[], float]
) -> None:
    await hub.reporter.report()
    backup = await back_up()
    _, wire = await connect()
    await hub.reporter.report()
    await restore(backup)
    await check(hub)
    await until(lambda: wire.closed)
    await until(counted)


async def test_a_report_does_not_hide_that_the_one_before_is_lost(
    hub: Hub, connect: Connect, back_up: BackUp
) -> None:
    await hub.reporter.report()
    backup = await back_up()
    _, wire = await connect()
    await hub.reporter.report()
    await restore(backup)
    await hub.reporter.report()
    await until(lambda: wire.closed)
    await hub.reporter.report()
    assert await sync_to_async(Node.objects.filter(reports__gt=2).exists)()


async def test_new_epoch_drops_memory_and_is_no_error(
    hub: Hub, connect: Connect, commit: Commit, counted: Callable[[], float]
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    await commit(1, "row:1", "kept")
    await sync_to_async(call_command)("new_epoch")
    await check(hub)
    await until(lambda: wire.closed)
    assert hub.epoch == history.current.name == await sync_to_async(reads.epoch)()
    assert not hub.tails
    assert counted() == 0


async def test_a_restart_without_a_loss_changes_nothing(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    await commit(1, "row:1", "a")
    await commit(1, "row:2", "b")
    await until(lambda: hub.tails["ledger.1"].position == 2)
    known = hub._head_check._history._known
    known._instance = "before the restart"
    await check(hub)
    await until(lambda: known._instance != "before the restart")
    assert wire.closed is None
    await commit(1, "row:1", "c")
    await until(lambda: len(wire.taken("event")) > 0)


async def test_a_row_that_another_node_deleted_is_no_proof(
    hub: Hub, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.reporter.report()
    _, wire = await connect()
    hub.reporter._acknowledged_at -= 60
    await sync_to_async(Node.objects.all().delete)()
    await check(hub)
    await until(lambda: hub.reporter.reported.number == 0)
    await hub.reporter.report()
    assert wire.closed is None


async def test_in_doubt_nothing_is_answered_from_memory(
    hub: Hub, connect: Connect, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_registry, "TRUST_SECONDS", 0.05)
    socket, _ = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    hub.doubts += 1  # as if a check were under way
    hub.distrust()
    with pytest.raises(Unavailable):
        await hub.pull(socket, 2, "ledger.1", 0)
    with pytest.raises(Unavailable):
        await hub.subscribe(socket, 3, {"ledger.1": 0})
    await check(hub)
    await until(lambda: hub.doubts == 0)
    await hub.pull(socket, 4, "ledger.1", 0)


async def test_what_another_history_published_is_ignored(
    hub: Hub, connect: Connect, commit: Commit
) -> None:
    socket, wire = await connect()
    await hub.subscribe(socket, 1, {"ledger.1": None})
    wire.taken()
    message = {
        "type": "events",
        "node": "another",
        "stream": "ledger.1",
        "events": [[1, "row:1", b'{"seq":1,"kind":"row","data":{}}', None]],
    }
    hub._on_message({**message, "epoch": "e-lost"})
    assert hub.tails["ledger.1"].position == 0
    hub._on_message({**message, "epoch": hub.epoch})
    assert hub.tails["ledger.1"].position == 1


async def test_an_http_reader_is_reset(
    hub: Hub, connect: Connect, commit: Commit, back_up: BackUp
) -> None:
    await commit(1, "row:1", "kept")
    backup = await back_up()
    socket, _ = await connect()
    await commit(1, "row:2", "lost")
    async with hub.follow(socket.account, "ledger.1", 2, epoch=hub.epoch) as follower:
        waiting = asyncio.create_task(follower.next(20))
        await asyncio.sleep(0)
        await restore(backup)
        epoch = hub.epoch
        await check(hub)
        with pytest.raises(Reset) as reset:
            await waiting
    assert reset.value.data == {"head": 1}
    with pytest.raises(Reset):
        async with hub.follow(socket.account, "ledger.1", 1, epoch=epoch):
            pass


async def test_a_reader_that_knows_the_new_epoch_makes_the_node_notice(hub: Hub) -> None:
    await sync_to_async(call_command)("new_epoch")
    epoch = await sync_to_async(reads.epoch)()
    assert hub.epoch != epoch
    assert await hub.at_epoch(epoch) == epoch


@pytest.mark.postgresql
async def test_a_promoted_server_begins_an_epoch_once(transactional_db: None) -> None:
    def observed() -> tuple[str, str, int | None]:
        first, is_new = history.begin("node")
        assert not is_new
        assert first.system == first.server.system != ""
        assert first.timeline == first.server.timeline == 1
        Epoch.objects.update(timeline=7)  # made on another timeline
        second, is_new = history.begin("node")
        assert is_new
        assert (second.number, second.timeline) == (first.number + 1, 1)
        again, is_new = history.begin("node")
        assert not is_new
        return first.epoch, again.epoch, again.timeline

    before, after, _ = await sync_to_async(observed)()
    assert before != after


@pytest.mark.postgresql
def test_without_the_right_to_read_it_the_identifier_is_left_out(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE ordinary")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO ordinary")
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        try:
            cursor.execute("SET ROLE ordinary")
            server = history.observe().server
            assert (server.system, server.timeline) == ("", 1)
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
            cursor.execute("DROP OWNED BY ordinary")
            cursor.execute("DROP ROLE ordinary")
