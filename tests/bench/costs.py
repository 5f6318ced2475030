"""The cost of processes and their children: CPU seconds and memory."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Group:
    """Processes that are counted together."""

    pids: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """User and system time since their start, that of ended children included."""
        return sum(_cpu(process) for process in self._alive())

    def pss_bytes(self) -> int:
        """Memory, where a page that several share is divided among them."""
        return sum(process.memory_full_info().pss for process in self._alive())

    def _alive(self) -> Iterable[psutil.Process]:
        seen: dict[int, psutil.Process] = {}
        for pid in self.pids:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                seen.update(
                    {each.pid: each for each in [process, *process.children(recursive=True)]}
                )
        return seen.values()


def cpu(groups: Mapping[str, Group]) -> dict[str, float]:
    """Return the CPU seconds of each group so far."""
    return {name: group.cpu_seconds() for name, group in groups.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return what each group has used between two looks."""
    return {name: after[name] - before[name] for name in before}


def _cpu(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0
