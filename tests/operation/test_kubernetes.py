"""The Kubernetes manifests refer to what exists, and agree with compose, systemd and settings."""

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve

from realtime import settings as project_settings
from realtime.core.drain import AFTER_DRAIN_SECONDS
from realtime.management.commands.serve import Command
from tests.support.server import ROOT

FOLDER = ROOT / "docs" / "deploy" / "kubernetes"
COMPONENT = "app.kubernetes.io/component"
Object = dict[str, Any]
# Names of our own, from which ALLOWED_HOSTS is made.
PARTS = {"POD_IP", "SITE_HOST"}


def objects(folder: str) -> list[Object]:
    """Return the objects of a folder, each of which its kustomization names."""
    listed = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text())["resources"]
    return [
        found
        for name in listed
        if name.endswith(".yaml")
        for found in yaml.safe_load_all((FOLDER / folder / name).read_text())
    ]


BASE = objects("base")
WORKLOADS = [each for each in BASE if each["kind"] in {"Deployment", "Job", "CronJob"}]
NODES = [each for each in BASE if each["kind"] == "Deployment"]
SECRETS = dict(
    line.split("=", 1) for line in (FOLDER / "example" / "secrets.env").read_text().splitlines()
)


def named(kind: str, name: str) -> Object:
    [found] = [each for each in BASE if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pod(workload: Object) -> Object:
    spec = workload["spec"].get("jobTemplate", workload)["spec"]
    found: Object = spec["template"]["spec"]
    return found


def containers(workload: Object) -> list[Object]:
    return [*pod(workload).get("initContainers", []), *pod(workload)["containers"]]


def node(workload: Object) -> Object:
    [found] = pod(workload)["containers"]
    return dict(found)


SETTINGS: dict[str, str] = named("ConfigMap", "holdfast")["data"]


def values_of(key: str, tree: Any) -> Iterator[Any]:
    """Yield every value of a key, anywhere in an object."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from values_of(key, value)
    elif isinstance(tree, list):
        for value in tree:
            yield from values_of(key, value)


def test_every_file_is_part_of_a_kustomization() -> None:
    for folder in FOLDER.iterdir():
        if folder.is_dir():
            text = (folder / "kustomization.yaml").read_text()
            unused = [
                path.name
                for path in folder.iterdir()
                if path.name != "kustomization.yaml" and path.name not in text
            ]
            assert unused == []


def test_every_setting_exists() -> None:
    known = set(project_settings.env.asked) | PARTS
    assert set(SETTINGS) | set(SECRETS) <= known
    for workload in WORKLOADS:
        for container in containers(workload):
            assert {each["name"] for each in container["env"]} <= known
            sources = [name for each in container["envFrom"] for name in values_of("name", each)]
            assert sources == ["holdfast", "holdfast"]
            for reference in values_of("configMapKeyRef", container):
                assert (reference["name"], reference["key"] in SETTINGS) == ("holdfast", True)


def test_services_find_their_pods_and_ingresses_their_services() -> None:
    labels = {each["spec"]["template"]["metadata"]["labels"][COMPONENT]: each for each in NODES}
    for service in [each for each in BASE if each["kind"] == "Service"]:
        [port] = service["spec"]["ports"]
        target = node(labels[service["spec"]["selector"][COMPONENT]])
        assert port["targetPort"] in {each["name"] for each in target["ports"]}
    for ingress in [each for each in BASE if each["kind"] == "Ingress"]:
        for backend in values_of("service", ingress):
            ports = named("Service", backend["name"])["spec"]["ports"]
            assert backend["port"]["name"] in {each["name"] for each in ports}
    for budget in [each for each in BASE if each["kind"] == "PodDisruptionBudget"]:
        assert budget["spec"]["selector"]["matchLabels"][COMPONENT] in labels
    for workload in NODES:
        wanted = workload["spec"]["selector"]["matchLabels"].items()
        assert wanted <= workload["spec"]["template"]["metadata"]["labels"].items()
    for scaler in objects("autoscaling"):
        assert named("Deployment", scaler["spec"]["scaleTargetRef"]["name"])


@pytest.mark.parametrize("workload", NODES, ids=lambda each: each["metadata"]["name"])
def test_a_node_is_started_and_probed_as_the_code_expects(workload: Object) -> None:
    container = node(workload)
    options = Command().create_parser("manage.py", "serve").parse_args(container["args"][1:])
    [port] = container["ports"]
    assert options.port == port["containerPort"] == project_settings.env.asked["PORT"]
    # /readyz answers the node's own machine (METRICS_NETWORKS), whatever address a kubelet has.
    probe = ["python", "nginx/probe", str(options.port)]
    assert container["readinessProbe"]["exec"]["command"] == probe
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    for asked in values_of("httpGet", container):
        assert resolve(asked["path"])
        assert asked["port"] == port["name"]


@pytest.mark.parametrize("workload", NODES, ids=lambda each: each["metadata"]["name"])
def test_a_node_has_time_to_drain(workload: Object) -> None:
    grace = pod(workload)["terminationGracePeriodSeconds"]
    [command] = values_of("command", node(workload)["lifecycle"]["preStop"])
    assert command[0] == "sleep"
    assert grace - int(command[1]) == int(SETTINGS["HOLDFAST_STOP_SECONDS"])
    needed = float(SETTINGS["DRAIN_SECONDS"]) + AFTER_DRAIN_SECONDS
    assert needed <= int(SETTINGS["HOLDFAST_STOP_SECONDS"])


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each["metadata"]["name"])
def test_nothing_runs_as_root_or_writes_to_its_image(workload: Object) -> None:
    account = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    context = pod(workload)["securityContext"]
    assert context["runAsNonRoot"] is True
    assert (str(context["runAsUser"]), str(context["runAsGroup"])) == account[0]
    assert context["seccompProfile"]["type"] == "RuntimeDefault"
    for container in containers(workload):
        assert container["image"] == "holdfast"
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        volumes = {each["name"] for each in pod(workload)["volumes"]}
        assert {each["name"] for each in container["volumeMounts"]} <= volumes


def test_the_settings_declare_the_pods() -> None:
    most = sum(each["spec"]["replicas"] for each in NODES)
    assert int(SETTINGS["HOLDFAST_PROCESSES"]) >= most


def test_the_three_ways_to_deploy_agree() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(ROOT / "nginx" / "systemd" / "holdfast@.service")
    stop = project_settings.env.asked["HOLDFAST_STOP_SECONDS"]
    assert float(unit["Service"]["TimeoutStopSec"]) == stop
    assert int(SETTINGS["HOLDFAST_STOP_SECONDS"]) == stop
    for name in ("socket-1", "socket-2", "web-1"):
        service = compose["services"][name]
        assert service["stop_grace_period"] == f"{stop}s"
        assert service["environment"]["HOLDFAST_STOP_SECONDS"] == str(stop)
    patience = project_settings.env.asked["HOLDFAST_PROXY_SECONDS"]
    assert int(SETTINGS["HOLDFAST_PROXY_SECONDS"]) == patience
    assert compose["services"]["nginx"]["environment"]["NGINX_READ_TIMEOUT"] == f"{patience}s"
    sockets = named("Ingress", "holdfast-socket")
    annotations = sockets["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == str(patience)
    # The same split as in nginx/locations.conf.
    paths = set(values_of("path", sockets))
    locations = (ROOT / "nginx" / "locations.conf.template").read_text()
    blocks = re.findall(r"^location (\S.*?) \{(.*?)^\}", locations, re.MULTILINE | re.DOTALL)
    to_sockets = {
        location.removeprefix("= ")
        for location, body in blocks
        if "http://holdfast_sockets" in body
    }
    assert paths == to_sockets


def test_the_settings_pass_the_deployment_checks(tmp_path: Path) -> None:
    env = {
        **{name: value for name, value in SETTINGS.items() if name not in PARTS},
        **{name: value.replace("replace-me", "k9" * 13) for name, value in SECRETS.items()},
        "SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": f"{SETTINGS['SITE_HOST']},10.244.0.7",
        "HOLDFAST_VAR_DIR": str(tmp_path),
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    placeholders = subprocess.run(
        command,
        cwd=ROOT,
        env={**env, **SECRETS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SECRET_KEY is a default value or easy to guess" in placeholders.stderr
