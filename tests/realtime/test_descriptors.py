"""A node without free file descriptors: it pauses, says so once, keeps its sockets, and resumes."""

import json
import logging
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest
from django.contrib.auth.models import User

from realtime.auth import issue_token
from realtime.core.monitoring.repeated_log import REPEAT_SECONDS, RepeatedLog
from tests.realtime.serving import RawSocket
from tests.support.server import Nodes, ServerProcess

PATIENCE_SECONDS = 60


@contextmanager
def descriptors(node: ServerProcess, *, free: int) -> Iterator[None]:
    """Leave a process only so many free file descriptors."""
    process = psutil.Process(node.process.pid)
    before = process.rlimit(resource.RLIMIT_NOFILE)
    process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds() + free, before[1]))
    try:
        yield
    finally:
        process.rlimit(resource.RLIMIT_NOFILE, before)


def accept_errors(http: httpx.Client) -> float:
    name = "holdfast_accept_errors_total"
    lines = http.get("/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(name))


def answers(node: ServerProcess) -> bool:
    """Whether a new connection is accepted; the pause may reset the first one."""
    try:
        return httpx.get(f"{node.origin}/healthz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)  # another process has nothing to wait on


def test_a_node_without_descriptors_pauses_and_keeps_its_sockets(nodes: Nodes, alice: User) -> None:
    node = nodes.start()
    token = issue_token(alice)
    with ExitStack() as stack:
        # One connection for the whole test: another one would not be accepted.
        kept = httpx.Limits(max_connections=1, keepalive_expiry=None)
        http = stack.enter_context(
            httpx.Client(base_url=node.origin, timeout=PATIENCE_SECONDS, limits=kept)
        )
        before = stack.enter_context(RawSocket(node.port, token=token))
        assert before.status == 101
        assert before.objects()[0]["type"] == "hello"
        assert accept_errors(http) == 0
        with descriptors(node, free=6):
            began = time.monotonic()
            for _ in range(12):
                newcomer = stack.enter_context(socket.socket())
                newcomer.connect(("127.0.0.1", node.port))
            eventually(lambda: accept_errors(http) > 1)
            before.command("ping")
            assert before.objects()[0]["id"] == 1
            # A pause of a second after each error: no busy loop.
            assert accept_errors(http) <= time.monotonic() - began + 1
        eventually(lambda: answers(node))
    node.stop()
    lines = [json.loads(line) for line in node.log.splitlines() if line.startswith("{")]
    [line] = [each for each in lines if each["message"] == "cannot accept connections"]
    assert (line["level"], line["count"]) == ("ERROR", 1)
    assert "Too many open files" in line["error"]
    assert "raise LimitNOFILE" in line["hint"]


def test_a_cause_is_logged_at_once_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    log = RepeatedLog(
        logging.getLogger("holdfast.test"), logging.ERROR, "it failed", clock=lambda: now[0]
    )
    for _ in range(5):
        log.note(error="full")
    now[0] += REPEAT_SECONDS
    log.note(error="full")
    assert [vars(record)["count"] for record in caplog.records] == [1, 5]
