"""Texts on their way to the writer: refused before they are rendered, rendered off its thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from chat import services
from chat.api import submitting
from chat.api.handlers import commands
from chat.models import Membership, Message, Room, SiteMute, Trace
from chat.services import traces
from chat.text import markdown, search_words
from chat.text.rate_limit import post_rate_limit
from realtime.protocol.errors import HoldfastError, RateLimited
from tests.chat.conftest import BlockWord, Say
from tests.chat.test_commands import Run, hub, run

__all__ = ["hub", "run"]

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "<http://a" * 20


@pytest.fixture
def renderings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The threads that have rendered a text, one name for each."""
    threads: list[str] = []
    render = markdown.render

    def noted(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread().name)
        return render(*args, **kwargs)

    monkeypatch.setattr(markdown, "render", noted)
    post_rate_limit._authors.clear()
    yield threads
    post_rate_limit._authors.clear()


def posting(run: Run, user: User, room: Room, body: str, key: str | None = None) -> Any:
    return run(user, "message.post", room=room.pk, key=key or str(uuid4()), body=body)


async def codes(*posts: Any) -> list[str]:
    answers = await asyncio.gather(*posts, return_exceptions=True)
    return [answer.code if isinstance(answer, HoldfastError) else "ok" for answer in answers]


@pytest.mark.parametrize("case", ["outsider", "stranger", "muted", "site mute", "read-only"])
async def test_a_post_without_the_right_is_refused_before_it_is_rendered(
    case: str,
    run: Run,
    general: Room,
    secret: Room,
    bob: User,
    charlie: User,
    renderings: list[str],
) -> None:
    author, room, until = bob, general, timezone.now() + timedelta(hours=1)
    match case:
        case "outsider":
            author, room = charlie, secret
        case "stranger":
            author = charlie
        case "muted":
            await Membership.objects.filter(user=bob).aupdate(muted_until=until)
        case "site mute":
            await SiteMute.objects.acreate(user=bob, created_by=charlie, seq=1, until=until)
        case "read-only":
            await Room.objects.filter(pk=general.pk).aupdate(read_only=True)
    found = await codes(*(posting(run, author, room, f"{HOSTILE} {n}") for n in range(10)))
    assert "ok" not in found
    assert renderings == []


async def test_slow_mode_lets_one_post_of_a_moment_be_rendered(
    run: Run, general: Room, bob: User, renderings: list[str]
) -> None:
    await Room.objects.filter(pk=general.pk).aupdate(slow_mode=60)
    found = await codes(*(posting(run, bob, general, f"{HOSTILE} {n}") for n in range(10)))
    assert sorted(found) == ["ok"] + ["slow_mode"] * 9
    assert len(renderings) == 1


async def test_a_refused_post_does_not_use_up_slow_mode(
    run: Run, general: Room, bob: User, block_word: BlockWord
) -> None:
    await asyncio.to_thread(block_word, "blub")
    await Room.objects.filter(pk=general.pk).aupdate(slow_mode=60)
    assert await codes(posting(run, bob, general, "**blub**")) == ["blocked_word"]
    assert await codes(posting(run, bob, general, "**fine**")) == ["ok"]


async def test_the_rate_limit_counts_before_rendering(
    run: Run, settings: Any, general: Room, bob: User, renderings: list[str]
) -> None:
    settings.HOLDFAST_POSTS = 3
    found = await codes(*(posting(run, bob, general, f"{HOSTILE} {n}") for n in range(10)))
    assert sorted(found) == ["ok"] * 3 + ["rate_limited"] * 7
    assert len(renderings) == 3


async def test_a_repeated_post_is_rendered_once(
    run: Run, general: Room, bob: User, renderings: list[str]
) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(posting(run, bob, general, "**x**", key) for _ in range(10)))
    assert [answer["duplicate"] for answer in answers] == [False] + [True] * 9
    await posting(run, bob, general, "**x**", key)
    assert len(renderings) == 1


async def test_texts_are_rendered_on_threads_of_their_own(
    run: Run, general: Room, bob: User, renderings: list[str]
) -> None:
    posted = await posting(run, bob, general, "**bold**")
    await run(bob, "message.edit", message=posted["message"]["id"], body="*thin*")
    assert [name.split("_")[0] for name in renderings] == ["render", "render"]


@pytest.mark.parametrize("body", ["<http://a" * 440, "50% " * 900, "東京都" * 900, "**Hello** you"])
async def test_words_for_the_search_are_found_there_and_not_by_the_writer(
    run: Run, general: Room, bob: User, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """A long text takes milliseconds, in which the posts of others would wait."""
    threads: list[str] = []
    tokens = search_words.tokens

    def noted(text: str) -> Any:
        threads.append(threading.current_thread().name)
        return tokens(text)

    monkeypatch.setattr(search_words, "tokens", noted)
    search_words.stored_words.cache_clear()
    await posting(run, bob, general, body)
    assert threads
    assert all(name.startswith("render") for name in threads)


async def test_filters_look_at_a_text_on_these_threads_as_well(
    run: Run, general: Room, bob: User, block_word: BlockWord, renderings: list[str]
) -> None:
    await asyncio.to_thread(block_word, "blub")
    await posting(run, bob, general, "hello")  # this process learns of the filter
    renderings.clear()
    assert await codes(posting(run, bob, general, "blub"), posting(run, bob, general, "fine")) == [
        "blocked_word",
        "ok",
    ]
    assert {name.split("_")[0] for name in renderings} == {"render"}


async def test_an_author_s_posts_keep_their_order(run: Run, general: Room, bob: User) -> None:
    bodies = [f"**{n}** " + "`x` " * 300 if n % 2 else f"plain {n}" for n in range(30)]
    answers = await asyncio.gather(*(posting(run, bob, general, body) for body in bodies))
    assert [answer["message"]["number"] for answer in answers] == list(range(1, 31))
    assert not submitting._lines.get()._last
    assert not submitting._lines.get()._keys


async def test_a_filter_that_is_switched_on_meanwhile_applies(
    run: Run,
    general: Room,
    bob: User,
    block_word: BlockWord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A moderator switches a filter on while a text waits for the writer, rendered already."""
    rendered = submitting._rendered

    async def and_a_moderator_acts(*args: Any) -> Any:
        text = await rendered(*args)
        await asyncio.to_thread(block_word, "blub")
        return text

    monkeypatch.setattr(submitting, "_rendered", and_a_moderator_acts)
    assert await codes(posting(run, bob, general, "**blub**")) == ["blocked_word"]
    assert await Message.objects.acount() == 0


async def test_reports_are_limited_by_the_hour(
    run: Run, settings: Any, general: Room, alice: User, bob: User
) -> None:
    settings.HOLDFAST_REPORTS = 2
    await asyncio.to_thread(cache.clear)
    messages = [(await posting(run, alice, general, f"no. {n}"))["message"]["id"] for n in range(3)]
    found = await codes(
        *(run(bob, "message.report", message=each, category="spam") for each in messages)
    )
    assert sorted(found) == ["ok", "ok", "rate_limited"]


async def test_a_long_text_with_markup_takes_more_tokens() -> None:
    def cost(body: object) -> int:
        return commands.cost({"command": "message.post", "body": body}, 100)

    assert [cost(body) for body in ("hi", "x" * 4000, "**x** " * 600, "*" * 9999, 7)] == [
        1,
        1,
        8,
        20,
        1,
    ]


# -- edits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("hello, @alice", True),
        ("hello https://elsewhere.example/", True),
        ("[hello](https://elsewhere.example/)", True),
        ("hello, **all**", False),
        ("hello, @nobody", False),
    ],
)
def test_an_edit_that_reaches_further_obeys_slow_mode(
    general: Room, bob: User, say: Say, body: str, counts: bool
) -> None:
    message = say(bob, general, "hello")
    Room.objects.filter(pk=general.pk).update(slow_mode=3600)
    Membership.objects.filter(user=bob).update(last_posted_at=timezone.now())
    expected = pytest.raises(HoldfastError, match="Slow mode") if counts else nullcontext()
    with expected:
        services.edit_message(actor_id=bob.pk, message_id=message.pk, body=body)


def test_such_an_edit_begins_slow_mode(general: Room, bob: User, say: Say) -> None:
    message = say(bob, general, "hello")
    Room.objects.filter(pk=general.pk).update(slow_mode=3600)
    services.edit_message(actor_id=bob.pk, message_id=message.pk, body="hello @alice")
    with pytest.raises(HoldfastError, match="Slow mode"):
        say(bob, general, "again")
    services.edit_message(actor_id=bob.pk, message_id=message.pk, body="hello again, @alice")


def test_such_edits_count_as_posts(settings: Any, general: Room, bob: User, say: Say) -> None:
    settings.HOLDFAST_POSTS = 3
    post_rate_limit._authors.clear()
    message = say(bob, general, "hello")
    for number in range(2):
        body = f"https://{number}.example/"
        services.edit_message(actor_id=bob.pk, message_id=message.pk, body=body)
    with pytest.raises(RateLimited):
        services.edit_message(actor_id=bob.pk, message_id=message.pk, body="https://last.example/")
    services.edit_message(actor_id=bob.pk, message_id=message.pk, body="words only")
    post_rate_limit._authors.clear()


def test_owners_edit_freely(general: Room, alice: User, say: Say) -> None:
    message = say(alice, general, "hello")
    Room.objects.filter(pk=general.pk).update(slow_mode=3600)
    for number in range(3):
        services.edit_message(actor_id=alice.pk, message_id=message.pk, body=f"@bob {number}")


async def test_a_newcomers_public_post_leaves_a_trace_after_its_answer(
    run: Run, general: Room, secret: Room, alice: User, bob: User
) -> None:
    text = "Get rich with my new coin today"
    await User.objects.filter(pk=alice.pk).aupdate(date_joined=timezone.now() - timedelta(days=99))
    for author, room in ((bob, secret), (alice, general), (bob, general)):
        await posting(run, author, room, text)
    await asyncio.gather(*traces._writing)
    assert [row.user_id async for row in Trace.objects.filter(kind="text")] == [bob.pk]
    assert await Trace.objects.acount() == 1
