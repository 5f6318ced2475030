"""``make bench-broadcast``: how long a post takes while a broadcast goes to many people.

A site of the embedded default (one node, SQLite) with a group of that many people. A member posts
one message after the other, first alone, then while ``manage.py broadcast`` notifies the group, then
while ``manage.py recall`` takes it back. The figures are in docs/benchmarks/notes.md.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from typing import NamedTuple

import httpx

from tests.support.demo_site import demo_site
from tests.support.server import ROOT, ServerProcess

PEOPLE = 50_000
EVERY_SECONDS = 0.1
ALONE_POSTS = 100
GROUP = "crowd"


class Posts(NamedTuple):
    """The answer times of posts in seconds, sorted, and how many were refused."""

    seconds: list[float]
    refused: int

    def line(self, name: str, took: float) -> str:
        """Return a row of the table."""
        found = [self.seconds[int(share * (len(self.seconds) - 1))] for share in (0.5, 0.95, 1)]
        times = " | ".join(f"{seconds * 1000:.0f} ms" for seconds in found)
        return f"| {name} | {len(self.seconds)} | {self.refused} | {times} | {took:.0f} s |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--no-recall", action="store_true", help="leave out the recall")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        _fill(options.people)
        return 0
    with demo_site() as site:
        _run(site, sys.executable, "-m", "tests.bench.broadcasting", "--fill", "--people",
             str(options.people))  # fmt: skip
        token = _run(site, sys.executable, "manage.py", "issue_token", "bob").split()[-1]
        out = sys.stdout
        out.write("| meanwhile | posts | refused | median | p95 | longest | took |\n")
        out.write("|---|---|---|---|---|---|---|\n")
        began = time.monotonic()
        posts = _post(site, token, threading.Event(), most=ALONE_POSTS)
        out.write(posts.line("nothing", time.monotonic() - began) + "\n")
        sent = 0
        for name in ("broadcast",) if options.no_recall else ("broadcast", "recall"):
            command = (
                ["broadcast", "The canteen is closed", "--group", GROUP, "--json"]
                if name == "broadcast"
                else ["recall", str(sent), "--json"]
            )
            began = time.monotonic()
            posts, answer = _while(site, token, ["manage.py", *command])
            sent = json.loads(answer)["broadcast"]
            out.write(posts.line(name, time.monotonic() - began) + "\n")
            out.flush()
    return 0


def _fill(people: int) -> None:
    import django

    django.setup()
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import Group, User

    users = User.objects.bulk_create(
        [
            User(username=f"crowd-{number:06d}", password=make_password(None))
            for number in range(people)
        ],
        batch_size=1000,
    )
    Group.objects.create(name=GROUP).user_set.add(*users)


def _while(site: ServerProcess, token: str, command: list[str]) -> tuple[Posts, str]:
    """Post until the command has ended."""
    over = threading.Event()
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=site.env, stdout=subprocess.PIPE, text=True
    )
    answers: list[str] = []

    def wait() -> None:
        answers.append(process.communicate()[0])
        over.set()

    threading.Thread(target=wait).start()
    posts = _post(site, token, over)
    over.wait()
    return posts, answers[0].splitlines()[-1]


def _post(site: ServerProcess, token: str, over: threading.Event, most: int = 10**6) -> Posts:
    seconds: list[float] = []
    refused = 0
    with httpx.Client(
        base_url=site.origin, headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as http:
        rooms = http.get("/api/rooms/").json()["rooms"]
        room = next(item["room"]["id"] for item in rooms if item["membership"])
        while not over.is_set() and len(seconds) < most:
            post = {"id": 1, "command": "message.post", "room": room, "key": str(uuid.uuid4()),
                    "body": f"Number {len(seconds)}"}  # fmt: skip
            began = time.monotonic()
            answer = http.post("/api/commands", json=post).json()
            seconds.append(time.monotonic() - began)
            refused += not answer["ok"]
            over.wait(EVERY_SECONDS)
    return Posts(sorted(seconds), refused)


def _run(site: ServerProcess, *command: str) -> str:
    env = {**os.environ, **site.env, "DJANGO_SETTINGS_MODULE": "realtime.settings"}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
