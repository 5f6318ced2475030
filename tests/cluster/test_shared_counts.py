"""Two nodes with one Redis count together, and both know of raid mode within a second."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth.models import User

from chat import services
from chat.models import Message, RaidMode, Room
from realtime.auth import issue_token
from tests.support.redis import HOST, Redis, running
from tests.support.server import Node, Nodes

SPAM = "Free crypto for everyone, write to me"
POSTS, REPEATS = 20, 8
RAIDERS = 30
AT_ONCE_SECONDS = 1.0
REQUESTS_SECONDS = 1.0  # for those that ask, on a busy machine

Say = Callable[[Node, str, str], int]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    found = Redis(tmp_path, "redis", "--save", "")
    with running(found):
        yield found


@pytest.fixture
def pair(nodes: Nodes, redis: Redis) -> list[Node]:
    return [
        nodes.start(
            CACHE_URL=f"redis://{HOST}:{redis.port}/0",
            HOLDFAST_NEW_ACCOUNT_DAYS="3",
            HOLDFAST_POSTS=str(POSTS),
            HOLDFAST_POST_SECONDS="3600",  # no window ends during the test
            HOLDFAST_REPEATS=str(REPEATS),
            HOLDFAST_REPEAT_SECONDS="3600",
            HOLDFAST_SAME_SECONDS="3600",
        )
        for _ in range(2)
    ]


@pytest.fixture
def lobby(alice: User) -> Room:
    return services.create_room(actor_id=alice.pk, name="Lobby").room


@pytest.fixture
def say(lobby: Room) -> Say:
    """Post over HTTP through a node, and return the status."""

    def post(node: Node, token: str, body: str) -> int:
        command = {"id": 1, "command": "message.post", "room": lobby.pk, "key": str(uuid4())}
        answer = httpx.post(
            f"{node.origin}/api/commands",
            json={**command, "body": body},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        return answer.status_code

    return post


def accepted(statuses: Sequence[int]) -> int:
    assert set(statuses) <= {200, 403, 429}, set(statuses)
    return statuses.count(200)


def member(lobby: Room, name: str) -> str:
    user = User.objects.create(username=name)
    services.join(actor_id=user.pk, room_id=lobby.pk)
    return issue_token(user)


def test_thirty_new_accounts_on_two_nodes_are_stopped_after_a_few(
    pair: list[Node], lobby: Room, say: Say
) -> None:
    tokens = [member(lobby, f"raider{number}") for number in range(RAIDERS)]
    with ThreadPoolExecutor(8) as at_once:
        found = at_once.map(
            lambda number: say(pair[number % 2], tokens[number], SPAM), range(RAIDERS)
        )
        # Each node lets its first one through without asking the other.
        assert 5 <= accepted([*found]) <= 6
    assert Message.objects.filter(body=SPAM).count() <= 6


def test_an_account_that_posts_through_two_nodes_has_one_limit(
    pair: list[Node], lobby: Room, say: Say
) -> None:
    bot = member(lobby, "bot")
    found = [say(pair[number % 2], bot, f"news {number}") for number in range(2 * POSTS)]
    assert POSTS <= accepted(found) <= POSTS + POSTS // 4
    parrot = member(lobby, "parrot")
    found = [say(pair[number % 2], parrot, "polly") for number in range(2 * REPEATS)]
    assert REPEATS <= accepted(found) <= REPEATS + REPEATS // 4


def test_without_redis_people_go_on(pair: list[Node], lobby: Room, say: Say, redis: Redis) -> None:
    bot = member(lobby, "bot")
    redis.kill()
    began = time.monotonic()
    found = [say(pair[number % 2], bot, f"news {number}") for number in range(POSTS)]
    assert accepted(found) == POSTS
    assert time.monotonic() - began < 15


def test_raid_mode_is_on_on_all_nodes_within_a_second(
    pair: list[Node], lobby: Room, say: Say, manage_py: Callable[..., str]
) -> None:
    tokens = [member(lobby, f"new{number}") for number in range(2)]
    RaidMode.objects.update(slow_mode=0)
    numbers = itertools.count()

    def is_refused(node: Node, token: str) -> bool:
        return say(node, token, f"see https://elsewhere.example/{next(numbers)}") == 403

    assert not any(map(is_refused, pair, tokens))
    manage_py("raid_mode", "on", "--hours", "1")
    began = time.monotonic()
    while not all([*map(is_refused, pair, tokens)]):
        assert time.monotonic() - began < AT_ONCE_SECONDS + REQUESTS_SECONDS
    manage_py("raid_mode", "off")
