"""A connection that has ended leaves nothing for the garbage collector, which runs rarely."""

import signal
import time
from contextlib import ExitStack

import msgspec
from django.contrib.auth.models import User

from realtime.auth import issue_token
from tests.realtime.serving import CLOSE, RawSocket
from tests.support.server import Node, Nodes
from tests.support.waiting import LOOK_SECONDS, PATIENCE_SECONDS

SOCKETS = 20
LINE = "alive: "
OF_A_SOCKET = (
    "SocketProtocol",
    "RequestChannel",
    "ChatConsumer",
    "Socket",
    "Delivery",
)
NORMAL = (1000).to_bytes(2, "big")


class Count:
    """How many objects of its sockets a node has, by class."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lines = 0

    def __call__(self) -> dict[str, int]:
        self._node.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._node.log.count(LINE) == self._lines:
            assert time.monotonic() < deadline, self._node.log
            time.sleep(LOOK_SECONDS)
        self._lines += 1
        line = self._node.log.rpartition(LINE)[2].splitlines()[0]
        found = msgspec.json.decode(line, type=dict[str, int])
        return {name: found[name] for name in OF_A_SOCKET if name in found}


def test_sockets_that_have_ended_are_freed_at_once(nodes: Nodes, alice: User) -> None:
    node = nodes.start(DJANGO_SETTINGS_MODULE="tests.support.counting_settings")
    count = Count(node)
    token = issue_token(alice)
    with ExitStack() as stack:
        sockets = [stack.enter_context(RawSocket(node.port, token=token)) for _ in range(SOCKETS)]
        for socket in sockets:
            assert socket.objects()[0]["type"] == "hello"
        assert count()["SocketProtocol"] == SOCKETS
        for socket in sockets[::2]:  # the others just go
            socket.send(NORMAL, opcode=CLOSE)
            socket.closed()
    with RawSocket(node.port) as denied:
        denied.ended()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := count():
        assert time.monotonic() < deadline, left
