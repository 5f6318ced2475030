"""The writer: group commit, order, and a bad item that fails alone."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest
from django.db import IntegrityError, OperationalError

from realtime.core import writer as writers
from realtime.core.writer import writer
from realtime.protocol.errors import Forbidden, HoldfastError, Unavailable


@pytest.fixture(autouse=True)
def ended_threads() -> Iterator[None]:
    yield
    writers.close_all()


class Service:
    """Doubles numbers; keeps what it was called with."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def many(self, numbers: Sequence[int]) -> list[int | HoldfastError]:
        self.gate.wait(5)
        self.batches.append(list(numbers))
        return [
            Forbidden("13 is not allowed") if number == 13 else 2 * number for number in numbers
        ]


async def test_what_arrives_during_a_commit_is_the_next_batch() -> None:
    service = Service()
    service.gate.clear()
    many = service.many  # a bound method is made anew at each access, and a batch is of one service
    first = asyncio.create_task(writer().batch(many, 1))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(writer().batch(many, number)) for number in range(2, 6)]
    await asyncio.sleep(0)
    service.gate.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8, 10]
    assert service.batches[-1] == [2, 3, 4, 5][-len(service.batches[-1]) :]
    assert len(service.batches) <= 2


async def test_a_bad_item_fails_alone() -> None:
    many = Service().many
    results = await asyncio.gather(
        *(writer().batch(many, number) for number in (1, 13, 2)), return_exceptions=True
    )
    assert results[0] == 2
    assert isinstance(results[1], Forbidden)
    assert results[2] == 4


async def test_a_batch_that_breaks_is_retried_one_by_one() -> None:
    def many(numbers: Sequence[int]) -> list[int | HoldfastError]:
        if 13 in numbers:
            raise IntegrityError("duplicate key")
        return list(numbers)

    results = await asyncio.gather(
        *(writer().batch(many, number) for number in (1, 13, 2)), return_exceptions=True
    )
    assert (results[0], results[2]) == (1, 2)
    assert isinstance(results[1], Unavailable)


async def test_a_database_that_is_away_is_said_to_everybody() -> None:
    def many(numbers: Sequence[int]) -> list[int | HoldfastError]:
        raise OperationalError("the server closed the connection")

    results = await asyncio.gather(
        *(writer().batch(many, number) for number in (1, 2)), return_exceptions=True
    )
    assert all(isinstance(result, Unavailable) and result.retry_after for result in results)


async def test_too_many_waiting_changes_are_refused(settings: pytest.FixtureRequest) -> None:
    settings.HOLDFAST_WRITER_QUEUE = 2  # type: ignore[attr-defined]
    service = Service()
    service.gate.clear()
    many = service.many
    tasks = [asyncio.create_task(writer().batch(many, number)) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await tasks[2]
    service.gate.set()
    assert await asyncio.gather(*tasks[:2]) == [0, 2]


async def test_a_single_change_gets_its_result_or_its_error() -> None:
    def double(number: int, *, allowed: bool) -> int:
        if not allowed:
            raise Forbidden("no")
        return 2 * number

    assert await writer().run(double, 4, allowed=True) == 8
    with pytest.raises(Forbidden):
        await writer().run(double, 4, allowed=False)
    await writer().idle()
