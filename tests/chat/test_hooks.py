"""Hooks before a post: their results, their failures, and that a slow one delays nobody else."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from chat.errors import Rejected
from chat.models import Message, Report, Room
from chat.text import hooks
from chat.text.hooks import Change, Draft, Flag, Reject, Verdict, register_hook
from realtime.core import metrics
from realtime.protocol.errors import Unavailable
from tests.chat.test_commands import Run, hub, run
from tests.extending import politeness

__all__ = ["hub", "run"]

pytestmark = pytest.mark.django_db(transaction=True)

DOCS = Path(__file__).resolve().parents[2] / "docs" / "extending.md"


@pytest.fixture(autouse=True)
def no_hooks() -> Iterator[None]:
    hooks._hooks.clear()
    yield
    hooks._hooks.clear()


def post(run: Run, user: User, room: Room, body: str, **more: Any) -> Any:
    return run(user, "message.post", room=room.pk, key=str(uuid4()), body=body, **more)


def counted(name: str, result: str) -> float:
    labels = {"hook": name, "result": result}
    return metrics.registry.get_sample_value("holdfast_hooks_total", labels) or 0


async def test_the_example_of_the_page_works(run: Run, general: Room, alice: User) -> None:
    politeness.register()
    politeness.register()
    assert len(hooks._hooks) == 1
    with pytest.raises(Rejected, match="casinos"):
        await post(run, alice, general, "The best CASINO in town")
    quiet = await post(run, alice, general, "WHY DOES NOBODY LISTEN TO ME")
    assert quiet["message"]["body"] == "Why does nobody listen to me"
    flagged = await post(run, alice, general, "write to me@mail.example")
    report = await Report.objects.aget()
    assert report.message_id == flagged["message"]["id"]
    assert report.note.endswith("politeness: an address")
    assert (await post(run, alice, general, "Hello"))["message"]["body"] == "Hello"
    assert await Message.objects.acount() == 3
    assert counted("politeness", "reject") >= 1


def test_the_page_shows_the_file() -> None:
    assert Path(politeness.__file__).read_text() in DOCS.read_text()


async def test_edits_are_looked_at_too(run: Run, general: Room, alice: User) -> None:
    seen: list[Draft] = []

    def look(draft: Draft) -> Verdict:
        seen.append(draft)
        return Reject("no") if "bad" in draft.body else Change(draft.body + "!")

    message = (await post(run, alice, general, "Hello"))["message"]["id"]
    register_hook("exclaim", look)
    edited = await run(alice, "message.edit", message=message, body="Bye")
    assert edited["message"]["body"] == "Bye!"
    with pytest.raises(Rejected):
        await run(alice, "message.edit", message=message, body="bad")
    assert seen[0] == Draft(alice.pk, general.pk, "Bye", message_id=message)


async def test_each_hook_sees_what_the_one_before_has_changed(
    run: Run, general: Room, alice: User
) -> None:
    async def second(draft: Draft) -> Verdict:
        return Change(draft.body + "2")

    register_hook("first", lambda draft: Change(draft.body + "1"))
    register_hook("second", second)
    assert (await post(run, alice, general, "x"))["message"]["body"] == "x12"
    hooks._hooks[:] = [hook for hook in hooks._hooks if hook.name != "first"]
    assert (await post(run, alice, general, "x"))["message"]["body"] == "x2"


@pytest.mark.parametrize("result", ["failed", "timeout"])
async def test_a_failing_hook_follows_its_failure_policy(
    run: Run, general: Room, alice: User, result: str
) -> None:
    async def breaks(draft: Draft) -> Verdict:
        if result == "timeout":
            await asyncio.sleep(60)
        raise RuntimeError

    register_hook("open", breaks, seconds=0.01)
    assert (await post(run, alice, general, "x"))["message"]["body"] == "x"
    register_hook("closed", breaks, seconds=0.01, on_failure="closed")
    with pytest.raises(Unavailable) as error:
        await post(run, alice, general, "y")
    assert error.value.retry_after
    assert counted("closed", result) >= 1
    hooks._hooks.clear()


async def test_a_post_that_is_there_is_answered_whatever_a_hook_says_now(
    run: Run, general: Room, alice: User
) -> None:
    key = str(uuid4())
    first = await run(alice, "message.post", room=general.pk, key=key, body="Hello")
    register_hook("never", lambda draft: Reject("no"))
    again = await run(alice, "message.post", room=general.pk, key=key, body="Hello")
    assert again == first | {"duplicate": True}


async def test_a_hook_that_checks_one_author_delays_no_other(
    run: Run, general: Room, alice: User, bob: User
) -> None:
    released = threading.Event()

    def slow(draft: Draft) -> Verdict:
        if draft.author_id == alice.pk:
            released.wait(20)
        return None

    register_hook("slow", slow, seconds=20)
    waiting = asyncio.ensure_future(post(run, alice, general, "slow"))
    bobs = await asyncio.wait_for(post(run, bob, general, "fast"), 10)
    assert bobs["message"]["number"] == 1
    released.set()
    assert (await waiting)["message"]["number"] == 2


async def test_messages_of_one_author_keep_their_order(
    run: Run, general: Room, alice: User
) -> None:
    async def slower_at_first(draft: Draft) -> Verdict:
        await asyncio.sleep(0.05 if draft.body == "0" else 0)
        return None

    register_hook("uneven", slower_at_first)
    replies = await asyncio.gather(
        *(post(run, alice, general, str(number)) for number in range(10))
    )
    assert [reply["message"]["number"] for reply in replies] == list(range(1, 11))


async def test_threads_that_hang_hold_up_no_more_than_their_limit(
    run: Run, general: Room, alice: User, bob: User
) -> None:
    released = threading.Event()

    def hangs(draft: Draft) -> Verdict:
        released.wait(30)
        return None

    register_hook("hangs", hangs, seconds=0.05)
    started = time.perf_counter()
    for number in range(8):  # twice as many as there are threads
        await post(run, alice, general, f"{number}")
    assert time.perf_counter() - started < 10
    released.set()


async def test_without_hooks_nobody_takes_turns(run: Run, general: Room, alice: User) -> None:
    await post(run, alice, general, "x")
    assert len(hooks._turns) == 0


async def test_nothing_is_flagged_between_two(run: Run, direct: Room, alice: User) -> None:
    register_hook("all", lambda draft: Flag("look"))
    await post(run, alice, direct, "between us")
    assert await Report.objects.acount() == 0
