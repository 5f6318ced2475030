"""``manage.py doctor`` on a real cluster: nothing to say when all is well, a sentence when not."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.cluster import Cluster
from tests.support.server import ROOT

PATIENCE_SECONDS = 120
Findings = list[dict[str, Any]]


def doctor(cluster: Cluster, *only: str, env: Mapping[str, str] | None = None) -> Findings:
    """Return what the doctor finds; its exit code agrees."""
    chosen = [part for name in only for part in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", *chosen],
        cwd=ROOT,
        env={**cluster.shape.environment, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    found: Findings = json.loads(done.stdout)
    assert done.returncode == int(any(each["level"] == "fail" for each in found))
    assert all(each["todo"] for each in found if each["level"] != "ok")
    return found


def lines(found: Findings, level: str) -> str:
    return "\n".join(each["text"] for each in found if each["level"] == level)


def test_a_healthy_cluster_gets_no_complaint(cluster: Cluster) -> None:
    found = doctor(cluster, "database", "broker", "cache", "origin")
    assert lines(found, "fail") == ""
    well = lines(found, "ok")
    for sentence in (
        "encoding UTF8, collation C.UTF-8",
        "primary, writable",
        "3 processes × HOLDFAST_DATABASE_POOL 12 = 36 connections of 197",
        "all migrations are applied",
        "its clock agrees with ours",
        "a message came back in",
        "a key was written and read",
        "nodes see the scheme, the host, and our address as 127.0.0.1",
        "a WebSocket opens",
    ):
        assert sentence in well, well
    # The server of the tests is fast and forgets at a crash.
    assert "a crash of its machine loses acknowledged messages" in lines(found, "warn")


@pytest.mark.parametrize(
    ("probe", "change", "sentence"),
    [
        ("database", {"HOLDFAST_PROCESSES": "30"}, "= 360 connections, but max_connections allows"),
        ("database", {"DATABASE_URL": "{ascii}"}, "the encoding is SQL_ASCII"),
        ("database", {"DATABASE_URL": "postgres://x@127.0.0.1:9/x"}, "cannot connect"),
        ("broker", {"CHANNEL_LAYER_URL": "memory://"}, "memory://, but 3 processes are declared"),
        ("broker", {"CHANNEL_LAYER_URL": "redis://127.0.0.1:9"}, "a message through the channel"),
        ("cache", {"CACHE_URL": "redis://127.0.0.1:9"}, "cannot write and read a key"),
        ("origin", {"ALLOWED_ORIGINS": "http://localhost:9"}, "cannot be reached"),
        # Another name of this machine, which ALLOWED_HOSTS does not have.
        ("origin", {"ALLOWED_ORIGINS": "http://0x7f000001:{port}"}, "7f000001:{port} answers 400"),
    ],
)
def test_a_fault_is_named(
    cluster: Cluster, probe: str, change: dict[str, str], sentence: str
) -> None:
    ascii_url = cluster.postgres.url.replace("/holdfast?", "/ascii?")
    if change.get("DATABASE_URL") == "{ascii}":
        cluster.shape.manage(
            "shell",
            "--no-imports",
            "--command",
            "from django.db import connection; connection.cursor().execute("
            "\"CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0\")",
        )
    names = {"ascii": ascii_url, "port": str(cluster.shape.port)}
    env = {name: value.format(**names) for name, value in change.items()}
    assert sentence.format(**names) in lines(doctor(cluster, probe, env=env), "fail")


def test_a_broker_that_hangs_does_not_hold_the_doctor(cluster: Cluster) -> None:
    with cluster.redis_frozen():
        failed = lines(doctor(cluster, "broker", "cache"), "fail")
    assert "a message through the channel layer failed" in failed
    assert "cannot write and read a key" in failed
