"""The cost of a connection for each tab: ``make bench-tabs`` writes docs/benchmarks/tabs.md.

The server part opens sockets of one user, each with the subscriptions of a page. The browser part
opens real pages, with the shared connection and without it, and counts what crosses the network.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.bench.costs import Group
from tests.bench.record import environment
from tests.browser.bench import UNLIMITED, issued, room_id, sign_in
from tests.browser.bench_rooms import ROOMS
from tests.browser.screen import connected
from tests.support.browser import launch
from tests.support.demo_site import demo_site
from tests.support.server import ROOT, ServerProcess

FILE = ROOT / "docs" / "benchmarks" / "tabs.md"
PEOPLE = 25
TABS = (1, 2, 3, 5, 10)
IDLE_SECONDS = 50
BUSY_SECONDS = 15
BUSY_RATE = 10  # messages a second
PING_SECONDS = 25  # as HOLDFAST_PING_AFTER_SECONDS, which pages follow
# All sockets of the server part belong to one user.
MANY_SOCKETS = {"HOLDFAST_MAX_SOCKETS_PER_USER": "1000"}

BROWSER_IDLE_SECONDS = 100
BROWSER_BUSY_SECONDS = 40
BROWSER_BUSY_RATE = 0.5
# Frames closer together than this need one wake-up of a phone's radio.
WAKE_SECONDS = 1.0
# Without the channel, every page connects by itself (shared_socket.js: sharedTransport).
SEPARATE = "delete window.BroadcastChannel"


@dataclass
class Cost:
    """The cost of the sockets of PEOPLE users with this number of tabs each."""

    tabs: int
    kib: float | None
    idle_percent: float
    post_us: float


@dataclass
class Traffic:
    """The frames of all tabs of a browser in a phase."""

    times: list[float] = field(default_factory=list)
    size: int = 0

    def note(self, payload: str | bytes) -> None:
        """Count a frame."""
        self.times.append(time.monotonic())
        self.size += len(payload.encode() if isinstance(payload, str) else payload)

    def wakes(self) -> int:
        """How often a frame came after a silence."""
        pairs = zip([float("-inf"), *self.times], self.times, strict=False)
        return sum(after - before > WAKE_SECONDS for before, after in pairs)


def main() -> None:
    """Measure, and write the record."""
    with demo_site("tests.browser.bench_rooms", **UNLIMITED, **MANY_SOCKETS) as site:
        token = issued(site, "alice")
        costs = server_costs(site, token)
        with sync_playwright() as playwright:
            browser = launch(playwright.chromium)
            version = browser.version
            rows = [
                browser_row(site, browser, token, "1 tab", 1, separate=False),
                browser_row(site, browser, token, "5 tabs, one connection", 5, separate=False),
                browser_row(site, browser, token, "5 tabs, 5 connections", 5, separate=True),
            ]
            browser.close()
    FILE.write_text(written(costs, rows, version))
    sys.stdout.write(FILE.read_text())


def server_costs(site: ServerProcess, token: str) -> list[Cost]:
    """Open more and more sockets. With each number of them, wait for a while, then post to them."""
    group = Group((site.process.pid,))
    costs = []
    with ExitStack() as stack:
        # Memory that the process needs only once is used before the first measurement.
        sockets = [stack.enter_context(subscribed(site, token)) for _ in range(PEOPLE)]
        stack.enter_context(draining(sockets))
        post(site, token, BUSY_RATE, 5)
        before, first = group.pss_bytes(), len(sockets)
        for tabs in TABS:
            more = [
                stack.enter_context(subscribed(site, token))
                for _ in range(PEOPLE * tabs - len(sockets))
            ]
            stack.enter_context(draining(more))
            sockets += more
            time.sleep(2)
            added = len(sockets) - first
            kib = (group.pss_bytes() - before) / 1024 / added if added else None
            cpu = group.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            idle = group.cpu_seconds() - cpu
            cpu = group.cpu_seconds()
            posts = post(site, token, BUSY_RATE, BUSY_SECONDS)
            busy = group.cpu_seconds() - cpu
            costs.append(Cost(tabs, kib, 100 * idle / IDLE_SECONDS, 1e6 * busy / posts))
    return costs


@contextmanager
def subscribed(site: ServerProcess, token: str) -> Iterator[ClientConnection]:
    """Open a socket that follows what a page follows."""
    headers = {"Authorization": f"Bearer {token}"}
    address = f"{site.sockets}/ws/chat/"
    with connect(address, additional_headers=headers, ping_interval=None) as socket:
        hello = json.loads(socket.recv())
        hello = hello[0] if isinstance(hello, list) else hello
        streams = {**hello["heads"], **dict.fromkeys(rooms(site, token))}
        socket.send(json.dumps({"id": 1, "command": "subscribe", "streams": streams}))
        socket.recv()
        yield socket


_rooms: dict[str, list[str]] = {}


def rooms(site: ServerProcess, token: str) -> list[str]:
    """Return the streams of the rooms of a user."""
    if token not in _rooms:
        answer = httpx.get(
            f"{site.origin}/api/rooms/", headers={"Authorization": f"Bearer {token}"}
        )
        _rooms[token] = [f"room.{each['room']['id']}" for each in answer.json()["rooms"]]
    return _rooms[token]


@contextmanager
def draining(sockets: list[ClientConnection]) -> Iterator[None]:
    """Read everything, and ping like a page, each socket after its own silence."""
    done = Event()

    def read(socket: ClientConnection) -> None:
        while not done.is_set():
            try:
                socket.recv(timeout=PING_SECONDS)
            except TimeoutError:
                socket.send(json.dumps({"id": 2, "command": "ping"}))
            except ConnectionClosed:
                return

    threads = [Thread(target=read, args=(socket,), daemon=True) for socket in sockets]
    for thread in threads:
        thread.start()
    yield
    done.set()


def post(site: ServerProcess, token: str, rate: float, seconds: float) -> int:
    """Post into the busy room, and return how many messages."""
    room = room_id(site, token)
    headers = {"Authorization": f"Bearer {token}"}
    sent = 0
    with connect(f"{site.sockets}/ws/chat/", additional_headers=headers) as socket:
        socket.recv()
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            command: dict[str, Any] = {"id": sent, "command": "message.post", "room": room}
            body = f"Line {sent}: is that **you** over there, or only the radio?"
            socket.send(json.dumps({**command, "key": str(uuid4()), "body": body}))
            socket.recv()
            sent += 1
            time.sleep(max(0.0, begin + sent / rate - time.monotonic()))
    return sent


def browser_row(
    site: ServerProcess, browser: Browser, token: str, name: str, tabs: int, *, separate: bool
) -> list[str]:
    """Open the tabs and return a line of the table: to be connected, idle, busy."""
    context = browser.new_context(base_url=site.origin, viewport={"width": 412, "height": 915})
    if separate:
        context.add_init_script(SEPARATE)
    counted = [Traffic()]
    entry = context.new_page()
    sign_in(entry)
    # It would lead the others, and its frames are not counted.
    entry.close()
    pages = [opened(context, lambda: counted[-1]) for _ in range(tabs)]
    pages[0].wait_for_timeout(3000)
    per_minute = []
    for seconds, rate in ((BROWSER_IDLE_SECONDS, 0.0), (BROWSER_BUSY_SECONDS, BROWSER_BUSY_RATE)):
        counted.append(Traffic())
        poster = Thread(target=post, args=(site, token, rate, seconds)) if rate else None
        if poster:
            poster.start()
        pages[0].wait_for_timeout(seconds * 1000)
        if poster:
            poster.join()
        per_minute.append((counted[-1], seconds / 60))
    context.close()
    cells = [name, f"{counted[0].size / 1000:.1f}"]
    for traffic, minutes in per_minute:
        cells += [
            f"{traffic.wakes() / minutes:.1f}",
            f"{len(traffic.times) / minutes:.1f}",
            f"{traffic.size / 1000 / minutes:.1f}",
        ]
    return cells


def opened(context: BrowserContext, traffic: Callable[[], Traffic]) -> Page:
    """Open a tab of the busy room whose frames are counted."""
    page = context.new_page()

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: traffic().note(payload))
        socket.on("framereceived", lambda payload: traffic().note(payload))

    page.on("websocket", watch)
    page.goto("/rooms/bench-01/")
    connected(page)
    return page


def written(costs: list[Cost], rows: list[list[str]], browser: str) -> str:
    """Return the record as a page of the documents."""
    where = environment()
    machine = where["machine"]
    cores, load = machine["cores"], ", ".join(str(each) for each in machine["load_average"])
    posts = f"{BROWSER_BUSY_RATE * 60:.0f}"
    return "\n".join(
        [
            "# One connection for each tab",
            "",
            f"`make bench-tabs`, {where['date']}, commit `{where['commit']}`:",
            f"one process on SQLite, {machine['cpu']}, {cores} shared cores, load average {load}.",
            "",
            f"**Server**, for {PEOPLE} users with {ROOMS} rooms and this number of tabs each. Idle",
            f"sockets ping every {PING_SECONDS} s; then {BUSY_RATE} messages a second go into a",
            "room that all of them follow.",
            "",
            "| tabs | sockets | memory of each further socket | idle CPU | CPU per message |",
            "|--:|--:|--:|--:|--:|",
            *(
                f"| {each.tabs} | {each.tabs * PEOPLE} | {memory(each)} "
                f"| {each.idle_percent:.2f} % of a core | {each.post_us / 1000:.2f} ms |"
                for each in costs
            ),
            "",
            f"**Network of one browser**, Chromium {browser}, in a minute. A wake-up is a frame",
            f"after at least {WAKE_SECONDS:.0f} s of silence. Busy: {posts} messages a minute in",
            "the open room.",
            "",
            "| | kB to connect | idle: wake-ups | frames | kB | busy: wake-ups | frames | kB |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
        ]
    )


def memory(cost: Cost) -> str:
    """Return the memory of a socket; the first ones are the baseline."""
    return "" if cost.kib is None else f"{cost.kib:.0f} KiB"


if __name__ == "__main__":
    main()
