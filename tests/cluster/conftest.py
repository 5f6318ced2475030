"""One cluster for all tests here; each test has its own room and restores the cluster."""

import itertools
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.conformance.client import Client
from tests.support.certificates import make_certificate
from tests.support.cluster import PASSWORD, Cluster, join

DRAIN_SECONDS = 2
LINGER_SECONDS = 4  # instead of 15: a test waits for it
LOCK_SECONDS = 2  # instead of 5, likewise
SETTINGS = {
    "HOLDFAST_LOCK_SECONDS": str(LOCK_SECONDS),
    "DRAIN_SECONDS": str(DRAIN_SECONDS),
    "HOLDFAST_PRESENCE_LINGER_SECONDS": str(LINGER_SECONDS),
}
POST_SECONDS = 60.0  # in which a database that was away is back
CROWD = 20
MAX_TRIES = 40  # cookies until one leads to the wanted node


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two socket nodes and a web node, in a directory with a space in its name."""
    with Cluster(tmp_path_factory.mktemp("cluster") / "of tests", settings=SETTINGS) as found:
        yield found


@pytest.fixture(scope="session")
def crowd(cluster: Cluster) -> list[str]:
    """Many people, because nginx and the nodes limit what one of them may do at once."""
    names = [f"member{number}" for number in range(CROWD)]
    cluster.people.update(cluster.add_people(*names))
    return names


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    make_certificate(directory)
    return directory


def again(http: httpx.Client, path: str, content: dict[str, object]) -> httpx.Response:
    """Post as a client does: again while the database is away, or has just been replaced."""
    deadline = time.monotonic() + POST_SECONDS
    while True:
        answer = http.post(path, json=content)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return answer.raise_for_status()
        assert time.monotonic() < deadline, answer.text
        time.sleep(float(answer.headers.get("Retry-After", 0.2)))


@dataclass
class Desk:
    """The actions of people on the cluster: over HTTP and sockets, through nginx."""

    cluster: Cluster
    clients: list[Client] = field(default_factory=list)
    _cookies: dict[str, str] = field(default_factory=dict)
    _rooms: Iterator[int] = field(default_factory=itertools.count)

    def http(self, person: str) -> httpx.Client:
        """A program of this person."""
        headers = {"Authorization": f"Bearer {self.cluster.people[person].token}"}
        return httpx.Client(base_url=self.cluster.origin, headers=headers, timeout=20)

    def room(self, *members: str, owner: str = "alice", kind: str = "public") -> int:
        """Make a room with members, and return its id."""
        with self.http(owner) as http:
            made = again(
                http, "/api/rooms/", {"name": f"Room {secrets.token_hex(4)}", "kind": kind}
            )
            room = int(made.json()["room"]["id"])
            for member in members:
                if kind == "private":
                    http.post(
                        f"/api/rooms/{room}/members", json={"username": member}
                    ).raise_for_status()
                join(self.cluster.origin, self.cluster.people[member], room)
        return room

    def post(self, person: str, room: int, body: str, **options: object) -> dict[str, object]:
        """Post by HTTP. Return the message."""
        with self.http(person) as http:
            command = {
                "id": 1,
                "command": "message.post",
                "room": room,
                "key": secrets.token_hex(16),
                "body": body,
                **options,
            }
            answer = again(http, "/api/commands", command)
        found: dict[str, object] = answer.json()["data"]["message"]
        return found

    async def client(self, person: str, room: int, node: str | None = None) -> Client:
        """Connect this person and subscribe to the room, on a certain node where one is named."""
        cookie = {"Cookie": f"holdfast_node={await self.cookie_to(node)}"} if node else {}
        token = self.cluster.people[person].token
        client = Client(f"{self.cluster.sockets}/ws/chat/", token, [f"room.{room}"], cookie)
        await client.connect()
        self.clients.append(client)
        assert node in (None, client.hello["node"])
        return client

    async def cookie_to(self, node: str) -> str:
        """Find a sticky cookie that leads to a node."""
        for _ in range(MAX_TRIES):
            if node in self._cookies:
                break
            value = secrets.token_hex(16)
            probe = Client(
                f"{self.cluster.sockets}/ws/chat/",
                self.cluster.people["alice"].token,
                [],
                {"Cookie": f"holdfast_node={value}"},
            )
            await probe.connect()
            self._cookies.setdefault(probe.hello["node"], value)
            await probe.close()
        return self._cookies[node]

    def sign_in(self, person: str) -> httpx.Client:
        """Sign in as a browser does, and return it with its cookies."""
        browser = httpx.Client(
            base_url=self.cluster.origin, timeout=20, headers={"Referer": self.cluster.origin}
        )
        browser.get("/accounts/login/").raise_for_status()
        form = {
            "username": person,
            "password": PASSWORD,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        assert browser.post("/accounts/login/", data=form).status_code == httpx.codes.FOUND
        return browser

    def sign_out(self, browser: httpx.Client) -> None:
        """Sign out as a browser does."""
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("/accounts/logout/", data=form).status_code == httpx.codes.FOUND

    async def close(self) -> None:
        """Leave. Raises for what a client saw that the protocol forbids."""
        for client in self.clients:
            await client.close()
        breaches = [breach for client in self.clients for breach in client.breaches]
        assert breaches == []


@pytest.fixture
async def desk(cluster: Cluster) -> AsyncIterator[Desk]:
    found = Desk(cluster)
    yield found
    await found.close()
