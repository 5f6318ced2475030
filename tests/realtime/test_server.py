"""``manage.py serve`` as clients see it: a real process, and clients that misbehave."""

import os
import signal
import socket
import stat
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from chat import services as chat
from holdfast import __version__
from notifications.payloads import inbox
from notifications.services import Notice, notify
from realtime.auth import issue_token
from realtime.core.heads import changing
from realtime.protocol.codes import CloseCode
from tests.realtime.serving import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    Process,
    RawSocket,
    frame,
    refused,
    serve,
)
from tests.support.server import Nodes, free_port

# Realtime.server.server, which cannot be imported without installing Twisted's reactor in this
# process.
SLOT_SECONDS = 0.1


# How proxies of many kinds name their clients.
FORWARDING = [
    ("X-Real-IP", "203.0.113.9"),
    ("X-Real-IP", "nonsense"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Proto", "https"),
    ("Forwarded", "for=127.0.0.1"),
    ("Via", "1.1 proxy"),
    ("CF-Connecting-IP", "127.0.0.1"),
    ("True-Client-IP", "127.0.0.1"),
]


@pytest.fixture
def token(nodes: Nodes, alice: User) -> str:
    return issue_token(alice)


class TestClosing:
    def test_every_bad_frame_is_closed_with_its_code_and_a_reason(
        self, nodes: Nodes, token: str
    ) -> None:
        node = nodes.start()
        bad_frames = {
            "binary": frame(b"{}", opcode=BINARY),
            "no JSON": frame(b"hello"),
            "no object": frame(b"[1]"),
            "no id": frame(b'{"command":"ping"}'),
            "no UTF-8": frame(b'{"id":1,"command":"\xff"}'),
        }
        for what, data in bad_frames.items():
            with RawSocket(node.port, token=token) as client:
                client.send_raw(data)
                code, reason = client.closed()
                assert (code, bool(reason)) == (CloseCode.BAD_FRAME, True), what

        with RawSocket(node.port, token=token) as client:
            client.send(b"x" * 131_073)
            assert client.closed() == (1009, CloseCode.TOO_BIG.reason)

        with RawSocket(node.port, token=token) as client:  # no bytes at all, and no end
            client.send(b"", fin=False)
            client.send_raw(frame(b"", opcode=CONTINUATION, fin=False) * 2000)
            assert client.closed()[0] == 1009

        with RawSocket(node.port) as client:
            assert client.closed() == (
                CloseCode.NOT_AUTHENTICATED,
                CloseCode.NOT_AUTHENTICATED.reason,
            )

        with RawSocket(node.port, token=token) as client:
            client.command("ping", padding="x" * 131_000)
            client.objects()
            assert client.objects()[0]["ok"] is True

    def test_a_close_is_answered_and_one_that_is_not_ends_all_the_same(
        self, nodes: Nodes, token: str
    ) -> None:
        node = nodes.start(HOLDFAST_CLOSE_SECONDS="0.2")
        with RawSocket(node.port, token=token) as polite:
            polite.send(b"\x03\xe8bye", opcode=CLOSE)
            assert polite.closed()[0] == 1000
            assert polite.ended()
        with RawSocket(node.port, token=token) as curt:  # what a browser sends for `socket.close()`
            curt.command("ping")
            curt.send(b"", opcode=CLOSE)
            assert curt.closed()[0] == 1000
            assert curt.ended()
        with RawSocket(node.port, token=token) as mute:
            mute.send(b"{}", opcode=BINARY)
            mute.closed()
            assert mute.ended()
        assert RawSocket(node.port, token=token, path="/ws/nothing/").status in (403, 404)

    def test_a_client_that_does_not_answer_pings_is_closed_and_one_that_does_is_not(
        self, nodes: Nodes, token: str
    ) -> None:
        node = nodes.start(HOLDFAST_PING_AFTER_SECONDS="1", HOLDFAST_PONG_SECONDS="1")
        with (
            RawSocket(node.port, token=token) as silent,
            RawSocket(node.port, token=token) as answering,
        ):
            for client in (silent, answering):
                client.objects()
                assert client.receive()[0] == PING
            answering.send(b"", opcode=PONG)
            assert silent.closed() == (CloseCode.UNRESPONSIVE, CloseCode.UNRESPONSIVE.reason)
            assert answering.receive()[0] == PING


class TestSlowReaders:
    def test_a_client_that_does_not_read_falls_behind_and_nobody_else_notices(
        self, nodes: Nodes, token: str, alice: User, bob: User
    ) -> None:
        room = chat.create_room(actor_id=alice.pk, name="General").room_id
        chat.join(actor_id=bob.pk, room_id=room)
        node = nodes.start(HOLDFAST_SOFT_MARK="65536", HOLDFAST_COMMAND_BURST="2000")
        stalled = RawSocket(node.port, token=issue_token(bob), receive_buffer=4096)
        with stalled, RawSocket(node.port, token=token) as writing:
            stalled.command("subscribe", streams={f"room.{room}": None})
            stalled.objects(), stalled.objects()
            for _ in range(400):
                writing.command("message.post", room=room, key=str(uuid4()), body="x" * 4000)
            replies = 0
            while replies < 400:
                replies += sum(each["type"] == "reply" and each["ok"] for each in writing.objects())
            seen = stalled.objects()
            while seen[-1]["type"] != "behind":
                seen += stalled.objects()
            assert sum(each["type"] in ("event", "page") for each in seen) < 400


class TestAddresses:
    @pytest.mark.parametrize("path", ["/metrics", "/readyz"])
    def test_strangers_do_not_read_them_through_a_proxy(self, nodes: Nodes, path: str) -> None:
        """The proxy is on this machine, from which they may be read directly."""
        trusting = {"HOLDFAST_TRUST_PROXY": "true"}
        settings: list[dict[str, str]] = [
            {},
            trusting,
            {**trusting, "HOLDFAST_TRUSTED_PROXIES": "10.0.0.0/8"},
        ]
        for env in settings:
            node = nodes.start(**env)
            assert httpx.get(f"{node.origin}{path}").status_code == 200
            for name, value in FORWARDING:
                answer = httpx.get(f"{node.origin}{path}", headers={name: value})
                assert answer.status_code == 403, (env, name, value)
                assert "METRICS_NETWORKS" in answer.text
            near = httpx.get(f"{node.origin}{path}", headers={"X-Real-IP": "127.0.0.1"})
            assert near.status_code == (200 if env == trusting else 403)
            node.stop()

    def test_nobody_reads_them_by_default(
        self, nodes: Nodes, node_var: Path, tmp_path: Path
    ) -> None:
        port, path = free_port(), tmp_path / "node.sock"
        with serve("--port", str(port), var=node_var, METRICS_NETWORKS=""):
            for probe in ("/metrics", "/readyz"):
                assert httpx.get(f"http://127.0.0.1:{port}{probe}").status_code == 403
            assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        with serve("--unix", str(path), var=node_var, METRICS_NETWORKS=""):
            transport = httpx.HTTPTransport(uds=str(path))
            with httpx.Client(transport=transport, base_url="http://localhost") as http:
                assert http.get("/readyz").status_code == 200
                assert http.get("/metrics").status_code == 403
                for name, value in FORWARDING:
                    assert http.get("/readyz", headers={name: value}).status_code == 403

    def test_a_client_cannot_move_the_site(self, nodes: Nodes) -> None:
        answer = httpx.get(
            f"{nodes.start().origin}/accounts/login/", headers={"Daphne-Root-Path": "/evil"}
        )
        assert answer.status_code == 200
        assert "/evil" not in answer.text

    def test_an_endless_body_is_refused(self, nodes: Nodes) -> None:
        node = nodes.start(HOLDFAST_MAX_BODY_BYTES="100000")
        assert (
            httpx.post(f"{node.origin}/accounts/login/", content=b"x" * 100_001).status_code == 413
        )
        assert (
            httpx.post(
                f"{node.origin}/accounts/login/", content=(b"x" * 60_000 for _ in range(2))
            ).status_code
            == 413
        )
        assert httpx.get(f"{node.origin}/healthz").status_code == 200


class TestListening:
    def test_a_unix_socket(self, nodes: Nodes, node_var: Path, tmp_path: Path) -> None:
        path = tmp_path / "node.sock"
        with serve("--unix", str(path), var=node_var) as process:
            assert f"unix:{path}" in process.first_line
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
                assert (
                    client.get("http://node/healthz", headers={"Host": "localhost"}).text
                    == f"ok {__version__}\n"
                )
            assert "Another process already listens on" in refused("--unix", str(path))
            process.signal(signal.SIGKILL)
            process.wait()
        assert path.is_socket()
        # The socket file of a killed process is replaced.
        with serve("--unix", str(path), var=node_var) as process:
            process.signal(signal.SIGTERM)
            assert process.wait() == 0
        assert not path.exists()

    def test_an_inherited_socket(self, nodes: Nodes, node_var: Path, tmp_path: Path) -> None:
        path = tmp_path / "inherited.sock"
        with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
            tcp.bind(("127.0.0.1", 0))
            unix.bind(str(path))
            for sock in (tcp, unix):
                sock.listen()
                with serve(
                    "--fd", str(sock.fileno()), var=node_var, pass_fds=[sock.fileno()]
                ) as process:
                    uds = str(path) if sock is unix else None
                    port = tcp.getsockname()[1]
                    with httpx.Client(transport=httpx.HTTPTransport(uds=uds)) as client:
                        assert (
                            client.get(f"http://127.0.0.1:{port}/healthz").text
                            == f"ok {__version__}\n"
                        )
                    process.signal(signal.SIGTERM)
                    assert process.wait() == 0
        assert path.exists()  # it belongs to the process that made it

    def test_bad_options_are_refused_in_words(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.touch()
        descriptor = os.open(file, os.O_RDONLY)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            assert "Another process uses this port" in refused("--port", port)
        assert "--port is 70000: expected a number between" in refused("--port", "70000")
        assert "Give only one of --host and --port, --unix, or --fd" in refused(
            "--port", "1", "--fd", "3"
        )
        assert "exists and is not a socket" in refused("--unix", str(file))
        assert "File descriptor 999 cannot be used" in refused("--fd", "999")
        assert "is not a socket" in refused("--fd", str(descriptor))
        assert "no.such.host.invalid" in refused("--host", "no.such.host.invalid")
        with override_settings(DEBUG=True):
            assert "--host is 0.0.0.0 but DEBUG is on" in refused("--host", "0.0.0.0")


class TestDraining:
    def test_clients_are_handed_over_one_by_one(
        self, nodes: Nodes, token: str, alice: User
    ) -> None:
        node = nodes.start(DRAIN_SECONDS="1")
        clients = [RawSocket(node.port, token=token) for _ in range(20)]
        for client in clients:
            client.objects()
        told_at = time.monotonic()
        node.process.send_signal(signal.SIGTERM)
        for client in clients:
            (bye,) = client.objects()
            assert (bye["type"], bye["reason"]) == ("bye", "restart")
            assert 0 <= bye["retry_after"] <= SLOT_SECONDS
            assert client.closed() == (1012, "restart")
            client.send(b"\x03\xf4", opcode=CLOSE)
        # 20 clients at 50 a second are four slots: three pauses.
        assert time.monotonic() - told_at > 2 * SLOT_SECONDS
        assert node.process.wait(20) == 0

    def test_a_post_that_is_under_way_is_answered_before_the_client_is_sent_away(
        self, nodes: Nodes, token: str, alice: User
    ) -> None:
        room = chat.create_room(actor_id=alice.pk, name="General").room_id
        node = nodes.start(HOLDFAST_CLOSE_SECONDS="0.5")
        with RawSocket(node.port, token=token) as client:
            client.objects()
            for _ in range(50):
                client.command("message.post", room=room, key=str(uuid4()), body="Hello")
            client.objects()
            node.process.send_signal(signal.SIGTERM)
            types = [each["type"] for each in client.objects()]
            while types[-1] != "bye":
                types += [each["type"] for each in client.objects()]
            assert client.closed()[0] == 1012
        assert node.process.wait(20) == 0

    def test_nobody_new_is_taken_and_event_streams_end(
        self, nodes: Nodes, token: str, alice: User
    ) -> None:
        node = nodes.start(HOLDFAST_CLOSE_SECONDS="0.5")
        url = f"{node.origin}/api/streams/{inbox(alice.pk)}/events"
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        with (
            RawSocket(node.port, token=token) as client,
            httpx.stream("GET", url, headers=headers, timeout=20) as stream,
        ):
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            client.objects()
            node.process.send_signal(signal.SIGTERM)
            assert '"type":"bye"' in next(
                line for line in reversed(list(lines)) if line.startswith("data:")
            )
            client.closed()  # and is not answered: the node waits for it
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{node.origin}/readyz")
        assert node.process.wait(20) == 0

    def test_a_second_signal_ends_it_at_once(self, nodes: Nodes, token: str) -> None:
        node = nodes.start(HOLDFAST_CLOSE_SECONDS="60")
        with RawSocket(node.port, token=token) as client:
            client.objects()
            node.process.send_signal(signal.SIGTERM)
            client.closed()  # and is not answered
            node.process.send_signal(signal.SIGTERM)
            assert node.process.wait(5) == 0


class TestEventStreams:
    def test_listeners_cost_no_threads(self, nodes: Nodes, token: str, alice: User) -> None:
        node = nodes.start()
        url = f"{node.origin}/api/streams/{inbox(alice.pk)}/events"
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        with ExitStack() as open_streams:
            for _ in range(20):
                stream = open_streams.enter_context(
                    httpx.stream("GET", url, headers=headers, timeout=20)
                )
                assert next(stream.iter_lines()).startswith("retry")
            assert psutil.Process(node.process.pid).num_threads() < 20

    def test_events_reach_a_listener_over_http(self, nodes: Nodes, token: str, alice: User) -> None:
        node = nodes.start(HOLDFAST_HEAD_CHECK_SECONDS="0.2")
        url = f"{node.origin}/api/streams/{inbox(alice.pk)}/events"
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        with httpx.stream("GET", url, headers=headers, timeout=20) as stream:
            lines = (line for line in stream.iter_lines() if line.startswith(("id:", "data:")))
            assert next(lines) == "id: 0"
            assert '"type":"page"' in next(lines)
            with changing(inbox(alice.pk)) as heads:
                notify(heads, Notice(user_id=alice.pk, kind="mention", title="Bob mentioned you"))
            assert next(lines) == "id: 1"
            assert "Bob mentioned you" in next(lines)


def test_the_application_is_portable(nodes: Nodes, node_var: Path, token: str, alice: User) -> None:
    """Plain Daphne and uvicorn serve the application too, but slower."""
    room = chat.create_room(actor_id=alice.pk, name="General").room_id
    binaries = Path(sys.executable).parent
    for command in (
        [str(binaries / "daphne"), "-b", "127.0.0.1", "-p"],
        [str(binaries / "uvicorn"), "--lifespan", "off", "--port"],
    ):
        port = free_port()
        with Process(
            [*command, str(port), "realtime.asgi:application"], var=node_var, port=port
        ) as process:
            follows(port, token, room)
            process.signal(signal.SIGTERM)


def follows(port: int, token: str, room: int) -> None:
    """Post on one socket and see it come on another."""
    with RawSocket(port, token=token) as alice, RawSocket(port, token=token) as tab:
        assert "holdfast.v1" in alice.answer
        assert alice.objects()[0]["type"] == "hello"
        assert tab.objects()[0]["type"] == "hello"
        tab.command("subscribe", streams={f"room.{room}": None})
        assert tab.objects()[0]["ok"] is True
        alice.command("message.post", room=room, key=str(uuid4()), body="Hello")
        assert alice.objects()[0]["ok"] is True
        (event,) = [each for each in tab.objects() if each["type"] != "signal"] or tab.objects()
        assert (event["type"], event["data"]["body"]) == ("event", "Hello")
    with RawSocket(port) as stranger:
        assert stranger.closed()[0] == CloseCode.NOT_AUTHENTICATED
