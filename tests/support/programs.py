"""Programs that a test starts and does things to: stop, kill, pause."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30  # a node takes two; a machine that also runs a browser may need ten
STOP_SECONDS = 90  # above what a drain may take, and the stop of a database, on a busy machine


class Program:
    """One program, which may be started again after its end.

    All that it writes is kept in ``log_file``.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log_file: Path,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.env = dict(env)
        self.log_file = log_file
        self.stop_signal = signal.SIGTERM
        self.cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """True from the start to the end."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None, f"{self.name} has not been started"
        return self._process.pid

    @property
    def log(self) -> str:
        """The output of the program so far, in all its runs."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self, ready: Callable[[], bool] | None = None) -> None:
        """Start, and wait until ``ready`` says so. Raises with the log when it does not."""
        assert not self.running, f"{self.name} runs already"
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal reaches the test alone, and a signal can be
            # for all of the program's processes.
            self._process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if ready is not None:
            self.wait_for(ready)

    def wait_for(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Return when ``ready()`` is true.

        Raises with the log after ``seconds``, or when the program ends first.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} was not ready:\n{self.log[-8000:]}")
            time.sleep(0.02)  # what is not there yet has nothing to wait on

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if the program runs."""
        if self.running:
            os.kill(self.pid, number)

    def stop(self) -> int:
        """Ask the program to end, wait, and return its exit code.

        Raises with its log when it does not end.
        """
        self.signal(signal.SIGCONT)
        self.signal(self.stop_signal)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end, and return the exit code."""
        assert self._process is not None
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise RuntimeError(
                f"{self.name} did not end within {STOP_SECONDS} s:\n{self.log[-8000:]}"
            ) from error

    def kill(self) -> None:
        """End the program and those that it has started without warning."""
        self._signal_all(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Suspend the program for a while; its sockets stay open and do not answer."""
        self._signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        """Signal the group: nginx has workers, and others are scripts that start the program."""
        if self.running:
            os.killpg(self.pid, number)


def stop_all(programs: Sequence[Program]) -> None:
    """Stop programs in parallel; kill those that do not end, and raise for the first of them."""
    errors: list[Exception] = []

    def stop(program: Program) -> None:
        try:
            program.stop()
        except Exception as error:  # noqa: BLE001  raised below, when all have ended
            errors.append(error)

    threads = [
        threading.Thread(target=stop, args=[each], name=f"stop {each.name}")
        for each in programs
        if each.running
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with contextlib.suppress(IndexError):
        raise errors[0]
