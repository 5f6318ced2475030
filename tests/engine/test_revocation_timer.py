"""A node measures how long a revoked access lived on it. Alice loses access; Bob keeps it."""

import time
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from realtime.auth import revocation
from realtime.auth.revocation import end_sessions
from realtime.core import metrics
from realtime.engine.hub import Hub
from realtime.models import Revocation
from realtime.protocol.codes import CloseCode
from realtime.protocol.page import AccessEnd
from tests.conftest import People
from tests.engine.conftest import Commit, Connect, until


def timed() -> tuple[float, float]:
    """Return how many revocations were timed, and the sum of their seconds."""
    count, seconds = (
        metrics.registry.get_sample_value(f"holdfast_revocation_seconds_{name}")
        for name in ("count", "sum")
    )
    assert count is not None
    assert seconds is not None
    return count, seconds


def end(user_id: int, credential: str = "") -> None:
    end_sessions(user_id, code=CloseCode.BANNED, reason="banned", credential=credential)


async def test_a_revocation_is_timed_once_for_all_sockets_of_a_user(
    hub: Hub, connect: Connect, people: People
) -> None:
    first, _ = await connect("alice")
    second, _ = await connect("alice", credential="session:2")
    other, _ = await connect("bob")
    count, seconds = timed()
    await sync_to_async(end)(people.alice.pk)
    await until(lambda: first.closed and second.closed)
    assert timed()[0] == count + 1
    assert 0 <= timed()[1] - seconds < 5
    assert not other.closed


async def test_the_end_of_one_session_is_timed(hub: Hub, connect: Connect, people: People) -> None:
    socket, _ = await connect("alice")
    count, _ = timed()
    await sync_to_async(end)(people.alice.pk, "session:1")
    await until(lambda: socket.closed)
    assert timed()[0] == count + 1


async def test_a_node_without_a_connection_of_the_user_times_nothing(
    hub: Hub, connect: Connect, people: People
) -> None:
    socket, _ = await connect("alice")
    count, _ = timed()
    await sync_to_async(end)(people.alice.pk, "session:of another node")
    await until(lambda: hub.tails[f"inbox.{people.alice.pk}"].position == 1)
    assert timed()[0] == count
    assert not socket.closed


async def test_a_revocation_that_the_head_check_finds_is_timed_from_its_commit(
    hub: Hub, connect: Connect, commit_unheard: Commit, people: People
) -> None:
    socket, wire = await connect("alice")
    await hub.subscribe(socket, 1, {"ledger.1": None})
    count, seconds = timed()
    began = time.time()
    await commit_unheard(1, "row:1", "a", end=AccessEnd(people.alice.pk, None, None, "removed"))
    hub._head_check.check_now()
    await until(lambda: wire.taken("closed"))
    await hub._revocation_timer.stop()
    assert timed()[0] == count + 1
    assert 0 < timed()[1] - seconds <= time.time() - began + 0.01  # SQLite rounds to milliseconds


@pytest.mark.django_db
def test_revocations_that_no_longer_matter_are_pruned_a_few_rows_at_a_time(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "PRUNED_TOGETHER", 2)
    for _ in range(4):
        end(people.alice.pk)
    old = timezone.now() - timedelta(days=400)
    Revocation.objects.filter(seq__lt=4).update(created_at=old)
    for left in (2, 1, 1):
        revocation.prune(revocation.stale(timedelta(days=15)))
        assert Revocation.objects.count() == left
