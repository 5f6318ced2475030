"""The doctor names faults of a machine and of a proxy, and outlives a server that hangs."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import get_finder, get_finders
from django.test import Client, override_settings

from realtime.api import echo
from realtime.doctor import machine, origin, probe_results
from realtime.doctor.probe_results import ProbeResult, Severity


class LoopingProxy(BaseHTTPRequestHandler):
    """A proxy whose nodes do not know that it speaks HTTPS, and redirect to it again."""

    def do_GET(self) -> None:
        """Redirect to the same address."""
        self.send_response(301)
        self.send_header("Location", f"http://{self.headers['Host']}{self.path}")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as above
        """Print nothing."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_redirect_loop_is_named_with_the_setting() -> None:
    with serving(LoopingProxy) as address, override_settings(ALLOWED_ORIGINS=[address]):
        [finding] = origin.probe()
    assert finding.level is Severity.FAIL
    assert "every page redirects to itself" in finding.text
    assert "HOLDFAST_TRUST_PROXY=true" in finding.todo


def test_only_a_doctor_with_our_key_learns_what_a_node_sees() -> None:
    client = Client()
    assert client.get("/doctor").status_code == 404
    assert client.get("/doctor", headers={echo.HEADER: "echo"}).status_code == 404
    seen = client.get("/doctor", headers={echo.HEADER: echo.signature()}).json()
    assert (seen["secure"], seen["address"], seen["host"]) == (False, "127.0.0.1", "testserver")
    with override_settings(SECRET_KEY="another-key-0123456789-abcdefghijklmnopqrstuvwxyz-0123"):
        foreign = echo.signature()
    assert client.get("/doctor", headers={echo.HEADER: foreign}).status_code == 404


def test_static_files_that_were_not_collected_are_named(tmp_path: Path) -> None:
    with override_settings(STATIC_ROOT=tmp_path):
        failed = [each for each in machine.probe() if each.level is Severity.FAIL]
    assert any("no static files in" in each.text for each in failed)
    assert any("Run manage.py collectstatic" in each.todo for each in failed)


def test_the_files_of_a_bundle_are_looked_for_by_themselves(tmp_path: Path) -> None:
    made, root = tmp_path / "made", tmp_path / "root"
    for folder in (made, root):
        (folder / "bundle").mkdir(parents=True)
        (folder / "bundle" / "main-AAAAAAA2.js").write_text("1;")
    with override_settings(STATIC_ROOT=root, STATICFILES_DIRS=[made]):
        get_finder.cache_clear()  # type: ignore[attr-defined]
        listed = {path for each in get_finders() for path, _ in each.list([])}
        others = {path: path for path in listed if not path.startswith("bundle/")}
        (root / "staticfiles.json").write_text(json.dumps({"paths": others}))
        found = [each for each in machine.probe() if "static files" in each.text]
        (root / "bundle" / "main-AAAAAAA2.js").unlink()
        missing = [each for each in machine.probe() if "static files" in each.text]
    get_finder.cache_clear()  # type: ignore[attr-defined]
    assert [each.level for each in found] == [Severity.OK]
    assert [each.level for each in missing] == [Severity.FAIL]
    assert "bundle/main-AAAAAAA2.js" in missing[0].text


@pytest.mark.django_db
def test_a_probe_that_hangs_ends_with_the_others() -> None:
    over = threading.Event()

    def hangs() -> Iterator[ProbeResult]:
        yield probe_results.Area("slow").ok("connected")
        over.wait()

    def fails() -> Iterator[ProbeResult]:
        yield from ()
        raise ValueError("no such thing\nand more")

    began = time.monotonic()
    found = list(probe_results.run({"slow": hangs, "broken": fails}, seconds=0.2))
    over.set()
    assert time.monotonic() - began < 30
    assert [(each.area, each.level) for each in found] == [
        ("slow", Severity.OK),
        ("slow", Severity.FAIL),
        ("broken", Severity.FAIL),
    ]
    assert found[1].text == "no answer within 0.2 s"
    assert found[2].text == "the probe failed: ValueError: no such thing"
