"""Upgrade a cluster node by node while people talk, from an earlier version: upgrade-test.

The cluster begins with the code of REF, its database too. Then come the migrations of this
checkout, under running nodes, and then each node is replaced in turn, so that old and new code run
together on the new tables. At every step everyone posts, edits, reacts and reads over every node.
At the end one node goes back to the old code, as it would after a bad release.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from tests.conformance.client import Client, Cut, Refused
from tests.drills.restore import PEOPLE, Failed, connection, make_room, say
from tests.support.cluster import Cluster
from tests.support.ledger import MessageLedger, all_hold, more, talking
from tests.support.server import ROOT

RELEASES = 2  # from which an upgrade is promised
MIGRATIONS = ("realtime", "notifications", "chat")
# Read on every node at every step, with a token.
PATHS = (
    "/api/rooms/",
    "/api/rooms/{room}/",
    "/api/rooms/{room}/messages",
    "/api/rooms/{room}/members",
    "/api/streams/room.{room}/events?after=0",
    "/api/rooms/directory",
    "/api/search?q=edited",
    "/api/inbox/",
    "/api/announcements/",
    "/healthz",
)


async def upgrade(old: Path, directory: Path) -> None:
    """Run the whole upgrade. Raises ``Failed``."""
    cluster = Cluster(directory / "site", settings={"DRAIN_SECONDS": "1"}, code=old)
    await asyncio.to_thread(cluster.__enter__)
    try:
        room = await asyncio.to_thread(make_room, cluster)
        clients = [connection(cluster, person, room) for person in PEOPLE]
        for client in clients:
            await client.connect()
        async with talking(clients, room, "all along") as ledger:
            await _step("old nodes, old tables", cluster, room, clients, ledger)
            cluster.shape = replace(cluster.shape, code=ROOT)
            for command in ("migrate", "collectstatic"):
                await asyncio.to_thread(
                    cluster.shape.manage, command, "--no-input", "--verbosity", "0"
                )
            await _step("old nodes, new tables", cluster, room, clients, ledger)
            for name in cluster.shape.node_names:
                await asyncio.to_thread(cluster.deploy, name, ROOT)
                await _step(f"{name} is new", cluster, room, clients, ledger)
            await asyncio.to_thread(cluster.deploy, cluster.socket_names[0], old)
            await _step(f"{cluster.socket_names[0]} is old again", cluster, room, clients, ledger)
        token = cluster.people["alice"].token
        await all_hold(cluster.origin, token, f"room.{room}", clients, ledger)
        for client in clients:
            await client.close()
        breaches = [breach for client in clients for breach in client.breaches]
        if breaches:
            raise Failed(f"a client saw what the protocol forbids: {breaches[:3]}")
        say(f"  {len(ledger)} messages acknowledged, 0 lost")
    finally:
        await asyncio.to_thread(cluster.close)


async def _step(
    name: str, cluster: Cluster, room: int, clients: Sequence[Client], ledger: MessageLedger
) -> None:
    """Do everything over every node, while posts go on."""
    for client in clients:
        await _act(client, room)
    for node in cluster.shape.node_names:
        for person in PEOPLE:
            await asyncio.to_thread(_read, cluster, node, person, room)
    await more(ledger)
    errors = [
        line
        for node in cluster.shape.node_names
        for line in cluster[node].log.splitlines()
        if '"level": "ERROR"' in line or '"level":"ERROR"' in line
    ]
    if errors:
        raise Failed(f"{name}: a node logged {errors[0][:500]}")
    say(f"  {name:<26} {len(ledger)} messages acknowledged")


async def _act(client: Client, room: int) -> None:
    """Edit, react, read and mention."""
    message = await client.post(room, f"to be edited {len(client.copies[f'room.{room}'].rows)}")
    edited = f"{message['body']}, edited, for @bob"
    await client.insist("message.edit", message=message["id"], body=edited)
    await client.insist("message.react", message=message["id"], emoji="👍", on=True)
    await client.insist("room.read", room=room, number=message["number"])


def _read(cluster: Cluster, node: str, person: str, room: int) -> None:
    headers = {"Authorization": f"Bearer {cluster.people[person].token}"}
    with cluster.direct(node, headers=headers) as http:
        for path in PATHS:
            answer = http.get(path.format(room=room))
            if answer.status_code != httpx.codes.OK:
                raise Failed(f"{node} answered {path} with {answer.status_code}: {answer.text}")


@contextmanager
def checkout(ref: str) -> Iterator[Path]:
    """Make a worktree of ``ref`` for a while."""
    with tempfile.TemporaryDirectory(prefix="holdfast-old-") as directory:
        path = Path(directory) / "holdfast"
        _git("worktree", "add", "--detach", str(path), ref)
        try:
            yield path
        finally:
            _git("worktree", "remove", "--force", str(path))


def earlier() -> list[str]:
    """The last releases, or, as long as there is none, the version before the last migration."""
    releases = _git("tag", "--merged", "HEAD^", "--sort=-version:refname", "--list", "v*").split()
    if releases:
        return releases[:RELEASES]
    commit, *changes = _git(
        "log", "-1", "--format=%h", "--name-status", "--", *migrations(ROOT)
    ).split()
    return [f"{commit}^" if "A" in changes else commit]


def migrations(path: Path) -> dict[str, str]:
    """The migrations of a checkout, with their code."""
    return {
        str(each.relative_to(path)): each.read_text()
        for app in MIGRATIONS
        for each in (path / app / "migrations").glob("0*.py")
    }


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Upgrade from ``--ref``, or from the last two releases, and return an exit code."""
    parser = argparse.ArgumentParser(prog="make upgrade-test")
    parser.add_argument("--ref", default="", help="a tag, branch or commit")
    ref = parser.parse_args(arguments).ref
    return max(upgrade_from(each) for each in ([ref] if ref else earlier()))


def upgrade_from(ref: str) -> int:
    """Upgrade from one version, and return an exit code."""
    with checkout(ref) as old, tempfile.TemporaryDirectory(prefix="holdfast-site-") as directory:
        before, now = migrations(old), migrations(ROOT)
        if changed := [name for name, code in before.items() if now.get(name) != code]:
            say(f"{ref} has other migrations than this checkout: {', '.join(changed)}.")
            say("A released migration is never changed or removed. REF= names another version.")
            return 2
        say(f"Upgrade from {ref}, with {len(now) - len(before)} new migrations")
        try:
            asyncio.run(upgrade(old, Path(directory)))
        except (Failed, Refused, Cut, TimeoutError, RuntimeError, AssertionError) as error:
            say(f"  FAILED  {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
