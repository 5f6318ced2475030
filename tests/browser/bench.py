"""The smoothness of the page, measured in Chromium by ``make bench-browser``.

Writes ``docs/benchmarks/browser.md``.

It runs on a demo of fifty rooms and ten thousand messages, and measures what a user notices: how
soon the first message is there, whether the page ever stops (tasks above 50 ms, which browsers call
long), how long a change of the room takes, and whether the page grows.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from uuid import uuid4

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright
from websockets.sync.client import connect

from tests.bench.record import environment
from tests.browser.bench_rooms import AUTHORS, MESSAGES, ROOMS
from tests.browser.screen import connected
from tests.support.browser import launch
from tests.support.demo_site import PASSWORD, demo_site
from tests.support.server import ROOT, ServerProcess

FILE = ROOT / "docs" / "benchmarks" / "browser.md"
BUSY = "/rooms/bench-01/"
RATE = 200  # messages a second, as a stadium in one room
POSTERS = 8  # sockets that share the rate
# Three people who are a stadium are no flood.
UNLIMITED = {
    "HOLDFAST_POSTS": "0",
    "HOLDFAST_NEW_ACCOUNT_DAYS": "0",
    "HOLDFAST_REPEATS": "0",
    "HOLDFAST_COMMAND_RATE": "10000",
    "HOLDFAST_COMMAND_BURST": "10000",
}
LIVE_SECONDS = 10
LOADS = 5
WHEELS = 150  # turns of the wheel into the past
WHEEL_PX = 600
WHEEL_EVERY_MS = 40
SWITCHES = 20

WATCH = """() => {
  window.tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
  observer.observe({ type: 'longtask', buffered: true });
}"""
FIRST_MESSAGE = """() => new Promise((resolve) => {
  const look = () => document.querySelector('.timeline .message')
    ? requestAnimationFrame(() => resolve(performance.now()))
    : requestAnimationFrame(look);
  look();
})"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
SWITCH = """(href) => new Promise((resolve) => {
  const begin = performance.now();
  document.querySelector(`.app__sidebar a[href="${href}"]`).click();
  const look = () => location.pathname === href && document.querySelector('.view--room .timeline .message')
      && document.querySelector('.place[aria-current="page"]')?.getAttribute('href') === href
    ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begin)))
    : requestAnimationFrame(look);
  look();
})"""


@dataclass
class Record:
    """One line of the table: what was done, and how the page took it."""

    name: str
    tasks: list[float]
    heap_mb: float
    nodes: int
    messages: int
    more: str = ""


@dataclass
class Run:
    """Everything that was measured."""

    records: list[Record] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    level: list[float] = field(default_factory=list)


def main() -> None:
    """Measure, and write the record."""
    run = Run()
    with (
        demo_site("tests.browser.bench_rooms", **UNLIMITED) as site,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright.chromium)
        context = browser.new_context(base_url=site.origin, viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.add_init_script(f"({WATCH})()")
        sign_in(page)
        for _ in range(LOADS):
            load(page, run)
        cdp = context.new_cdp_session(page)
        note(run, page, cdp, "opened")
        with posting(site):
            live(run, page, cdp)
            scroll(run, page, cdp)
        switch(
            run,
            page,
            cdp,
            "20 rooms for the first time",
            [f"/rooms/bench-{number:02}/" for number in range(2, 2 + SWITCHES)],
        )
        switch(
            run,
            page,
            cdp,
            "20 times between three rooms",
            [f"/rooms/bench-{19 + number % 3}/" for number in range(SWITCHES)],
        )
        browser_version = browser.version
        browser.close()
    FILE.write_text(written(run, browser_version))
    sys.stdout.write(FILE.read_text())


def sign_in(page: Page) -> None:
    """Sign in as Alice."""
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def load(page: Page, run: Run) -> None:
    """Open the busy room as a new page, and wait for its first message and for its connection."""
    page.goto(BUSY, wait_until="commit")
    page.evaluate(FIRST_MESSAGE)
    connected(page)
    run.level.append(page.evaluate("() => performance.now()"))
    run.painted.append(page.evaluate(PAINTED))


def live(run: Run, page: Page, cdp: CDPSession) -> None:
    """Look at the newest line while messages come in."""
    before = newest(page)
    begin = time.monotonic()
    page.wait_for_timeout(LIVE_SECONDS * 1000)
    rate = (newest(page) - before) / (time.monotonic() - begin)
    note(
        run,
        page,
        cdp,
        f"{LIVE_SECONDS} s at the newest line, while messages come in",
        f"{rate:.0f} messages/s shown",
    )


def scroll(run: Run, page: Page, cdp: CDPSession) -> None:
    """Turn the wheel into the past, while messages still come in."""
    before = newest(page)
    page.locator(".timeline__scroll").hover()
    for _ in range(WHEELS):
        page.mouse.wheel(0, -WHEEL_PX)
        page.wait_for_timeout(WHEEL_EVERY_MS)
    oldest = int(page.locator(".timeline .message").first.get_attribute("data-number") or 0)
    note(
        run,
        page,
        cdp,
        f"{WHEELS} wheel turns into the past, while messages come in",
        f"{before - oldest} messages back",
    )


def switch(run: Run, page: Page, cdp: CDPSession, name: str, paths: list[str]) -> None:
    """Go from room to room."""
    times = [page.evaluate(SWITCH, path) for path in paths]
    note(run, page, cdp, name, f"median {median(times):.0f} ms, slowest {max(times):.0f} ms")


def newest(page: Page) -> int:
    """Return the number of the newest message on the page."""
    return int(
        page.locator(".timeline .message[data-number]:not([data-number=''])").last.get_attribute(
            "data-number"
        )
        or 0
    )


def note(run: Run, page: Page, cdp: CDPSession, name: str, more: str = "") -> None:
    """Read what the page did since the last record, and what it holds after a garbage collection."""
    tasks = page.evaluate("() => tasks.splice(0)")
    cdp.send("HeapProfiler.collectGarbage")
    heap: dict[str, Any] = cdp.send("Runtime.getHeapUsage")
    nodes = page.evaluate("() => document.querySelectorAll('*').length")
    run.records.append(
        Record(
            name,
            tasks,
            heap["usedSize"] / 1e6,
            nodes,
            page.locator(".timeline .message").count(),
            more,
        )
    )


@contextmanager
def posting(site: ServerProcess) -> Iterator[None]:
    """Let others talk in the busy room, at RATE messages a second."""
    done = threading.Event()
    tokens = [issued(site, name) for name in AUTHORS[1:]]
    room = room_id(site, tokens[0])
    threads = [
        threading.Thread(
            target=post, args=(site, tokens[number % len(tokens)], room, done, number), daemon=True
        )
        for number in range(POSTERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def post(site: ServerProcess, token: str, room: int, done: threading.Event, number: int) -> None:
    """Post this socket's share of the rate."""
    with connect(
        f"{site.sockets}/ws/chat/", additional_headers={"Authorization": f"Bearer {token}"}
    ) as socket:
        socket.recv()
        sent = 0
        begin = time.monotonic()
        while not done.is_set():
            sent += 1
            body = f"Line {sent} of {number}: is that **you** over there, or only the radio?"
            socket.send(
                json.dumps(
                    {
                        "id": sent,
                        "command": "message.post",
                        "room": room,
                        "key": str(uuid4()),
                        "body": body,
                    }
                )
            )
            with suppress(TimeoutError):  # the rate does not wait for replies
                while True:
                    socket.recv(timeout=0)
            done.wait(max(0.0, begin + sent * POSTERS / RATE - time.monotonic()))


def issued(site: ServerProcess, name: str) -> str:
    """Return an access token of a user."""
    command = [sys.executable, "manage.py", "issue_token", name]
    return subprocess.run(
        command, cwd=ROOT, env=site.env, check=True, capture_output=True, text=True
    ).stdout.split()[-1]


def room_id(site: ServerProcess, token: str) -> int:
    """Return the id of the busy room."""
    rooms = httpx.get(
        f"{site.origin}/api/rooms/", headers={"Authorization": f"Bearer {token}"}
    ).json()["rooms"]
    return next(int(each["room"]["id"]) for each in rooms if each["room"]["slug"] == "bench-01")


def written(run: Run, browser: str) -> str:
    """Return the record as a page of the documents."""
    where = environment()
    machine = where["machine"]
    load_average = ", ".join(str(each) for each in machine["load_average"])
    lines = [
        "# The page in a browser",
        "",
        f"`make bench-browser`, {where['date']}, commit `{where['commit']}`: {ROOMS} rooms and "
        f"{MESSAGES:,} messages, one process on",
        f"SQLite, Chromium {browser} without a window (1280 × 800), {machine['cpu']}, "
        f"{machine['cores']} cores shared by everything,",
        f"load average {load_average}. While messages come in, {POSTERS} sockets post {RATE} a "
        f"second into the open room.",
        "",
        f"First paint of the room with its messages: median **{median(run.painted):.0f} ms**,",
        f"slowest {max(run.painted):.0f} ms of {LOADS} loads; connected after "
        f"{median(run.level):.0f} ms.",
        "",
        "| action | | long tasks | in total | longest | heap | elements | messages in the page |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
        *(row(record) for record in run.records),
        "",
        "A long task blocks the page for more than 50 ms. The heap is measured after a garbage "
        "collection.",
        "",
    ]
    return "\n".join(lines)


def row(record: Record) -> str:
    """Return one line of the table."""
    longest = f"{max(record.tasks):.0f} ms" if record.tasks else "–"
    cells = [
        record.name,
        record.more,
        str(len(record.tasks)),
        f"{sum(record.tasks):.0f} ms",
        longest,
        f"{record.heap_mb:.1f} MB",
        f"{record.nodes:,}",
        str(record.messages),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
