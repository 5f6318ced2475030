"""A node whose event loop is blocked ends, and its supervisor starts another one."""

import subprocess
import sys

from realtime.server.watchdog import EXIT_CODE
from tests.support.server import ROOT

# Looks every 20 ms, and ends the process after 5 of them without the loop.
SCRIPT = """
import asyncio, signal, subprocess, threading, time, os
from realtime.server import watchdog

watchdog.LOOK_SECONDS = 0.1

async def main():
    dog = watchdog.Watchdog(1.0)
    dog.start(asyncio.get_running_loop())
    {act}
    dog.stop()

asyncio.run(main())
"""


def ended(act: str) -> tuple[int, str]:
    command = [sys.executable, "-c", SCRIPT.format(act=act)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stderr


def test_a_blocked_loop_ends_the_process_and_says_where() -> None:
    code, errors = ended("threading.Event().wait()")
    assert code == EXIT_CODE
    assert "the event loop is blocked" in errors
    assert "in main" in errors  # the line of each thread


def test_a_busy_loop_that_still_runs_goes_on() -> None:
    assert ended("[await asyncio.sleep(0.3) for _ in range(6)]") == (0, "")


def test_a_process_that_was_stopped_goes_on() -> None:
    resume = "subprocess.Popen(['sh', '-c', f'sleep 2; kill -CONT {os.getpid()}'])"
    stop = "os.kill(os.getpid(), signal.SIGSTOP)"
    assert ended(f"{resume}; {stop}; await asyncio.sleep(0.3)") == (0, "")
