"""Password hashes are bounded: in memory, in number, in time, and they hold no connection."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import httpx
import psutil
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.contrib.auth.models import User
from django.test import Client, override_settings

from chat import services
from realtime.auth.passwords import hashing
from realtime.protocol.errors import Unavailable
from tests.conftest import PASSWORD
from tests.support.server import Node, Nodes

LOGIN = "/accounts/login/"
MIB = 1024 * 1024
STRANGERS = 100
# Two hashes take 38 MiB; with Django's parameters and no queue it would be 8 GiB.
GROWTH = 64 * MIB
# Beside those of the node itself: the requests that hash, and those of the reader.
THREADS = 30
SECONDS = 60  # a busy machine; each answer takes a part of one

ours = override_settings(PASSWORD_HASHERS=["realtime.auth.passwords.hashing.Argon2"])


@ours
def test_the_parameters_are_those_of_owasp() -> None:
    assert make_password("x").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


@ours
@pytest.mark.django_db
def test_a_hash_of_before_is_replaced_at_the_next_sign_in(client: Client, bob: User) -> None:
    old = Argon2PasswordHasher()
    User.objects.filter(pk=bob.pk).update(password=old.encode(PASSWORD, old.salt()))
    client.post(LOGIN, {"username": "bob", "password": PASSWORD})
    bob.refresh_from_db()
    assert "m=19456,t=2,p=1" in bob.password
    assert check_password(PASSWORD, bob.password)


def test_more_than_the_queue_holds_is_refused() -> None:
    queue = hashing.HashQueue(threads=1, waiting=1, seconds=SECONDS)
    begun, go_on = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return go_on.wait(SECONDS)

    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(queue.run, work)
        assert begun.wait(SECONDS)
        second = callers.submit(queue.run, work)
        until(lambda: queue._number == 2)
        with pytest.raises(Unavailable) as refused:
            queue.run(work)
        assert refused.value.retry_after
        go_on.set()
        assert first.result(SECONDS)
        assert second.result(SECONDS)
    until(lambda: queue._number == 0)


def test_waiting_has_an_end() -> None:
    queue = hashing.HashQueue(threads=1, waiting=1, seconds=0.05)
    go_on = threading.Event()
    with pytest.raises(Unavailable):
        queue.run(go_on.wait, SECONDS)
    go_on.set()


def until(condition: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(SECONDS * 100):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it did not come true")


def test_a_full_queue_is_a_page_with_retry_after(
    client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = hashing.HashQueue(threads=1, waiting=-1, seconds=1)
    monkeypatch.setattr(hashing, "hash_queue", lambda: full)
    with ours:
        answer = client.post(LOGIN, {"username": "bob", "password": PASSWORD})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) == 3


def post_wrong(client: httpx.Client, node: Node, number: int) -> int:
    """Send a wrong password for an account of its own, from one address."""
    token = client.cookies["csrftoken"]
    answer = client.post(
        f"{node.origin}{LOGIN}",
        data={"username": f"nobody{number}", "password": "wrong", "csrfmiddlewaretoken": token},
        headers={"Origin": node.origin},
    )
    return answer.status_code


def test_a_hundred_wrong_sign_ins_at_once_hurt_nobody(nodes: Nodes, bob: User) -> None:
    room = services.create_room(actor_id=bob.pk, name="Lobby").room
    node = nodes.start(DJANGO_SETTINGS_MODULE="realtime.settings")
    process = psutil.Process(node.process.pid)
    member = Client()
    member.force_login(bob)
    session = {"sessionid": member.cookies["sessionid"].value}
    limits = httpx.Limits(max_connections=STRANGERS)
    with (
        httpx.Client(timeout=SECONDS, limits=limits) as stranger,
        httpx.Client(timeout=SECONDS, cookies=session) as reader,
        ThreadPoolExecutor(STRANGERS) as senders,
    ):
        stranger.get(f"{node.origin}{LOGIN}")
        assert post_wrong(stranger, node, -1) == 200  # what the first hash loads is no growth
        first = reader.get(f"{node.origin}{room.get_absolute_url()}")
        assert first.status_code == 200, node.log
        before, threads = process.memory_info().rss, process.num_threads()
        sent = [senders.submit(post_wrong, stranger, node, number) for number in range(STRANGERS)]
        page = reader.get(f"{node.origin}{room.get_absolute_url()}")
        inbox = reader.get(f"{node.origin}/inbox/")
        most = process.memory_info().rss
        while wait(sent, timeout=0.05).not_done:
            most = max(most, process.memory_info().rss)
            threads = max(threads, process.num_threads())
        statuses = [each.result() for each in sent]
        most = max(most, process.memory_info().rss)
    assert (page.status_code, inbox.status_code) == (200, 200)
    assert set(statuses) <= {200, 429, 503}
    assert most - before < GROWTH, f"grew by {(most - before) // MIB} MiB"
    assert threads < THREADS
