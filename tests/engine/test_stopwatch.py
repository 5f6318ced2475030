"""An access that ends is timed until nobody has it any more. Alice is thrown out; Bob stays."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db.models.functions import Now
from django.utils import timezone

from realtime.auth import revocation_timing
from realtime.auth.revocation import end_sessions, personal_stream
from realtime.auth.revocation_timing import LATE_SECONDS, Measured, endings_of, measured
from realtime.engine.hub import Hub
from realtime.models import Confirmation, Ending, Node, Revocation
from realtime.protocol.codes import CloseCode
from tests.conftest import People
from tests.engine.conftest import Connect, until

FACTS = dict.fromkeys(
    (
        "connections",
        "waiting",
        "subscriptions",
        "behind",
        "streams",
        "delivered_rate",
        "command_rate",
        "handshake_rate",
    ),
    0,
)


def node(key: str, *, ago: float = 0) -> None:
    """A node that reported so many seconds ago."""
    Node.objects.create(
        key=key, name=key.partition("-")[0], degraded=False, draining=False, **FACTS
    )
    Node.objects.filter(key=key).update(seen_at=Now() - timedelta(seconds=ago))


def end(user_id: int, credential: str = "") -> None:
    end_sessions(user_id, code=CloseCode.BANNED, reason="banned", credential=credential)


async def result(user_id: int) -> Measured:
    (found,) = await sync_to_async(endings_of)(user_id, 10)
    return found


async def answered(hub: Hub) -> None:
    await until(lambda: not hub.stopwatch._waiting)
    await hub.stopwatch.stop()


async def test_all_sockets_of_somebody_are_timed_until_they_are_closed(
    hub: Hub, connect: Connect, people: People
) -> None:
    first, _ = await connect("alice")
    second, _ = await connect("alice", credential="session:2")
    other, _ = await connect("bob")
    await hub.reporter.report()
    await sync_to_async(end)(people.alice.pk)
    await until(lambda: first.closed and second.closed)
    await answered(hub)
    found = await result(people.alice.pk)
    assert (found.closed, found.missing) == (2, ())
    assert found.milliseconds is not None
    assert found.milliseconds < 5000
    assert not other.closed


async def test_a_node_without_a_socket_of_theirs_answers_too(
    hub: Hub, connect: Connect, people: People
) -> None:
    await hub.reporter.report()
    await sync_to_async(end)(people.alice.pk)
    await until(lambda: hub.stopwatch._task is not None)
    await answered(hub)
    found = await result(people.alice.pk)
    assert (found.closed, found.milliseconds, found.missing) == (0, None, ())


async def test_the_end_of_one_session_is_not_timed(
    hub: Hub, connect: Connect, people: People
) -> None:
    socket, _ = await connect("alice")
    await sync_to_async(end)(people.alice.pk, "session:1")
    await until(lambda: socket.closed)
    await answered(hub)
    assert await sync_to_async(endings_of)(people.alice.pk, 10) == []


async def test_what_no_broker_told_is_found_by_the_head_check(
    hub: Hub, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.reporter.report()
    monkeypatch.setattr(hub, "ending_from_thread", lambda stream, seq: None)
    await sync_to_async(end)(people.alice.pk)
    assert (await result(people.alice.pk)).missing == (hub.node,)
    await hub.stopwatch.find({})
    await answered(hub)
    assert (await result(people.alice.pk)).missing == ()


@pytest.mark.django_db
def test_a_node_that_does_not_answer_is_named(people: People) -> None:
    node("socket-1")
    node("web-1")
    node("gone-1", ago=3600)
    end(people.alice.pk)
    row = Ending.objects.get()
    revocation_timing._confirm("web-1", {(row.stream, row.seq): (1, 0.0)})
    (found,) = endings_of(people.alice.pk, 10)
    assert (found.missing, found.is_late, found.closed) == (("socket",), False, 1)
    Ending.objects.update(started_at=timezone.now() - timedelta(seconds=LATE_SECONDS + 1))
    assert measured([row.pk])[row.pk].is_late
    Node.objects.all().delete()
    assert measured([row.pk])[row.pk].missing == ("socket",)


@pytest.mark.django_db
def test_a_node_answers_once(people: People) -> None:
    end(people.alice.pk)
    row = Ending.objects.get()
    for closed in (2, 0):
        revocation_timing._confirm(
            "web-1", {(row.stream, row.seq): (closed, 0.0), ("nothing.7", 1): (1, 0.0)}
        )
    assert list(Confirmation.objects.values_list("node", "closed")) == [("web-1", 2)]


@pytest.mark.django_db
def test_what_is_too_old_to_matter_is_pruned_a_few_rows_at_a_time(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_timing, "PRUNED_TOGETHER", 2)
    for _ in range(4):
        end(people.alice.pk)
    old = timezone.now() - timedelta(days=400)
    Revocation.objects.filter(seq__lt=4).update(created_at=old)
    Ending.objects.filter(seq__lt=4).update(started_at=old)
    for left in (2, 1, 1):
        revocation_timing.prune(revocation_timing.stale(timedelta(days=15)))
        assert (Revocation.objects.count(), Ending.objects.count()) == (left, left)
    assert personal_stream(people.alice.pk) == Ending.objects.get().stream
