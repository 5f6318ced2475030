"""Wrong settings, and the sentence of ``manage.py check --deploy`` that names each."""

import os
import re
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import ERROR, CheckMessage
from django.test import override_settings

from realtime.site import checks
from realtime.site.checks import timeouts
from tests.support.server import ROOT

GOOD = {
    "SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "chat.example.org,10.0.0.11,web-1.internal",
    "ALLOWED_ORIGINS": "https://chat.example.org",
    "DATABASE_URL": "postgres://holdfast:secret@db.example.org/holdfast",
    "CHANNEL_LAYER_URL": "redis://:secret@redis.example.org/0",
    "CACHE_URL": "redis://:secret@redis.example.org/1",
    "HOLDFAST_TRUST_PROXY": "true",
    "HOLDFAST_TRUSTED_PROXIES": "10.0.0.0/8",
    "HOLDFAST_PROCESSES": "3",
    "HOLDFAST_HOSTS": "2",
}
MEMORY = {"CHANNEL_LAYER_URL": "", "CACHE_URL": ""}


@pytest.fixture
def findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Findings":
    return Findings(tmp_path, monkeypatch)


class Findings:
    """Runs the checks on an environment."""

    def __init__(self, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._var = var
        self._patch = monkeypatch

    def __call__(self, change: Mapping[str, str]) -> list[CheckMessage]:
        """Read the settings from an environment as a process does, and run every check on them."""
        for name in [*os.environ]:
            if name.startswith("HOLDFAST_"):
                self._patch.delenv(name)
        for name, value in {**GOOD, "HOLDFAST_VAR_DIR": str(self._var), **change}.items():
            self._patch.setenv(name, value)
        # It has read the environment of this process.
        self._patch.delitem(sys.modules, "realtime.site.options", raising=False)
        read = runpy.run_path(str(ROOT / "realtime" / "settings.py"))
        engine = read.pop("DATABASES")["default"]["ENGINE"]
        self._patch.setitem(settings.DATABASES["default"], "ENGINE", engine)
        given = {
            name: value
            for name, value in read.items()
            if name.isupper() and name not in {"INSTALLED_APPS", "LOGGING", "BASE_DIR"}
        }
        with override_settings(**given):
            return [
                message
                for check in [*checks.AT_EVERY_START, *checks.BEFORE_A_DEPLOY]
                for message in check(None)
            ]


def test_good_settings_are_silent(findings: Findings) -> None:
    assert findings({}) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({**MEMORY, "HOLDFAST_PROCESSES": "1"}, "The channel layer is memory://, but 2 processes"),
        ({**MEMORY, "HOLDFAST_PROCESSES": "1"}, "Sessions are cached in the memory of each of 2"),
        (
            {**MEMORY, "HOLDFAST_HOSTS": "1", "HOLDFAST_PROCESSES": "2"},
            "memory://, but 2 processes",
        ),
        ({"DATABASE_URL": ""}, "The database is SQLite, but 2 machines are declared"),
        ({"HOLDFAST_TRUST_PROXY": "false"}, "every page redirects to itself"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty: every page is answered with 400"),
        ({"ALLOWED_HOSTS": "chat.example.com"}, "ALLOWED_ORIGINS contains chat.example.org, but"),
        ({"ALLOWED_HOSTS": "https://chat.example.org"}, "a host name without scheme and port"),
        ({"ALLOWED_HOSTS": "chat.example.org:443"}, "a host name without scheme and port"),
        ({"ALLOWED_ORIGINS": ""}, "ALLOWED_ORIGINS is empty: no browser can open a WebSocket"),
        ({"ALLOWED_ORIGINS": "http://chat.example.org"}, "an attacker on the network"),
        ({"HOLDFAST_TRUSTED_PROXIES": "0.0.0.0/0"}, "any client can claim any address"),
        ({"HOLDFAST_TRUSTED_PROXIES": "10.0.0.1,::/0"}, "HOLDFAST_TRUSTED_PROXIES contains ::/0"),
        ({"HOLDFAST_PING_AFTER_SECONDS": "100"}, "closes every silent socket before its ping"),
        ({"HOLDFAST_LONG_POLL_MAX_SECONDS": "300"}, "the proxy answers long polls with 504"),
        ({"HOLDFAST_PROXY_SECONDS": "20"}, "HOLDFAST_PING_AFTER_SECONDS is 25, but"),
        ({"DRAIN_SECONDS": "120"}, "TimeoutStopSec, compose: stop_grace_period, Kubernetes: term"),
        ({"HOLDFAST_STOP_SECONDS": "10"}, "the supervisor kills nodes that still have clients"),
        ({"SECRET_KEY": "changeme"}, "SECRET_KEY is a default value or easy to guess"),
        ({"HOLDFAST_DATABASE_POOL": "5"}, "HOLDFAST_DATABASE_POOL is 5: expected at least"),
    ],
)
def test_what_cannot_work_is_refused(
    findings: Findings, change: dict[str, str], sentence: str
) -> None:
    found = [each for each in findings(change) if each.level >= ERROR]
    assert any(sentence in f"{each.msg} {each.hint}" for each in found), found
    assert all(each.hint for each in found)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS contains *: a request may claim any host name"),
        ({"ALLOWED_HOSTS": "chat.example.org,chat.example.com"}, "ALLOWED_HOSTS contains chat.ex"),
        ({"METRICS_NETWORKS": "0.0.0.0/0"}, "METRICS_NETWORKS contains 0.0.0.0/0: anyone"),
        ({"METRICS_NETWORKS": "128.0.0.0/1"}, "METRICS_NETWORKS contains 128.0.0.0/1: anyone"),
        ({"HOLDFAST_PROCESSES": "9"}, "HOLDFAST_DATABASE_POOL is 12 for each of 9 processes, 108"),
        ({"HOLDFAST_DATABASE_MAX_CONNECTIONS": "40"}, "PostgreSQL accepts 40 connections"),
        ({"CHANNEL_LAYER_URL": "redis://redis.example.org"}, "CHANNEL_LAYER_URL has no password"),
        ({"CHANNEL_LAYER_URL": "amqp://guest:guest@r/%2F"}, "CHANNEL_LAYER_URL has no password"),
        ({"CHANNEL_LAYER_URL": "redis+sentinel://a,b/main/0"}, "CHANNEL_LAYER_URL has no password"),
        ({"CACHE_URL": "rediss://redis.example.org/1"}, "CACHE_URL has no password"),
        ({"HOLDFAST_HTTPS": "false"}, "cookies are sent over plain HTTP too"),
        (
            {"HOLDFAST_HTTPS": "false", "HOLDFAST_TRUST_PROXY": "false"},
            "all visitors have the proxy's address or none, and so share the limits",
        ),
        ({"DEBUG": "true"}, "DEBUG is on: error pages show settings"),
        ({"DATABASE_URL": "", "HOLDFAST_HOSTS": "1"}, "DATABASE_URL is SQLite, but HOLDFAST_PROC"),
        ({"HOLDFAST_HOSTS": "4"}, "HOLDFAST_HOSTS is 4, but HOLDFAST_PROCESSES is 3"),
        ({"HOLDFAST_MAX_BODY_BYTES": "9000000"}, "but nginx/ refuses more than 2621440"),
        ({"HOLDFAST_MAX_SOCKETS_PER_USER": "500"}, "but nginx/ refuses more than 60"),
    ],
)
def test_what_will_hurt_is_a_warning(
    findings: Findings, change: dict[str, str], sentence: str
) -> None:
    found = findings(change)
    assert any(sentence in f"{each.msg} {each.hint}" for each in found), found
    assert all(each.hint for each in found)


@pytest.mark.parametrize(
    "change",
    [
        {"CHANNEL_LAYER_URL": "unix:///run/redis.sock", "CACHE_URL": "redis://localhost/1"},
        {"CHANNEL_LAYER_URL": "redis+sentinel://:secret@a,b/main/0"},
        {"ALLOWED_HOSTS": ".example.org"},
        {"ALLOWED_ORIGINS": "https://[::1]:8443,https://chat.example.org", "ALLOWED_HOSTS": "*"},
        {"HOLDFAST_TRUSTED_PROXIES": "10.0.0.1,fc00::/7", "METRICS_NETWORKS": "192.168.0.0/16"},
        {"DRAIN_SECONDS": "120", "HOLDFAST_STOP_SECONDS": "150"},
        {"HOLDFAST_LONG_POLL_MAX_SECONDS": "300", "HOLDFAST_PROXY_SECONDS": "310"},
    ],
)
def test_what_works_is_not_refused(findings: Findings, change: dict[str, str]) -> None:
    assert [each for each in findings(change) if each.id != "holdfast.W002"] == []


def test_the_checks_know_the_limits_of_nginx() -> None:
    templates = {path.name: path.read_text() for path in (ROOT / "nginx").glob("*.template")}
    text = "\n".join(templates.values())
    variables = (ROOT / "nginx" / "variables.env").read_text()
    [patience] = re.findall(r"^NGINX_READ_TIMEOUT='(\d+)s'$", variables, re.MULTILINE)
    assert int(patience) == settings.HOLDFAST_PROXY_SECONDS
    assert set(re.findall(r"proxy_(?:read|send)_timeout (\S+);", text)) == {
        "${NGINX_READ_TIMEOUT}",
        "10s",  # of the probes
    }
    assert f"client_max_body_size {timeouts.NGINX_BODY_BYTES};" in text
    assert f"holdfast_connections {timeouts.NGINX_CLIENT_CONNECTIONS};" in text
    assert f"zone=holdfast_requests:10m rate={timeouts.NGINX_CLIENT_REQUESTS}r/s;" in text
