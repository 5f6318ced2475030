"""Traces and errors leave a node for a collector, and nothing private goes with them.

``make test-more`` runs it, with the packages of the extras in var/extras.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import brotli
import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from chat import services as chat
from realtime.auth import issue_token
from tests.support.server import ROOT, Nodes

SECRET = "the-text-of-a-message"
GIVEN = "5d1fa0c2"
UNPACK = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}  # by content encoding


class Collector:
    """Keeps what is sent to it, by path."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = UNPACK[self.headers.get("Content-Encoding")](body)
                received.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.stop()


def test_a_trace_and_an_error_arrive_without_anything_private(
    nodes: Nodes, collector: Collector, transactional_db: None
) -> None:
    alice = User.objects.create_user("alice")
    room = chat.create_room(actor_id=alice.pk, name="General").room_id
    token = issue_token(alice)
    node = nodes.start(
        PYTHONPATH=str(ROOT / "var" / "extras"),
        HOLDFAST_TRUST_PROXY="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}",
        SENTRY_DSN=f"http://public@127.0.0.1:{collector.port}/1",
    )
    headers = {"Authorization": f"Bearer {token}", "X-Request-ID": GIVEN}
    post = {"id": 1, "command": "message.post", "room": room, "key": str(uuid4()), "body": SECRET}
    with httpx.Client(base_url=node.origin, headers=headers, timeout=30) as http:
        assert http.post("/api/commands", json=post).json()["ok"]
        with connection.cursor() as cursor:
            cursor.execute("CREATE UNIQUE INDEX one_link ON chat_invitelink (room_id)")
        try:
            for _ in range(2):
                failed = http.post(
                    f"/api/rooms/{room}/invitations?secret={SECRET}",
                    json={"seconds": 3600, "max_uses": 1},
                )
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP INDEX one_link")
        assert failed.status_code == 500
    assert node.stop() == 0  # sends what is left

    bodies = dict.fromkeys(path for path, _ in collector.received)
    assert {"/v1/traces", "/api/1/envelope/"} <= bodies.keys()
    everything = b"".join(body for _, body in collector.received)
    assert SECRET.encode() not in everything
    assert token.encode() not in everything

    spans = [
        span
        for path, body in collector.received
        if path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    ours = [
        span for span in spans if any(each.value.string_value == GIVEN for each in span.attributes)
    ]
    assert {span.name for span in ours} >= {"http", "command", "batch", "sql"}
    [command] = [span for span in ours if span.name == "command"]
    [batch] = [span for span in ours if span.name == "batch" and span.trace_id == command.trace_id]
    assert batch.parent_span_id == command.span_id

    envelope = next(body for path, body in collector.received if path == "/api/1/envelope/")
    event = json.loads(envelope.splitlines()[2])
    assert event["tags"]["request_id"] == GIVEN
    assert event["exception"]["values"][-1]["value"] == "(hidden: may quote a row)"
