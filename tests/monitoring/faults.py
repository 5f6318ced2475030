"""Faults that the chaos suite has not: they break no promise, but someone should be notified."""

import asyncio
import os
import random
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.chaos.crowd import Crowd
from tests.chaos.faults import Inflict
from tests.chaos.history import Fault

FAULTS: dict[str, Inflict] = {}
OLDER = "tests.monitoring.older_settings"
NODE = "socket-2"  # to which the faults of single nodes happen
SPARE_DESCRIPTORS = 12  # for the connections of Prometheus
STOPPED_SECONDS, RUNNING_SECONDS = 0.9, 0.4  # of a node that gets a third of a processor
PAUSE_SECONDS = 0.05
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


@fault("give a node too little processor")
@asynccontextmanager
async def slow_node(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    pid = crowd.stage.cluster[NODE].pid

    async def hold_back() -> None:
        try:
            while True:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(STOPPED_SECONDS)
                os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(RUNNING_SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)

    async with alongside(asyncio.create_task(hold_back())):
        yield


@fault("leave a node few file descriptors")
@asynccontextmanager
async def few_descriptors(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    process = psutil.Process(crowd.stage.cluster[NODE].pid)
    before = process.rlimit(resource.RLIMIT_NOFILE)
    process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds() + SPARE_DESCRIPTORS, before[1]))
    try:
        yield
    finally:
        process.rlimit(resource.RLIMIT_NOFILE, before)


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


@fault("break a page of the web node")
@asynccontextmanager
async def broken_page(crowd: Crowd, rnd: random.Random, _: Fault) -> AsyncIterator[None]:
    """Its table is gone, and its users ask for it again and again."""
    headers = {"Authorization": f"Bearer {crowd.alice.token}"}
    address = f"{crowd.stage.cluster.origin}/api/rooms/{crowd.hall}/invitations"

    async def ask() -> None:
        async with httpx.AsyncClient(headers=headers) as http:
            while True:
                await http.get(address)
                await asyncio.sleep(PAUSE_SECONDS)

    async with await connection(crowd) as other:
        await other.execute("ALTER TABLE chat_invitelink RENAME TO chat_gone")
        try:
            async with alongside(asyncio.create_task(ask())):
                yield
        finally:
            await other.execute("ALTER TABLE chat_gone RENAME TO chat_invitelink")


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
