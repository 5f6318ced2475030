"""The id of the request that the running code works for: in replies, log lines and SQL comments.

A context variable holds it. asyncio copies it into tasks, asgiref into the threads of views, and
``in_context`` into the threads of the database. Code that serves several requests at once, as a
batch of the writer does, has the ids of all of them.
"""

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar, Token, copy_context
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.conf import settings

HEADER: Final = "X-Request-ID"
MAX_SHOWN: Final = 3  # ids of one batch in a log line or a comment; the others are counted
# Such an id is safe in a header, in a comment of SQL and in a log line without any escaping.
_VALID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

P = ParamSpec("P")
T = TypeVar("T")
Ids = tuple[str, ...]

_ids: Final[ContextVar[Ids]] = ContextVar("holdfast_request_ids", default=())


def current() -> Ids:
    """Return the ids of the requests that this code works for, in their order."""
    return _ids.get()


def serve(ids: Ids) -> Token[Ids]:
    """Work for the requests ``ids`` from now on, in this task or until ``done``."""
    return _ids.set(ids)


def done(token: Token[Ids]) -> None:
    """Work again for the requests of before ``serve``."""
    _ids.reset(token)


def shown() -> str:
    """Return the current ids as one word: ``5d1f``, ``5d1f~77ab~0c2e~17-more``, or an empty one.

    No character of it needs an escape in a URL, which is how comments of SQL are encoded.
    """
    ids = _ids.get()
    more = [f"{len(ids) - MAX_SHOWN}-more"] if len(ids) > MAX_SHOWN else []
    return "~".join([*ids[:MAX_SHOWN], *more])


def accepted(header: str) -> str:
    """Return the id in ``X-Request-ID`` of a proxy, or a new one if it is none.

    The server has dropped the header of every client that is no trusted proxy.
    """
    from_proxy = settings.HOLDFAST_TRUST_PROXY and _VALID.fullmatch(header)
    return header if from_proxy else secrets.token_hex(16)


def in_context(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
    """Return a function for another thread that works there for the current requests."""
    return partial(copy_context().run, partial(function, *args, **kwargs))
