"""Pre-publish hooks: other apps check a message before anyone can see it (docs/extending.md).

Hooks run before the message goes to the writer, while no lock is held and no thread of the writer
waits. A slow hook delays only the author, whose messages keep their order. Each hook has a time
limit, and decides whether a message is accepted or refused if the hook fails.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, cast
from weakref import WeakValueDictionary

from django.conf import settings
from django.db import connections

from chat.errors import Rejected
from realtime.core import metrics
from realtime.protocol.errors import HoldfastError, Unavailable

log = logging.getLogger("holdfast.hooks")

SECONDS: Final = 0.5  # the default limit of one hook for one message
# Calls that run in a thread or wait for one. Further calls fail at once, like a timeout.
MAX_WAITING: Final = 200
RETRY_SECONDS: Final = 2.0
MAX_WORDS: Final = 200  # characters of a rejection, shown to the author


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be posted, or the new text of the message ``message_id``.

    The author's permissions are checked later.
    """

    author_id: int
    room_id: int
    body: str
    reply_to: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """Post the message and report it to the moderators; direct messages are never reported."""

    note: str


@dataclass(frozen=True, slots=True)
class Change:
    """Post this text instead."""

    body: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the message, and show these words to the author."""

    words: str


Verdict = Flag | Change | Reject | None
"""None accepts the message."""

Check = Callable[[Draft], Verdict] | Callable[[Draft], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Hook:
    name: str
    check: Check
    seconds: float
    on_failure: Literal["open", "closed"]


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of all hooks."""

    body: str
    flags: tuple[str, ...] = ()
    refusal: HoldfastError | None = None


_hooks: list[Hook] = []


def register_hook(
    name: str,
    check: Check,
    *,
    seconds: float = SECONDS,
    on_failure: Literal["open", "closed"] = "open",
) -> Hook:
    """Let ``check`` check every message. Call this from ``AppConfig.ready``.

    A plain function runs on a thread, a coroutine function on the event loop, which it must not
    block. If it raises or takes longer than ``seconds``, the message is accepted (``open``), or
    refused until a later attempt succeeds (``closed``).
    """
    hook = Hook(name, check, seconds, on_failure)
    _hooks[:] = [each for each in _hooks if each.name != name] + [hook]
    return hook


def has_hooks() -> bool:
    return bool(_hooks)


async def checked(draft: Draft) -> Checked:
    """Run all hooks in the order of registration; each sees the changes of the one before.

    An author's messages are checked one after the other, so that they keep their order.
    """
    if not _hooks:
        return Checked(draft.body)
    async with _turn_of(draft.author_id):
        return await _run_all(draft)


async def _run_all(draft: Draft) -> Checked:
    flags: list[str] = []
    for hook in tuple(_hooks):
        verdict = await _run(hook, draft)
        match verdict:
            case Flag(note):
                flags.append(f"{hook.name}: {note}")
            case Change(body):
                draft = replace(draft, body=body)
            case Reject(words):
                return Checked(draft.body, (), Rejected(words[:MAX_WORDS]))
            case Unavailable():
                return Checked(draft.body, (), verdict)
    return Checked(draft.body, tuple(flags))


async def _run(hook: Hook, draft: Draft) -> Verdict | Unavailable:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(hook.seconds):
            verdict = await _call(hook, draft)
        result = type(verdict).__name__.lower() if verdict is not None else "accept"
    except TimeoutError:
        verdict, result = None, "timeout"
        log.warning("hook took too long", extra={"hook": hook.name, "user": draft.author_id})
    except Exception:
        verdict, result = None, "failed"
        log.exception("hook failed", extra={"hook": hook.name, "user": draft.author_id})
    metrics.hooks.labels(hook.name, result).inc()
    metrics.hook_seconds.labels(hook.name).observe(time.perf_counter() - started)
    if result in ("timeout", "failed") and hook.on_failure == "closed":
        return Unavailable(
            "Your message could not be checked. It will be sent again automatically.",
            retry_after=RETRY_SECONDS,
        )
    return verdict


async def _call(hook: Hook, draft: Draft) -> Verdict:
    if inspect.iscoroutinefunction(hook.check):
        return cast(Verdict, await hook.check(draft))
    return await _threads.run(cast(Callable[[Draft], Verdict], hook.check), draft)


class _Threads:
    """The threads that run plain functions, at most ``HOLDFAST_HOOK_THREADS``."""

    def __init__(self) -> None:
        self._waiting = 0  # calls that run in a thread or wait for one

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(settings.HOLDFAST_HOOK_THREADS, thread_name_prefix="hook")

    async def run(self, check: Callable[[Draft], Verdict], draft: Draft) -> Verdict:
        if self._waiting >= MAX_WAITING:
            raise TimeoutError
        self._waiting += 1
        call = asyncio.get_running_loop().run_in_executor(self._pool, _on_thread, check, draft)
        call.add_done_callback(self._count_down)
        return await call

    def _count_down(self, _call: object) -> None:
        self._waiting -= 1


def _on_thread(check: Callable[[Draft], Verdict], draft: Draft) -> Verdict:
    try:
        return check(draft)
    finally:
        # Return connections to the pool: the next message may be hours away.
        connections.close_all()


_threads: Final = _Threads()
_turns: "WeakValueDictionary[int, asyncio.Lock]" = WeakValueDictionary()


def _turn_of(author_id: int) -> asyncio.Lock:
    turn = _turns.get(author_id)
    if turn is None:
        turn = _turns[author_id] = asyncio.Lock()
    return turn
