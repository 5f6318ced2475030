"""One attempt of the writer at a batch: on its thread, with strict limits.

A batch that meets a lock is split, so that one locked row delays its own commands only, and the
locks that the batch holds are free again.
"""

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, NamedTuple

from realtime.core.database import Blocked, guarded
from realtime.core.lanes.batcher import Many
from realtime.core.limits import Limits, limited
from realtime.core.monitoring import request_ids
from realtime.core.outages import health
from realtime.protocol.errors import HoldfastError, Unavailable, failed

log = logging.getLogger("holdfast.writer")

# Of a split: a healthy part takes some milliseconds. The rest of the batch waits in the side lane.
SPLIT: Final = Limits(statement=0.2, lock=0.05)
SPLIT_SECONDS: Final = 0.5


class Placed(NamedTuple):
    """An item of a batch. Those of one place and author keep their order, and are never split.

    Items of one place meet the same locks: those of a stream, for example.
    """

    item: Any
    place: Hashable
    author: Hashable
    ids: request_ids.Ids = ()  # of the request that it is part of


class Stuck:
    """The result of an item that met a lock or took too long: nothing was changed."""


STUCK: Final = Stuck()


def each_alone(changes: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make changes that open a transaction each. ``settle`` calls them one by one."""
    return [_outcome(change, request_ids.current()) for change in changes]


def settle(many: Many[Any, Any], placed: Sequence[Placed], limits: Limits) -> list[Any]:
    """Return the result or the error of each item, or ``STUCK``."""
    with limited(limits):
        if many is each_alone:
            return _one_by_one(placed)
        results = _results(many, [each.item for each in placed])
    if results is not None:
        return results
    groups = _groups(placed)
    found: list[Any] = [STUCK] * len(placed)
    if len(groups) > 1:
        with limited(SPLIT):
            _split(many, placed, groups, found, time.monotonic() + SPLIT_SECONDS)
    return found


def _one_by_one(placed: Sequence[Placed]) -> list[Any]:
    """Make each change alone. After one that is stuck, those of its place are not tried."""
    blocked: set[Hashable] = set()
    deadline = time.monotonic() + SPLIT_SECONDS
    results: list[Any] = []
    for item, place, _, ids in placed:
        late = bool(blocked) and time.monotonic() > deadline
        result = STUCK if place in blocked or late else _outcome(item, ids)
        if isinstance(result, Blocked):
            blocked.add(place)
            result = STUCK
        results.append(result)
    return results


def _split(
    many: Many[Any, Any],
    placed: Sequence[Placed],
    groups: list[list[int]],
    found: list[Any],
    deadline: float,
) -> None:
    """Try each half of ``groups``, and again the halves of a half that is stuck."""
    middle = len(groups) // 2
    for half in (groups[:middle], groups[middle:]):
        if time.monotonic() > deadline:
            return
        places = [place for group in half for place in group]
        results = _results(many, [placed[place].item for place in places])
        if results is not None:
            for place, result in zip(places, results, strict=True):
                found[place] = result
        elif len(half) > 1:
            _split(many, placed, half, found, deadline)


def _groups(placed: Sequence[Placed]) -> list[list[int]]:
    """Return the positions of the items by author, with the authors of a place side by side."""
    places: dict[Hashable, dict[Hashable, list[int]]] = {}
    for position, (_, place, author, _) in enumerate(placed):
        places.setdefault(place, {}).setdefault(author, []).append(position)
    return [group for authors in places.values() for group in authors.values()]


def _results(many: Many[Any, Any], items: Sequence[Any]) -> list[Any] | None:
    """Run a batch. Returns None if it is stuck.

    A batch that fails as a whole is retried item by item, so that a bad item fails alone.
    """
    try:
        return list(guarded(many, items))
    except Blocked:
        return None
    except Unavailable as error:
        _note(error)
        return [error] * len(items)
    except Exception:
        if len(items) > 1:
            log.warning(
                "batch failed, retrying one by one", exc_info=True, extra={"size": len(items)}
            )
            return [result for item in items for result in _results(many, [item]) or [STUCK]]
        log.exception("change failed")
        return [failed()]


def _outcome(change: Callable[[], Any], ids: request_ids.Ids) -> Any:
    token = request_ids.serve(ids)
    try:
        return guarded(change)
    except HoldfastError as error:
        _note(error)
        return error
    except Exception:
        log.exception("change failed")
        return failed()
    finally:
        request_ids.done(token)


def _note(error: HoldfastError) -> None:
    if error.__cause__ is not None:
        health.write_failed(error.__cause__)
