"""Rate limits of posts, permission to post links, and that checking costs no query."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat import services
from chat.errors import LinksNotAllowed
from chat.models import Room
from chat.services import Post, Posted
from chat.text.rate_limit import MAX_AUTHORS, PostRateLimit, post_rate_limit
from realtime.protocol.errors import RateLimited
from realtime.settings import env
from tests.chat.conftest import Say

LINK = "see https://elsewhere.example/"


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.HOLDFAST_REPEATS, settings.HOLDFAST_REPEAT_SECONDS = 3, 60
    settings.HOLDFAST_POSTS, settings.HOLDFAST_POST_MENTIONS, settings.HOLDFAST_POST_SECONDS = (
        10,
        4,
        60,
    )
    post_rate_limit._authors.clear()


def refused(
    found: PostRateLimit, body: str, now: float, *, mentions: int = 0, author: int = 1
) -> float | None:
    key = uuid4()
    try:
        found.check(author, key, body, now)
        found.check_mentions(author, key, mentions, now)
    except RateLimited as error:
        return error.retry_after
    return None


def test_the_same_text_counts_in_whatever_rooms_case_and_spaces(
    general: Room, secret: Room, bob: User, say: Say
) -> None:
    for room, body in ((general, "Buy  now"), (secret, "buy NOW"), (general, "buy now")):
        say(bob, room, body)
    with pytest.raises(RateLimited) as error:
        say(bob, secret, "buy now ")
    assert 0 < (error.value.retry_after or 0) <= 60
    say(bob, secret, "something else")


def test_it_counts_within_one_batch_as_well(general: Room, bob: User) -> None:
    answers = services.post_messages(
        [Post(author_id=bob.pk, room_id=general.pk, key=uuid4(), body="same") for _ in range(5)]
    )
    assert [type(answer) for answer in answers] == [Posted] * 3 + [RateLimited] * 2


def test_a_message_that_comes_again_under_its_key_counts_once(
    general: Room, bob: User, say: Say
) -> None:
    key = uuid4()
    for _ in range(5):
        say(bob, general, "once", key=key)
    say(bob, general, "once")
    found = PostRateLimit()
    for _ in range(20):
        found.check(1, key, "its transaction failed", 0.0)
        found.check_mentions(1, key, 4, 0.0)


def test_time_lets_people_post_again() -> None:
    found = PostRateLimit()
    assert [refused(found, "x", now) for now in (0.0, 10.0, 20.0)] == [None] * 3
    assert refused(found, "x", 30.0) == 30.0
    assert refused(found, "x", 60.0) is None
    assert refused(found, "x", 61.0) == 9.0


def test_many_messages_and_many_mentions_wait() -> None:
    found = PostRateLimit()
    assert [refused(found, f"text {number}", 0.0) for number in range(10)] == [None] * 10
    # A tenth of the next minute later, one of the ten is over.
    assert refused(found, "one more", 15.0) == pytest.approx(45.0 + 6.0)
    assert refused(found, "one more", 60.0) == pytest.approx(6.0)
    assert refused(found, "one more", 66.0) is None
    assert [refused(PostRateLimit(), "x", 0.0, mentions=count) for count in (4, 5)] == [None, 60.0]
    found = PostRateLimit()
    assert [refused(found, "x", 59.0, mentions=4), refused(found, "y", 60.0, mentions=1)] == [
        None,
        pytest.approx(59.0 + 15.0),
    ]


def test_other_authors_are_not_affected_and_memory_is_bounded(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    for _ in range(4):
        say(alice, general, "an owner may")
    found = PostRateLimit()
    for author in range(MAX_AUTHORS + 10):
        assert refused(found, "x", 0.0, author=author) is None
    assert len(found._authors) == MAX_AUTHORS


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        # An outbox, as much as a socket takes at once.
        ([f"what was written offline, {number}" for number in range(200)], 0.0),
        (["+1"] * 15, 40.0),
        # A bot with a token, nine a second.
        ([f"build {number} passed" for number in range(550)], 60.0),
        (["It is noon."] * 20, 1.0),  # the same, into its rooms
    ],
    ids=["outbox", "lively", "bot", "news"],
)
def test_what_people_and_bots_do_is_below_the_limits_of_a_new_site(
    settings: Any, texts: list[str], seconds: float
) -> None:
    for name in (
        "HOLDFAST_POSTS",
        "HOLDFAST_POST_SECONDS",
        "HOLDFAST_REPEATS",
        "HOLDFAST_REPEAT_SECONDS",
    ):
        setattr(settings, name, env.asked[name])
    found = PostRateLimit()
    assert [
        refused(found, text, seconds * number / len(texts)) for number, text in enumerate(texts)
    ] == [None] * len(texts)


def test_no_limit_is_no_limit(settings: Any) -> None:
    settings.HOLDFAST_REPEATS = settings.HOLDFAST_POSTS = settings.HOLDFAST_POST_MENTIONS = 0
    found = PostRateLimit()
    assert [refused(found, "x", 0.0, mentions=50) for _ in range(100)] == [None] * 100


def test_new_accounts_cannot_post_links(
    settings: Any, general: Room, alice: User, bob: User, say: Say
) -> None:
    settings.HOLDFAST_REPEATS = 0
    say(bob, general, LINK)
    settings.HOLDFAST_LINKS, settings.HOLDFAST_LINKS_AFTER_DAYS = "known", 3
    for body in (LINK, "[click](https://elsewhere.example/)"):
        with pytest.raises(LinksNotAllowed, match="3 days"):
            say(bob, general, body)
    plain = say(bob, general, "main.py and `https://in.code/`")
    with pytest.raises(LinksNotAllowed):
        services.edit_message(actor_id=bob.pk, message_id=plain.pk, body=LINK)
    say(alice, general, LINK)
    bob.date_joined = timezone.now() - timedelta(days=4)
    bob.save()
    say(bob, general, LINK)
    settings.HOLDFAST_LINKS = "moderators"
    with pytest.raises(LinksNotAllowed, match="moderators"):
        say(bob, general, LINK)
    bob.is_staff = True
    bob.save()
    say(bob, general, LINK)
