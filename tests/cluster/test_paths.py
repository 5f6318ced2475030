"""Everything that a client does, through nginx."""

import asyncio
import re
import socket
from functools import partial

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.cluster.conftest import Desk
from tests.conformance.client import Poller
from tests.support.cluster import Cluster
from tests.support.waiting import until

SPOOFED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Real-IP": "6.6.6.6",
    "Forwarded": "for=6.6.6.6;proto=https",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example.org",
    "Daphne-Root-Path": "/elsewhere",
}


def reached(poller: Poller, position: int) -> bool:
    return (poller.copy.position or 0) >= position


async def test_a_socket_follows_a_room(desk: Desk) -> None:
    room = desk.room("bob")
    bob = await desk.client("bob", room)
    desk.post("alice", room, "hello")
    await until(lambda: bob.copies[f"room.{room}"].rows)
    assert bob.hello["node"] in desk.cluster.socket_names


async def test_a_long_poll_is_answered_when_something_happens(desk: Desk) -> None:
    room = desk.room("bob")
    poller = Poller(desk.cluster.origin, desk.cluster.people["bob"].token, f"room.{room}")
    await poller.poll(0)
    before = poller.copy.position
    polling = asyncio.create_task(poller.poll(25))
    await until(
        lambda: sum(
            desk.cluster.metric(name, "holdfast_waiting") for name in desk.cluster.socket_names
        )
    )
    await asyncio.to_thread(desk.post, "alice", room, "for the poll")
    await asyncio.wait_for(polling, 5)
    assert poller.copy.position == (before or 0) + 1
    assert poller.breaches == []
    await poller.close()


async def test_server_sent_events_leave_one_by_one(desk: Desk) -> None:
    room = desk.room("bob")
    poller = Poller(desk.cluster.origin, desk.cluster.people["bob"].token, f"room.{room}")
    listening = asyncio.create_task(poller.listen(cut_after=1000))
    for number in range(3):
        await until(
            lambda: sum(
                desk.cluster.metric(name, "holdfast_waiting") for name in desk.cluster.socket_names
            )
        )
        before = poller.copy.position or 0
        await asyncio.to_thread(desk.post, "alice", room, f"event {number}")
        await until(partial(reached, poller, before + 1), within=2)
    assert not listening.done()
    listening.cancel()
    assert poller.breaches == []
    await poller.close()


def test_pages_come_from_the_web_nodes_with_one_of_each_header(cluster: Cluster) -> None:
    answer = httpx.get(f"{cluster.origin}/accounts/login/")
    assert answer.status_code == 200
    for name in (
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "cross-origin-opener-policy",
    ):
        assert len(answer.headers.get_list(name)) == 1, name
    assert answer.headers["server"] == "nginx"


def test_static_files_come_from_nginx_and_are_kept_for_ever(cluster: Cluster) -> None:
    page = httpx.get(f"{cluster.origin}/accounts/login/").text
    [style, *_] = re.findall(r'href="(/static/[^"]+\.css)"', page)
    answer = httpx.get(f"{cluster.origin}{style}")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert '"node":""' in cluster.access_log(style)
    [script, *_] = [path.name for path in (cluster.shape.var / "static" / "realtime").glob("*.js")]
    assert (
        httpx.get(f"{cluster.origin}/static/realtime/{script}").headers["content-type"]
        == "text/javascript; charset=utf-8"
    )


@pytest.mark.parametrize("ending", ["css", "js"])
def test_static_files_come_compressed(cluster: Cluster, ending: str) -> None:
    """By ``gzip_static``, or by nginx itself where it was built without."""
    [copy, *_] = sorted((cluster.shape.var / "static" / "chat").rglob(f"*.{ending}.gz"))
    path = f"/{copy.relative_to(cluster.shape.var).with_suffix('')}"
    answer = httpx.get(f"{cluster.origin}{path}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers.get("content-length", copy.stat().st_size)) == copy.stat().st_size


def test_pages_come_compressed_by_a_node(cluster: Cluster) -> None:
    """Whose sizes are random; nginx' would tell what a guess in the address has in common."""
    sizes = {
        int(httpx.get(f"{cluster.origin}/accounts/login/").headers["content-length"])
        for _ in range(20)
    }
    assert len(sizes) > 5


def test_a_static_file_that_nginx_does_not_have_is_a_nodes(cluster: Cluster) -> None:
    answer = httpx.get(f"{cluster.origin}/static/nothing.js")
    assert answer.status_code == 404
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/readyz", "/healthz", "/static/../secret_key", "/static/%2e%2e/secret_key"],
)
def test_what_is_private_is_not_there(cluster: Cluster, path: str) -> None:
    with httpx.Client() as http:
        assert http.send(http.build_request("GET", f"{cluster.origin}{path}")).status_code == 404


def test_this_machine_reads_the_probes_of_every_node(cluster: Cluster) -> None:
    internal = f"http://127.0.0.1:{cluster.shape.internal_port}"
    for name in cluster.shape.node_names:
        assert httpx.get(f"{internal}/nodes/{name}/readyz").json()["node"] == name
        assert "holdfast_connections" in httpx.get(f"{internal}/nodes/{name}/metrics").text
    assert httpx.get(f"{internal}/nodes/{cluster.shape.node_names[0]}/admin").status_code == 404


def test_what_a_client_claims_about_itself_changes_nothing(cluster: Cluster) -> None:
    honest = httpx.get(f"{cluster.origin}/accounts/")
    spoofed = httpx.get(f"{cluster.origin}/accounts/", headers=SPOOFED)
    assert (spoofed.status_code, spoofed.headers["location"]) == (
        honest.status_code,
        honest.headers["location"],
    )
    assert '"client":"127.0.0.1"' in cluster.access_log("/accounts/")
    for name in cluster.shape.node_names:
        # Past nginx: a node believes what its proxy says, so it matters that nginx says it.
        assert cluster.probe(name, "/metrics").status_code == 200
        with cluster.direct(name, headers={"X-Real-IP": "6.6.6.6"}) as http:
            assert http.get("/metrics").status_code == 403


async def test_a_socket_with_such_claims_is_served_as_any_other(desk: Desk) -> None:
    headers = {**SPOOFED, "Authorization": f"Bearer {desk.cluster.people['bob'].token}"}
    async with connect(f"{desk.cluster.sockets}/ws/chat/", additional_headers=headers) as socket:
        assert '"hello"' in str(await socket.recv())


def test_no_log_of_nginx_lets_anyone_into_a_room(cluster: Cluster) -> None:
    secret = "Zk3-9_aXbC4dE5fG6hI7jK8lM9nO0pQ1"
    address = (cluster.origin.removeprefix("http://").split(":")[0], cluster.shape.port)
    paths = [
        f"/invite/{secret}/",
        f"//invite//{secret}/",
        f"/%69nvite/{secret}/",
        f"/x/../invite/{secret}/",
        f"/accounts/login/?next=/invite/{secret}/",
        f"/accounts/signup/?next=%2Finvite%2F{secret}%2F",
    ]
    for path in paths:
        # The second is refused by nginx, which writes the whole request into its error log.
        for length in (0, 50_000_000):
            with socket.create_connection(address, timeout=30) as client:
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
                client.sendall(f"{head}Connection: close\r\n\r\n".encode())
                assert client.recv(20).startswith(b"HTTP/1.1 4")
    assert '"path":"/invite/-"' in cluster.access_log("/invite/-")
    logs = [path.read_text() for path in cluster.shape.logs.iterdir() if path.is_file()]
    assert not any(secret in log for log in logs)
