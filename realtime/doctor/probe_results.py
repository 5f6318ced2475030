"""The results of probes, and a runner that gives each probe a limited time."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db import connections


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"  # works, and will hurt
    FAIL = "fail"  # does not work


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One line of the report. ``todo`` is empty when all is well."""

    area: str
    level: Severity
    text: str
    todo: str = ""


class Area:
    """Makes the findings of one probe."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ok(self, text: str) -> ProbeResult:
        """Make a finding that needs no action."""
        return ProbeResult(self.name, Severity.OK, text)

    def warn(self, text: str, todo: str) -> ProbeResult:
        """Make a finding that will hurt."""
        return ProbeResult(self.name, Severity.WARN, text, todo)

    def fail(self, text: str, todo: str) -> ProbeResult:
        """Make a finding that does not work."""
        return ProbeResult(self.name, Severity.FAIL, text, todo)


class _ProbeThread(threading.Thread):
    """One probe in a thread of its own, which does not keep the process alive."""

    def __init__(self, name: str, probe: Callable[[], Iterator[ProbeResult]]) -> None:
        super().__init__(name=f"doctor-{name}", daemon=True)
        self.area = name
        self._probe = probe
        self.found: list[ProbeResult] = []

    def run(self) -> None:
        try:
            for finding in self._probe():
                self.found.append(finding)
        except Exception as error:  # noqa: BLE001  every client has errors of its own
            self.found.append(
                ProbeResult(
                    self.area,
                    Severity.FAIL,
                    f"the probe failed: {type(error).__name__}: {first_line(error)}",
                    "Read the message, and run the probe alone with --only.",
                )
            )
        finally:
            connections.close_all()


def run(
    probes: Mapping[str, Callable[[], Iterator[ProbeResult]]], *, seconds: float
) -> Iterator[ProbeResult]:
    """Run all probes at the same time, and yield their findings in order.

    A probe that needs more than ``seconds`` fails with what it found until then.
    """
    runs = [_ProbeThread(name, probe) for name, probe in probes.items()]
    for each in runs:
        each.start()
    for each in runs:
        each.join(seconds)
        yield from list(each.found)
        if each.is_alive():
            yield ProbeResult(
                each.area,
                Severity.FAIL,
                f"no answer within {seconds:g} s",
                "The server accepts connections and does not answer, or a firewall drops packets.",
            )


def first_line(error: BaseException) -> str:
    """Return the first line of an error: clients append hints over several lines."""
    return (str(error).strip().splitlines() or ["no details"])[0]
