"""Marks every SQL statement with the request that caused it, and notes the slow ones.

PostgreSQL shows the comment in its log and in ``pg_stat_activity``; ``pg_stat_statements`` ignores
it. The form is sqlcommenter's (https://google.github.io/sqlcommenter/spec/), but in front of the
statement: ``pg_stat_activity`` cuts a long insert after 1,024 bytes.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from realtime.core.monitoring import request_ids, tracing

SLOW_SECONDS: Final = 1.0
MAX_SLOW: Final = 20  # slow statements that a process remembers

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class SlowStatement:
    """A statement that took more than ``SLOW_SECONDS``. ``ended_at``: wall clock."""

    text: str
    seconds: float
    ended_at: float
    requests: str


# psycopg puts the values into the text; the server may have cut it inside of one.
_STRING: Final = re.compile(r"'(?:[^']|'')*(?:'|$)")
_NUMBER: Final = re.compile(r"\b\d+(?:\.\d+)?\b")
_COMMENT: Final = re.compile(r"^/\*request_id='([A-Za-z0-9._~-]*)'\*/ ")
MAX_TEXT: Final = 300  # characters of a statement on the page of an operator

slow: Final[deque[SlowStatement]] = deque(maxlen=MAX_SLOW)


def without_values(sql: str) -> str:
    """Return the start of a statement with ``?`` for each value: values may be private texts."""
    text = _NUMBER.sub("?", _STRING.sub("?", _COMMENT.sub("", sql)))
    return " ".join(text.split())[:MAX_TEXT]


def requests_of(sql: str) -> str:
    """Return the ids in the comment of a statement, as ``request_ids.shown`` wrote them."""
    found = _COMMENT.match(sql)
    return found[1] if found else ""


def connect_signals() -> None:
    """Watch the statements of every connection that is opened from now on."""
    connection_created.connect(_watch, dispatch_uid="holdfast.statements")


def _watch(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    # With a pool, Django "creates" a connection each time it takes one.
    if _execute not in connection.execute_wrappers:
        connection.execute_wrappers.append(_execute)


def _execute(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    with watched(sql):
        return execute(_commented(sql, context["connection"]), params, many, context)


@contextmanager
def watched(sql: Any) -> Iterator[None]:
    """Trace a statement that runs in the block, and note it if it is slow."""
    started = time.perf_counter()
    try:
        with tracing.span("sql", **_described(sql)):
            yield
    finally:
        seconds = time.perf_counter() - started
        if seconds > SLOW_SECONDS:
            text = without_values(str(sql))
            slow.append(SlowStatement(text, seconds, time.time(), request_ids.shown()))


def _described(sql: Any) -> dict[str, str]:
    return {"db.query.text": without_values(str(sql))} if tracing.wanted() else {}


def _commented(sql: Any, connection: BaseDatabaseWrapper) -> Any:
    """Return ``sql`` with the ids of its requests.

    Not for SQLite, which has no log and would parse every statement anew instead of finding it in
    its cache. Not where statements are prepared, which is by their text.
    """
    ids = request_ids.shown()
    if (
        not ids
        or connection.vendor != "postgresql"
        or not isinstance(sql, str)
        or connection.settings_dict["OPTIONS"].get("prepare_threshold") is not None
    ):
        return sql
    return f"/*request_id='{ids}'*/ {sql}"
