"""Faults that the chaos suite has not: they break no promise, but someone should be notified."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.chaos.crowd import Crowd
from tests.chaos.faults import Inflict
from tests.chaos.faults.database import LEVEL_SECONDS
from tests.chaos.history import Fault

FAULTS: dict[str, Inflict] = {}
OLDER = "tests.monitoring.older_settings"
NODE = "socket-2"  # to which the faults of single nodes happen
PAUSE_SECONDS = 0.05
ASKERS = 8  # for one page; with four requests each, more than may run and wait
LOST_SECONDS = 4.0  # of posts that the older copy does not have
GOOD_DAYS, BAD_DAYS = 80, 7  # that a certificate is still valid


def fault(name: str) -> "Decorator":
    """Declare a fault by the name that it has in the table."""
    return Decorator(name)


class Decorator:
    """Puts a fault into ``FAULTS``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, inflict: Inflict) -> Inflict:
        FAULTS[self._name] = inflict
        return inflict


@fault("run an older version on one node")
@asynccontextmanager
async def older_version(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    node = crowd.stage.cluster[NODE]
    before = node.env["DJANGO_SETTINGS_MODULE"]
    node.env["DJANGO_SETTINGS_MODULE"] = OLDER
    try:
        await asyncio.to_thread(crowd.stage.cluster.restart, NODE)
        yield
    finally:
        node.env["DJANGO_SETTINGS_MODULE"] = before
        await asyncio.to_thread(crowd.stage.cluster.restart, NODE)


@fault("start a node again and again")
@asynccontextmanager
async def restarts(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    async def restart() -> None:
        for _ in range(5):
            await asyncio.to_thread(crowd.stage.cluster.restart, NODE)
            await asyncio.sleep(2)  # for Prometheus to see it

    async with alongside(asyncio.create_task(restart()), finish=True):
        yield


@fault("make PostgreSQL read-only")
@asynccontextmanager
async def read_only(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    async with await connection(crowd) as other:
        await other.execute("SET default_transaction_read_only = off")
        await other.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await other.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            await other.execute("ALTER SYSTEM RESET default_transaction_read_only")
            await other.execute("SELECT pg_reload_conf()")


@fault("put an older copy of PostgreSQL back")
@asynccontextmanager
async def older_copy(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    """Ids of lost messages are used again: nobody may change a message that is no longer theirs."""
    cluster = crowd.stage.cluster
    async with crowd.only_posts():
        since = time.monotonic()
        await asyncio.to_thread(cluster.keep_copy)
        await asyncio.sleep(LOST_SECONDS)
        await asyncio.to_thread(cluster.put_copy_back)
        back = time.monotonic()
        try:
            yield
        finally:
            await crowd.level(LEVEL_SECONDS)
            await asyncio.to_thread(crowd.forget_lost, since, back)


@fault("break a page of the web node")
@asynccontextmanager
async def broken_page(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    """Its table is gone, and its users ask for it again and again."""
    address = f"/api/rooms/{crowd.hall}/invitations"
    async with await connection(crowd) as other:
        await other.execute("ALTER TABLE chat_invitelink RENAME TO chat_gone")
        try:
            async with alongside(asyncio.create_task(ask(crowd, address, crowd.alice.token))):
                yield
        finally:
            await other.execute("ALTER TABLE chat_gone RENAME TO chat_invitelink")


@fault("look people up all day")
@asynccontextmanager
async def directory_reader(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    """A program reads the list of people again and again; ``run`` sets a low limit."""
    async with alongside(asyncio.create_task(ask(crowd, "/api/users/?q=al", crowd.alice.token))):
        yield


@fault("guess tokens")
@asynccontextmanager
async def guesser(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    async with alongside(asyncio.create_task(ask(crowd, "/api/rooms/", "hf_guessed"))):
        yield


@fault("hold a page of the web node")
@asynccontextmanager
async def held_page(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    """Its table is locked, and many people ask for it."""
    names = [f"asker-{number}" for number in range(ASKERS)]
    people = await asyncio.to_thread(crowd.stage.cluster.add_people, *names)
    tokens = [person.token for person in people.values()]
    async with await connection(crowd, autocommit=False) as other, AsyncExitStack() as stack:
        await other.execute("LOCK TABLE chat_heldpost IN ACCESS EXCLUSIVE MODE")
        for token in tokens * 4:
            task = asyncio.create_task(ask(crowd, "/api/held-posts/", token))
            await stack.enter_async_context(alongside(task))
        yield


async def ask(crowd: Crowd, path: str, token: str) -> None:
    """Ask for something again and again, until the task is cancelled."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as http:
        while True:
            with suppress(httpx.HTTPError):
                await http.get(f"{crowd.stage.cluster.origin}{path}")
            await asyncio.sleep(PAUSE_SECONDS)


@fault("start no timer for three days")
@asynccontextmanager
async def no_timer(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    update = "UPDATE realtime_job SET expected_since = expected_since + %s * interval '1 day'"
    async with await connection(crowd) as other:
        await other.execute(update, [-3])
        try:
            yield
        finally:
            await other.execute(update, [3])


@fault("renew the certificate too late")
@asynccontextmanager
async def old_certificate(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    file = certificate_file(crowd.stage.cluster.shape.directory)
    write_certificate(file, days=BAD_DAYS)
    try:
        yield
    finally:
        write_certificate(file, days=GOOD_DAYS)


def certificate_file(directory: Path) -> Path:
    """Return where the certificate of a cluster is."""
    return directory / "certificate.pem"


def write_certificate(file: Path, *, days: int) -> None:
    """Write a certificate that is valid for so many more days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))


@asynccontextmanager
async def alongside(task: "asyncio.Task[None]", *, finish: bool = False) -> AsyncIterator[None]:
    """Run a task meanwhile; then wait for its end, or cancel it."""
    try:
        yield
    finally:
        if not finish:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def connection(crowd: Crowd, *, autocommit: bool = True) -> psycopg.AsyncConnection:
    """Connect to the database as an operator with psql would."""
    return await psycopg.AsyncConnection.connect(
        crowd.stage.cluster.postgres.url, autocommit=autocommit
    )
