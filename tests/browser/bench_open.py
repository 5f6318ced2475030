"""How soon a room can be read and written in, on a first visit: ``make bench-open``.

Writes ``docs/benchmarks/open.md``. Chromium with an empty cache and a processor that is four times
slower opens a room behind nginx with TLS, with the bundle and with the sources, over two networks:
a narrow link (``tests/support/narrow_link.py``), and the network that DevTools calls "Fast 3G".
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, sync_playwright

from tests.bench.record import environment
from tests.support.browser import SHELL_FIRST, launch
from tests.support.certificates import make_certificate
from tests.support.cluster import PASSWORD, Cluster
from tests.support.narrow_link import narrow_link
from tests.support.server import ROOT, free_port

FILE = ROOT / "docs" / "benchmarks" / "open.md"
RUNS = 5
PROCESSOR = 4  # times slower
ROOMS = 12
MESSAGES = 60
TIMEOUT_MS = 60_000
NARROW: Final = {"down_mbit": 1.6, "up_mbit": 0.75, "round_trip": 0.15}
FAST_3G: Final = {
    "offline": False,
    "latency": 562.5,  # ms for each request
    "downloadThroughput": 1.44e6 / 8,
    "uploadThroughput": 0.675e6 / 8,
}
NETWORKS = ("1.6 Mbit/s, 150 ms", 'DevTools "Fast 3G"')

# Bytes and requests until the room can be written in; later ones disturb nobody.
WATCH = """() => {
  window.bench = { typed: null, live: null };
  const look = () => {
    const now = performance.now();
    const form = document.querySelector('[data-slot="form"]');
    if (form && form.dataset.state !== 'loading' && bench.typed === null) bench.typed = now;
    if (form?.dataset.state === 'live' && bench.live === null) bench.live = now;
    if (bench.live === null) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
LIVE = """() => new Promise((resolve) => {
  const look = () => bench.live === null ? requestAnimationFrame(look) : resolve();
  look();
})"""
READ = """() => {
  const painted = performance.getEntriesByName('first-contentful-paint')[0].startTime;
  const [page] = performance.getEntriesByType('navigation');
  const files = performance.getEntriesByType('resource');
  const before = (limit) => [page, ...files.filter((entry) => entry.startTime < limit)];
  const bytes = (entries) => entries.reduce((sum, entry) => sum + entry.transferSize, 0);
  return {
    readable: Math.max(painted, page.responseStart),
    typed: bench.typed, live: bench.live,
    requests: before(bench.live).length, bytes: bytes(before(bench.live)),
    page: page.transferSize,
  };
}"""


@dataclass(frozen=True, slots=True)
class Opened:
    """One first visit; times in ms since the request."""

    readable: float
    typed: float
    live: float
    requests: int
    bytes: int
    page: int


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster behind nginx with TLS, and the session of a user who has a room to read."""

    near: str  # its origin
    far: str  # its origin on the other side of the narrow link
    cookies: list[Any]


@contextmanager
def served(*, bundled: bool) -> Iterator[Site]:
    """Start the cluster with rooms that have been talked in."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-open-") as name,
        narrow_link(port, **NARROW) as far,
    ):
        directory = Path(name)
        make_certificate(directory)
        origins = [f"https://localhost:{each}" for each in (port, far)]
        variables = {
            "NGINX_SITE": "tls",
            "NGINX_LISTEN": f"listen 127.0.0.1:{free_port()} backlog=4096;",
            "NGINX_LISTEN_TLS": f"listen 127.0.0.1:{port} ssl backlog=4096;",
            "NGINX_CERTIFICATE": str(directory / "cert.pem"),
            "NGINX_CERTIFICATE_KEY": str(directory / "key.pem"),
        }
        settings = {
            "HOLDFAST_HTTPS": "true",
            "ALLOWED_ORIGINS": ",".join(origins),
            "ALLOWED_HOSTS": "localhost",
        }
        with Cluster(
            directory / "cluster", settings=settings, variables=variables, bundled=bundled
        ) as cluster:
            talk(cluster, origins[0])
            yield Site(origins[0], origins[1], session(origins[0]))


def talk(cluster: Cluster, origin: str) -> None:
    """Make rooms and messages, of several authors."""
    for number in range(ROOMS):
        alice = program(origin, cluster.people["alice"].token)
        fields = {"name": f"Room {number}", "topic": "Tides", "kind": "public"}
        made = alice.post("/api/rooms/", json=fields).raise_for_status().json()
        room = made["room"]["id"]
        bob = program(origin, cluster.people["bob"].token)
        command(bob, "room.join", room=room)
        for line in range(MESSAGES if number == 0 else 2):
            body = f"Line {line}: is that **you** over there, or only the *radio*? See `tides.py`."
            command(
                (alice, bob)[line // 2 % 2], "message.post", room=room, key=str(uuid4()), body=body
            )


def program(origin: str, token: str) -> httpx.Client:
    """Return a client of the API."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=origin, headers=headers, verify=False, timeout=30)


def command(http: httpx.Client, name: str, **values: Any) -> None:
    """Send a command."""
    http.post("/api/commands", json={"id": 1, "command": name, **values}).raise_for_status()


def session(origin: str) -> list[Any]:
    """Sign Alice in, and return her cookies: a room is on no first page without them."""
    with httpx.Client(base_url=origin, verify=False) as http:
        http.get("/accounts/login/")
        form = {
            "username": "alice",
            "password": PASSWORD,
            "csrfmiddlewaretoken": http.cookies["__Host-csrftoken"],
        }
        http.post("/accounts/login/", data=form, headers={"Referer": f"{origin}/"})
        return [
            {"name": cookie.name, "value": cookie.value or "", "url": origin, "secure": True}
            for cookie in http.cookies.jar
        ]


def first_visit(browser: Browser, site: Site, network: str) -> Opened:
    """Open a room with an empty cache, and say when what was there."""
    context = browser.new_context(ignore_https_errors=True)
    context.add_cookies(site.cookies)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": PROCESSOR})
    if network == NETWORKS[1]:
        cdp.send("Network.enable")
        cdp.send("Network.emulateNetworkConditions", FAST_3G)
    page.add_init_script(f"({WATCH})()")
    origin = site.far if network == NETWORKS[0] else site.near
    page.goto(f"{origin}/rooms/room-0/", wait_until="commit", timeout=TIMEOUT_MS)
    page.locator('[data-slot="form"][data-state="live"]').wait_for(timeout=TIMEOUT_MS)
    page.evaluate(LIVE)
    found = Opened(**page.evaluate(READ))
    context.close()
    return found


def middle(visits: list[Opened]) -> Opened:
    """Return the median of each figure."""
    return Opened(
        **{name: round(median(asdict(one)[name] for one in visits)) for name in asdict(visits[0])}
    )


def written(found: dict[tuple[str, str], Opened], browser: str, runs: int) -> str:
    """Return the record as a page of the documents."""
    where = environment()
    machine = where["machine"]
    load = ", ".join(str(each) for each in machine["load_average"])
    lines = [
        "# A first visit",
        "",
        f"`make bench-open`, {where['date']}, commit `{where['commit']}`: nginx with TLS before three nodes on",
        f"PostgreSQL, {ROOMS} rooms, {MESSAGES} messages in the one that is opened. Chromium {browser} without a",
        f"window and with an empty cache, its processor {PROCESSOR} times slower. {machine['cpu']}, {machine['cores']} cores",
        f"shared by everything, load average {load}. Medians of {runs} visits.",
        "",
        "| network | files | readable | typing | everything works | requests | KB | of these the page |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {network} | {files} | {one.readable / 1000:.2f} s | {one.typed / 1000:.2f} s | "
            f"{one.live / 1000:.2f} s | {one.requests} | {one.bytes / 1000:.0f} | {one.page / 1000:.0f} |"
            for (network, files), one in found.items()
        ),
        "",
        "*Readable*: the messages are painted. *Typing*: what is typed can be sent; it waits in the page until",
        "*everything works*. Requests and bytes are those that began before that.",
        "",
        "The narrow link delays packets, as a radio does, and begins each connection with ten packets under way.",
        "DevTools delays each request by 562 ms, so its times are those of requests that wait for each other.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the page of the documents."""
    parser = argparse.ArgumentParser(description="Measure first visits of a room.")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", choices=["bundle", "sources"], help="and write no record")
    options = parser.parse_args()
    found: dict[tuple[str, str], Opened] = {}
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium, SHELL_FIRST)
        for files in ("bundle", "sources"):
            if options.only not in (None, files):
                continue
            with served(bundled=files == "bundle") as site:
                first_visit(browser, site, NETWORKS[1])  # the nodes have compiled their templates
                for network in NETWORKS:
                    visits = [first_visit(browser, site, network) for _ in range(options.runs)]
                    found[network, files] = middle(visits)
                    sys.stdout.write(f"{network}, {files}: {middle(visits)}\n")
                    sys.stdout.flush()
        version = browser.version
        browser.close()
    if options.only is None:
        FILE.write_text(written(found, version, options.runs))
        sys.stdout.write(f"The record is in {FILE.relative_to(ROOT)}.\n")


if __name__ == "__main__":
    main()
