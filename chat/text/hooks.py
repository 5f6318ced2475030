"""Pre-publish hooks: what other apps have to say about a message before anybody sees it (docs/extending.md).

They run before the message goes to the writer, so no lock is held and no thread of ours waits: a slow hook holds up the author, in whose
order messages stay, and nobody else. Each has a time limit, and says what holds when it fails.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Literal, cast
from weakref import WeakValueDictionary

from django.conf import settings
from django.db import connections

from chat.errors import Rejected
from realtime.core import metrics
from realtime.protocol.errors import HoldfastError, Unavailable

log = logging.getLogger("holdfast.hooks")

SECONDS: Final = 0.5  # of one hook for one message, where it does not say otherwise
# Calls that wait for a thread; more fail at once, as if their time were over.
MAX_WAITING: Final = 200
RETRY_SECONDS: Final = 2.0
MAX_WORDS: Final = 200  # characters of what an author is told


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that somebody wants to post, or to give a message of theirs (``message_id``). Whether they may is not looked at yet."""

    author_id: int
    room_id: int
    body: str
    reply_to: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """Post it, and let a moderator look. Nothing is flagged in direct conversations."""

    note: str


@dataclass(frozen=True, slots=True)
class Change:
    """Post this instead."""

    body: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not post it; the author reads these words."""

    words: str


Verdict = Flag | Change | Reject | None
"""None accepts."""

Check = Callable[[Draft], Verdict] | Callable[[Draft], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Hook:
    """A check with its limits."""

    name: str
    check: Check
    seconds: float
    on_failure: Literal["open", "closed"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the hooks made of a draft."""

    body: str
    flags: tuple[str, ...] = ()
    refusal: HoldfastError | None = None


_hooks: list[Hook] = []
_threads: ThreadPoolExecutor | None = None
_waiting = 0  # calls that are in a thread or wait for one


def register_hook(
    name: str,
    check: Check,
    *,
    seconds: float = SECONDS,
    on_failure: Literal["open", "closed"] = "open",
) -> Hook:
    """Have ``check`` look at every message; called from ``AppConfig.ready``.

    A plain function runs on a thread, a coroutine function on the event loop, where it must not block. One that takes longer than
    ``seconds`` or raises has failed: then the message is accepted (``open``), or its author is told to try again (``closed``).
    """
    hook = Hook(name, check, seconds, on_failure)
    _hooks[:] = [each for each in _hooks if each.name != name] + [hook]
    return hook


def unregister_hook(name: str) -> None:
    """Forget a hook."""
    _hooks[:] = [each for each in _hooks if each.name != name]


def are_there() -> bool:
    """Tell whether any hook is registered."""
    return bool(_hooks)


async def checked(draft: Draft) -> Checked:
    """Ask all hooks, in the order in which they were registered; each sees what the one before has changed.

    Where there is none this costs nothing. Messages of one author go through one after the other, so that they keep their order.
    """
    if not _hooks:
        return Checked(draft.body)
    async with _turn_of(draft.author_id):
        return await _ask_all(draft)


async def _ask_all(draft: Draft) -> Checked:
    flags: list[str] = []
    for hook in tuple(_hooks):
        verdict = await _ask(hook, draft)
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


async def _ask(hook: Hook, draft: Draft) -> Verdict | Unavailable:
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
            "Your message could not be checked just now; it is tried again.",
            retry_after=RETRY_SECONDS,
        )
    return verdict


async def _call(hook: Hook, draft: Draft) -> Verdict:
    if inspect.iscoroutinefunction(hook.check):
        return cast(Verdict, await hook.check(draft))
    global _waiting
    if _waiting >= MAX_WAITING:
        raise TimeoutError
    _waiting += 1
    asked = asyncio.get_running_loop().run_in_executor(
        _pool(), _on_thread, cast(Callable[[Draft], Verdict], hook.check), draft
    )
    asked.add_done_callback(_no_longer_waits)
    return await asked


def _on_thread(check: Callable[[Draft], Verdict], draft: Draft) -> Verdict:
    try:
        return check(draft)
    finally:
        connections.close_all()  # back to the pool: the next message may be hours away


def _no_longer_waits(_asked: object) -> None:
    global _waiting
    _waiting -= 1


def _pool() -> ThreadPoolExecutor:
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(settings.HOLDFAST_HOOK_THREADS, thread_name_prefix="hook")
    return _threads


_turns: "WeakValueDictionary[int, asyncio.Lock]" = WeakValueDictionary()


def _turn_of(author_id: int) -> asyncio.Lock:
    turn = _turns.get(author_id)
    if turn is None:
        turn = _turns[author_id] = asyncio.Lock()
    return turn
