"""``make cluster``, as a person at a terminal meets it."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.make_cluster import main
from tests.support.programs import Program
from tests.support.server import ROOT, free_port, passed_on

READY_SECONDS = 90  # a database, the demo, and two nodes, one after the other


def test_it_runs_with_demo_data_and_stops_nodes_first(tmp_path: Path) -> None:
    directory, port = tmp_path / "a directory", free_port()
    options = ["--nodes", "1", "--port", str(port), "--directory", str(directory)]
    command = [sys.executable, "-m", "tests.support.make_cluster", *options]
    terminal = Program(
        "make cluster", command, cwd=ROOT, env=passed_on(), log_file=tmp_path / "terminal"
    )
    terminal.stop_signal = signal.SIGINT
    terminal.start()
    try:
        terminal.wait_for(lambda: "Ctrl-C drains and stops." in terminal.log, READY_SECONDS)
        assert httpx.get(f"http://127.0.0.1:{port}/accounts/login/").status_code == 200
        assert re.search(r"alice .*\n", terminal.log)
        again = subprocess.run(
            command, cwd=ROOT, env=passed_on(), capture_output=True, text=True, check=False
        )
        assert (again.returncode, "another cluster runs in" in again.stderr) == (1, True)
    finally:
        code = terminal.stop()
    assert code == 0
    stopped = re.findall(r"stopped: (\S+) ", (directory / "logs" / "supervisor.log").read_text())
    assert set(stopped[:2]) == {"socket-1", "web-1"}
    assert stopped[2] == "nginx"
    assert set(stopped[3:]) == {"redis", "postgres"}


def test_a_taken_port_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert (
            main(["--port", str(taken.getsockname()[1]), "--directory", str(tmp_path / "x")]) == 1
        )
    assert "choose another one: make cluster PORT=" in capsys.readouterr().err


def test_a_wrong_number_of_nodes_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--nodes", "0", "--directory", str(tmp_path / "x")]) == 1
    assert "NODES=0 WEB=1: expected numbers between 1 and" in capsys.readouterr().err
